"""On PostgreSQL a search goes by its index, whoever asks, and leaves its connection as it was."""

import pytest
from sqlalchemy.exc import OperationalError

from app import transaction
from app.domain.search import postgresql
from app.extensions import db
from tests.faults.services import cut_wire


@pytest.fixture
def connection(postgresql_app):
    with postgresql_app.app_context():
        yield db.session.connection
        transaction.release()


def scans(connection) -> str:
    """Whether the planner may read whole tables."""
    return connection().exec_driver_sql("SHOW enable_seqscan").scalar_one()


@pytest.mark.parametrize("writes", [False, True])
def test_no_table_is_read_whole_while_a_search_looks_for_hits(connection, writes):
    if writes:
        transaction.start_writing()
    with postgresql._by_index(connection()):
        within = scans(connection)

    assert (within, scans(connection)) == ("off", "on")


def test_a_search_that_fails_leaves_nothing_set(connection):
    with pytest.raises(ZeroDivisionError), postgresql._by_index(connection()):
        raise ZeroDivisionError
    assert scans(connection) == "on"


def test_a_search_whose_connection_breaks_says_so(connection):  # F8
    with pytest.raises(OperationalError), postgresql._by_index(connection()):
        cut_wire(connection().connection.dbapi_connection)
        scans(connection)

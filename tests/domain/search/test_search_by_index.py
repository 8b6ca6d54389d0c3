"""On PostgreSQL a search goes by its index, whoever asks, and leaves its connection as it was."""

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from app import transaction
from app.domain.search import postgresql, tokens
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


MESSAGES = 400


@pytest.fixture
def asked(connection):
    """A function that asks for at most 10 hits among MESSAGES rows, and says how often the index was asked.

    What other tests left in the tables is put back with everything else.
    """
    transaction.start_writing()
    writer = connection()
    writer.exec_driver_sql("DELETE FROM message_search")
    writer.exec_driver_sql("DELETE FROM case_search")
    for number in range(1, MESSAGES + 1):
        said = "order" if number % 5 == 0 else "hello"
        said += " kintsugi" if number == MESSAGES // 2 else ""
        postgresql.add_message(writer, number, number, tokens.read(said))

    def do(q: str) -> tuple[bool, int]:
        statements: list[str] = []
        listen = (writer, "before_cursor_execute", lambda *told: statements.append(told[2]))
        event.listen(*listen)
        found = postgresql.gather(writer, tokens.parse(q), 10)
        event.remove(*listen)
        return found is not None, sum("LIMIT" in one for one in statements)

    return do


def test_index_is_not_asked_for_a_word_that_is_all_over(asked):
    """Of one message in five: it would be read to its end for nothing."""
    assert asked("order") == (False, 1)  # of the cases' own texts only


def test_index_is_asked_for_a_word_that_few_have(asked):
    assert asked("kintsugi") == (True, 2)
    assert asked("nowhere") == (True, 2)

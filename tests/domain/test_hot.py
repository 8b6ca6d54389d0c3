"""The statements of the hot path do on both engines what SQLAlchemy would have done."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from app import transaction
from app.columns import Moment
from app.domain import hot, upsert
from app.extensions import db
from app.models import Group

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KNOWN = hot.Insertion(upsert.insert(Group.__table__).on_conflict_do_nothing(), "name", "created_at")
ADD = hot.Statement(insert(Group.__table__).returning(Group.__table__.c.id), "name", "created_at")
AT = bindparam("at", type_=Moment)
MOVE = hot.Statement(
    update(Group.__table__).where(Group.__table__.c.created_at < AT).values(created_at=AT)
)
OLDEST = hot.Statement(
    select(Group.__table__.c.name).order_by(Group.__table__.c.created_at).limit(1)
)


@pytest.fixture(autouse=True)
def _writing(_in_context):
    transaction.start_writing()


def test_moments_are_written_as_everywhere_else():
    connection = db.session.connection()

    added = ADD.first(connection, name="Sales", created_at=NOON)

    group = db.session.scalars(select(Group).where(Group.created_at == NOON)).one()
    assert added == (group.id,)
    assert group.created_at == NOON


def test_rows_are_counted_and_the_first_is_read_without_any():
    connection = db.session.connection()
    assert OLDEST.first(connection) is None
    for name, hour in (("Sales", 9), ("Support", 10), ("Night", 23)):
        ADD.first(connection, name=name, created_at=NOON.replace(hour=hour))

    assert MOVE.count(connection, at=NOON) == 2
    assert MOVE.count(connection, at=NOON) == 0
    assert OLDEST.first(connection) in (("Sales",), ("Support",))


def test_a_broken_constraint_is_the_same_exception_as_everywhere_else():
    connection = db.session.connection()
    ADD.first(connection, name="Sales", created_at=NOON)

    with pytest.raises(IntegrityError):
        ADD.first(connection, name="Sales", created_at=NOON)


def test_a_forgotten_value_is_not_taken_for_nothing():
    with pytest.raises(KeyError, match="created_at"):
        ADD.first(db.session.connection(), name="Sales")


def test_an_insertion_tells_the_new_rows_id_or_that_it_was_kept_out():
    connection = db.session.connection()

    first = KNOWN.id(connection, name="Sales", created_at=NOON)
    other = KNOWN.id(connection, name="Support", created_at=NOON)

    assert KNOWN.id(connection, name="Sales", created_at=NOON) is None
    assert db.session.scalars(select(Group.id).order_by(Group.id)).all() == [first, other]


def test_the_connection_is_that_of_the_transaction_that_goes_on():
    before = hot.connection()
    assert hot.connection() is before is db.session.connection()

    transaction.commit()
    transaction.start_writing()

    assert hot.connection() is db.session.connection()
    assert hot.connection().in_transaction()


def test_what_runs_in_a_savepoint_is_taken_back_with_it():
    KNOWN.id(hot.connection(), name="Sales", created_at=NOON)

    with pytest.raises(ZeroDivisionError), db.session.begin_nested():
        KNOWN.id(hot.connection(), name="Support", created_at=NOON)
        raise ZeroDivisionError
    KNOWN.id(hot.connection(), name="Night", created_at=NOON)

    names = select(Group.name).order_by(Group.id)
    assert db.session.scalars(names).all() == ["Sales", "Night"]


NAMED = hot.Statement(select(Group.__table__.c.id).where(Group.__table__.c.name == bindparam("name")))
MADE_AT = hot.Statement(
    select(Group.__table__.c.created_at).where(Group.__table__.c.name == bindparam("name"))
)


def reading_after(*names):
    for name in names:
        KNOWN.id(hot.connection(), name=name, created_at=NOON)
    transaction.commit()
    transaction.release()


def test_what_was_foreseen_is_answered_without_asking_again(monkeypatch):
    reading_after("Sales", "50 % off")
    asked = [NAMED.asked(name=name) for name in ("Sales", "50 % off", "Nobody")]

    hot.foresee([*asked, MADE_AT.asked(name="Sales"), OLDEST.asked()])

    monkeypatch.setattr(hot, "_execute", None)
    assert [hot.finds(NAMED, name=name) for name in ("Sales", "50 % off", "Nobody")] == [True, True, False]
    assert hot.value(MADE_AT, name="Sales") == NOON
    assert hot.value(OLDEST) in ("Sales", "50 % off")


def test_what_was_not_foreseen_is_asked_and_reads_the_same():
    reading_after("Sales")

    assert hot.value(MADE_AT, name="Sales") == NOON
    assert hot.value(MADE_AT, name="Nobody") is None
    assert hot.finds(NAMED, name="Sales")


def test_nothing_is_foreseen_for_who_may_write():
    hot.foresee([NAMED.asked(name="Sales")])
    assert not hot.finds(NAMED, name="Sales")

    KNOWN.id(hot.connection(), name="Sales", created_at=NOON)

    assert hot.finds(NAMED, name="Sales")


def test_what_was_foreseen_ends_with_its_transaction():
    reading_after()
    hot.foresee([NAMED.asked(name="Sales")])
    transaction.start_writing()
    reading_after("Sales")

    assert hot.finds(NAMED, name="Sales")


def test_foreseeing_twice_asks_only_for_what_is_new(monkeypatch):
    reading_after("Sales")
    hot.foresee([NAMED.asked(name="Sales")])
    made, execute = [], hot._execute
    monkeypatch.setattr(hot, "_execute", lambda *given: made.append(given[2]) or execute(*given))

    hot.foresee([NAMED.asked(name="Sales")])
    assert made == []
    hot.foresee([NAMED.asked(name="Sales"), NAMED.asked(name="Night")])

    assert [sql.count("groups.name") for sql in made] == [1]

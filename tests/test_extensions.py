"""Databases as we open them: who may write to SQLite, and whether PostgreSQL's connections live."""

import sqlite3
import threading
import time

import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import create_engine, insert, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from app import extensions, transaction
from app.clock import now
from app.extensions import BUSY_SECONDS, OUTAGES, SerialConnection, db
from app.models import Group


@pytest.fixture(autouse=True)
def _context(app):
    with app.app_context():
        yield


def raw(connection: Connection) -> SerialConnection:
    found = connection.connection.dbapi_connection
    assert isinstance(found, SerialConnection)
    return found


def add_group(name: str) -> SerialConnection:
    """Write with a transaction of its own; the connection that did it."""
    with transaction.writing():
        db.session.execute(insert(Group).values(name=name, created_at=now()))
        return raw(db.session.connection())


def read() -> SerialConnection:
    transaction.release()
    db.session.execute(select(Group.id))
    found = raw(db.session.connection())
    transaction.release()
    return found


def test_a_reading_transaction_cannot_write():
    transaction.release()

    with pytest.raises(OperationalError, match="readonly"):
        db.session.execute(insert(Group).values(name="Sales", created_at=now()))


def test_the_connection_that_wrote_last_writes_next_and_no_reader_gets_it():
    first = add_group("Sales")
    readers = {read() for _ in range(3)}
    second = add_group("Support")

    assert first is second
    assert first not in readers


def test_a_connection_that_wrote_may_not_when_it_reads():
    with db.engine.connect() as reading:
        kept = raw(reading)
        reading.rollback()
        kept.begin(writing=True)
        kept.rollback()
        kept.begin(writing=False)

        with pytest.raises(Exception, match="readonly"):
            kept.execute("DELETE FROM groups")
        kept.rollback()


def test_disposing_closes_the_writers_connection_too():
    first = add_group("Sales")

    db.engine.dispose()

    with pytest.raises(Exception, match="closed"):
        first.execute("SELECT 1")
    assert add_group("Support") is not first


def test_waiting_for_our_own_writers_and_for_others_is_one_wait():  # F17
    connection = db.engine.raw_connection()
    outsider = sqlite3.connect(db.engine.url.database, isolation_level=None)
    outsider.execute("BEGIN EXCLUSIVE")
    extensions._writer.acquire()
    threading.Timer(0.8 * BUSY_SECONDS, extensions._writer.release).start()
    began = time.monotonic()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        connection.dbapi_connection.begin(writing=True)
    seconds = time.monotonic() - began
    connection.close()
    outsider.close()

    assert seconds < 1.5 * BUSY_SECONDS


def test_after_a_long_wait_the_next_writer_waits_as_long_as_ever():  # F17
    connection = db.engine.raw_connection()
    extensions._writer.acquire()
    threading.Timer(0.3, extensions._writer.release).start()
    connection.dbapi_connection.begin(writing=True)

    [(kept,)] = connection.dbapi_connection.execute("PRAGMA busy_timeout").fetchall()
    connection.close()
    assert kept == BUSY_SECONDS * 1000


def test_errors_tell_no_values():  # T26, T37
    transaction.release()
    with pytest.raises(OperationalError) as raised:
        db.session.execute(insert(Group).values(name="canary-4711", created_at=now()))
    assert "canary-4711" not in str(raised.value)


def test_postgresql_ends_a_transaction_whose_process_does_nothing_any_more(postgresql_app):  # F14, F25
    """Frozen, or its machine gone: what it had locked would stay so for hours."""
    with postgresql_app.app_context(), db.engine.connect() as connection:
        asked = text("SHOW idle_in_transaction_session_timeout")
        assert connection.scalar(asked) == "30s"


def test_postgresql_neither_tries_every_order_of_a_page_s_tables_nor_compiles(postgresql_app):
    """Every order of eight tables, or compiling what runs for a millisecond, costs more than either saves."""
    with postgresql_app.app_context(), db.engine.connect() as connection:
        assert connection.scalar(text("SHOW join_collapse_limit")) == "4"
        assert connection.scalar(text("SHOW jit")) == "off"


@pytest.fixture
def pooled(postgresql_app):
    """An engine of PostgreSQL with its connections, as an application opens it."""
    with postgresql_app.app_context():
        db.session.remove()
        db.engine.dispose()
        yield db.engine
        db.engine.dispose()


def backend(engine) -> int:
    with engine.connect() as connection:
        return connection.execute(text("SELECT pg_backend_pid()")).scalar_one()


def end(engine, pid: int) -> None:
    with create_engine(engine.url).connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


def test_a_connection_that_died_while_it_rested_is_replaced(pooled, monkeypatch):
    first = backend(pooled)
    end(pooled, first)
    monkeypatch.setattr(extensions, "SURE_SECONDS", -1)

    assert backend(pooled) not in (0, first)


def test_one_that_died_just_now_fails_once_and_the_next_is_new(pooled, monkeypatch):
    monkeypatch.setattr(extensions, "SURE_SECONDS", 3600)
    first = backend(pooled)
    end(pooled, first)

    with pytest.raises(OUTAGES):
        backend(pooled)
    assert backend(pooled) != first


def test_what_is_in_use_is_not_asked_whether_it_lives(pooled, monkeypatch):
    monkeypatch.setattr(extensions, "SURE_SECONDS", 3600)
    first, asked = backend(pooled), []
    monkeypatch.setattr(pooled.dialect, "do_ping", lambda connection: asked.append(connection))

    assert backend(pooled) == first
    assert asked == []


def is_in_transaction() -> bool:
    """Whether PostgreSQL has begun one for this session."""
    db.session.execute(text("SELECT 1"))
    driver = db.session.connection().connection.dbapi_connection
    return driver.info.transaction_status == TransactionStatus.INTRANS


def test_who_only_reads_speaks_outside_of_transactions(postgresql_app):  # ADR 16
    with postgresql_app.app_context():
        before = is_in_transaction()
        transaction.start_writing()
        writing = is_in_transaction()
        transaction.commit()
        after = is_in_transaction()
        transaction.release()

    assert (before, writing, after) == (False, True, False)


def test_a_connection_of_readers_is_lent_to_writers_too(pooled):
    reader, writer = backend(pooled), None
    with transaction.writing():
        writer = db.session.scalar(text("SELECT pg_backend_pid()"))

    assert writer == reader

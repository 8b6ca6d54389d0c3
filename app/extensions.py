"""The Flask extensions, made once and bound in create_app, and how the database is opened."""

import os
import sqlite3
import threading
import time
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import Any

from flask import Flask
from flask_babel import Babel
from flask_sock import Sock
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from flask_wtf import CSRFProtect
from sqlalchemy import Engine, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import InterfaceError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from app.models import Base

# The database is locked, full or gone, or has no connection free: whatever was asked is not to blame.
OUTAGES = (OperationalError, InterfaceError, PoolTimeout)
BUSY_SECONDS = 1.5
SHORT_WAIT_SECONDS = 0.1
# A connection that was used so lately is not asked first whether it still lives.
SURE_SECONDS = 0.5
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    f"busy_timeout={int(BUSY_SECONDS * 1000)}",
    "cache_size=-8192",
    "temp_store=MEMORY",
    "journal_size_limit=67108864",
)

# Whether the transaction that begins next in this context may write (see transaction.py).
is_writing: ContextVar[bool] = ContextVar("is_writing", default=False)


class ReadingOrWriting(Session):
    """On PostgreSQL, who may not write speaks outside of transactions.

    Each statement sees what is committed when it begins either way. BEGIN and ROLLBACK are two
    round trips of the nine that a case's page takes, and locks end with each statement (ADR 16).
    """

    def get_bind(self, *args: Any, **options: Any) -> Engine | Connection:
        found = super().get_bind(*args, **options)
        return found if is_writing.get() else _READERS.get(found, found)


# By each engine, the same one for readers: connections of the same pool, that commit by themselves.
_READERS: dict[Engine | Connection, Engine] = {}

db = SQLAlchemy(
    metadata=Base.metadata,
    session_options={"class_": ReadingOrWriting, "expire_on_commit": False},
)
csrf = CSRFProtect()
babel = Babel()
sock = Sock()

_writer = threading.Lock()


class SerialConnection(sqlite3.Connection):
    """A SQLite connection whose writing transactions wait for each other in this process.

    SQLite's own busy handler polls and starves; a lock in front takes the worst wait from
    half a second to some milliseconds. It is held from BEGIN IMMEDIATE to after COMMIT.
    """

    holds_writer = False
    may_write: bool | None = None

    def begin(self, *, writing: bool) -> None:
        if self.may_write is not writing:
            # Only when it changes: every PRAGMA of this kind undoes all prepared statements.
            self.execute(f"PRAGMA query_only={'OFF' if writing else 'ON'}")
            self.may_write = writing
        if not writing:
            self.execute("BEGIN")
            return
        asked_at = time.monotonic()
        if not _writer.acquire(timeout=BUSY_SECONDS):
            raise sqlite3.OperationalError("database is locked")
        self.holds_writer = True
        try:
            self._begin_immediate(waited=time.monotonic() - asked_at)
        except BaseException:
            self._let_go()
            raise

    def _begin_immediate(self, *, waited: float) -> None:
        """Both waits together last no longer than one: LINE hears 503 in time (F17)."""
        if waited < SHORT_WAIT_SECONDS:
            self.execute("BEGIN IMMEDIATE")
            return
        self.execute(f"PRAGMA busy_timeout={int(max(0.0, BUSY_SECONDS - waited) * 1000)}")
        try:
            self.execute("BEGIN IMMEDIATE")
        finally:
            self.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")

    def commit(self) -> None:
        super().commit()
        self._let_go()

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self._let_go()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        if self.holds_writer:
            self.holds_writer = False
            _writer.release()


class TwoLanes(QueuePool):
    """Keeps one idle connection for whoever writes next; readers have the others.

    A commit throws away what every other connection had cached. The one that made it keeps its
    pages and prepared statements, so the next writer is a third quicker with the same one.
    """

    def __init__(self, creator: Any, **options: Any) -> None:
        super().__init__(creator, **options)
        self._writers: list[ConnectionPoolEntry] = []

    def _do_get(self) -> ConnectionPoolEntry:
        if is_writing.get():
            with suppress(IndexError):
                return self._writers.pop()
        return super()._do_get()

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        if getattr(record.dbapi_connection, "may_write", False) and not self._writers:
            self._writers.append(record)
        else:
            super()._do_return_conn(record)

    def dispose(self) -> None:
        while self._writers:
            self._writers.pop().close()
        super().dispose()


def init_app(app: Flask) -> None:
    """Bind every extension to this app."""
    db.init_app(app)
    csrf.init_app(app)
    babel.init_app(app)
    sock.init_app(app)
    with app.app_context():
        open_database(db.engine)


def open_database(engine: Engine) -> None:
    """Attach what every connection of this engine needs."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)
    else:
        _READERS[engine] = engine.execution_options(isolation_level="AUTOCOMMIT")
        event.listen(engine, "checkin", _note_use)
        event.listen(engine, "checkout", partial(_make_sure, engine))


def is_read_only(connection: Connection) -> bool:
    """Whether the database refuses whatever is written: a standby, say, or a file on a disk in trouble.

    Nothing is written to find out, so that nobody waits for it.
    """
    if connection.dialect.name == "postgresql":
        said = connection.scalar(text("SELECT current_setting('transaction_read_only')"))
        return bool(said == "on")
    file = connection.scalar(text("SELECT file FROM pragma_database_list WHERE name = 'main'"))
    # SQLite makes files of its own beside it.
    return bool(file) and not all(os.access(one, os.W_OK) for one in (file, os.path.dirname(file)))


def _note_use(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info["used_at"] = time.monotonic()


def _make_sure(engine: Engine, connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
    """Instead of `pool_pre_ping`, whose round trip before each transaction a busy server can save.

    One that dies within this time fails as one that dies while it is used: with 503, and the next is new.
    """
    if time.monotonic() - record.info.get("used_at", float("inf")) <= SURE_SECONDS:
        return
    try:
        engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error as problem:
        raise InvalidatePoolError from problem


def _set_pragmas(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    raw = connection.connection.dbapi_connection
    if not isinstance(raw, SerialConnection):
        raise TypeError("SQLite was opened without SerialConnection")
    try:
        raw.begin(writing=is_writing.get())
    except sqlite3.OperationalError as problem:
        raise OperationalError("BEGIN", {}, problem) from problem

"""Many rows at once, the search index among them: what makes a million cases a matter of minutes.

Indexes are taken away first and made anew when everything is there; SQLite is handed the rows by
`executemany`, PostgreSQL by COPY. Columns that are not named get their model's default, moments are text.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection

from app import transaction
from app.domain.search import postgresql, sqlite, tokens
from app.extensions import db

_SQLITE = (
    "PRAGMA cache_size = -262144",
    "PRAGMA foreign_keys = OFF",
    "PRAGMA ignore_check_constraints = ON",
    "PRAGMA synchronous = OFF",
)
_POSTGRESQL = (
    "SET maintenance_work_mem = '1GB'",
    "SELECT set_config('session_replication_role', 'replica', false)"
    " FROM pg_roles WHERE rolname = current_user AND rolsuper",
)

Rows = Sequence[tuple[Any, ...]]


@contextmanager
def without_indexes(models: Iterable[Any]) -> Iterator[None]:
    """Fill these models' tables in here, in an order that their foreign keys allow."""
    _hurry()
    indexes = [index for model in models for index in model.__table__.indexes]
    with transaction.writing():
        connection = _connection()
        for index in indexes:
            index.drop(connection)
        if _is_postgresql(connection):
            postgresql.drop_indexes(connection)
    yield
    with transaction.writing():
        connection = _connection()
        if _is_postgresql(connection):
            postgresql.create_indexes(connection)
        for index in indexes:
            index.create(connection)


def insert(model: Any, columns: Sequence[str], rows: Rows) -> None:
    """Rows of these columns, in the current transaction."""
    default = {
        column.name: column.default.arg
        for column in model.__table__.columns
        if column.default is not None and column.name not in columns
    }
    if any(callable(value) for value in default.values()):
        raise TypeError(f"{model.__name__}: {default} has a default that every row makes anew")
    _write(model.__tablename__, [*columns, *default], rows, tuple(default.values()))


def index_messages(texts: Iterable[tuple[int, int, str]]) -> None:
    """Let messages be found: id, case, text."""
    read = [(message_id, case_id, _read(text)) for message_id, case_id, text in texts]
    if _is_postgresql(_connection()):
        rows = [(message_id, case_id, *words[1:]) for message_id, case_id, words in read]
        _write("message_search", ("message_id", "case_id", "tokens", "words"), rows)
    else:
        _write("message_search", ("rowid", "words"), [(one, words[0]) for one, _case, words in read])


def index_cases(subjects: Iterable[tuple[int, str]]) -> None:
    read = [(case_id, _read(subject)) for case_id, subject in subjects]
    if _is_postgresql(_connection()):
        rows = [(case_id, *words[1:]) for case_id, words in read]
        _write("case_search", ("case_id", "tokens", "words"), rows)
    else:
        _write("case_search", ("rowid", "words"), [(one, words[0]) for one, words in read])


@lru_cache(maxsize=50_000)
def _read(text: str) -> tuple[str, str, str]:
    """What SQLite's index stores of a text, and both that PostgreSQL's does."""
    words = tokens.read(text)
    return sqlite.stored(words), *postgresql.columns([words])


def _write(table: str, columns: Sequence[str], rows: Rows, same: tuple[Any, ...] = ()) -> None:
    """`same` are the values of the last columns, alike in every row."""
    connection, names = _connection(), ", ".join(columns)
    cursor = connection.connection.cursor()
    if _is_postgresql(connection):
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row + same)
    else:
        places = ", ".join(["?"] * (len(columns) - len(same)) + [_literal(value) for value in same])
        cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", rows)
    cursor.close()


def _literal(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else str(int(value))


def _connection() -> Connection:
    return db.session.connection()


def _hurry() -> None:
    """This process's connections ask nothing of foreign keys, as the rows are ours, where they may.

    Nor do they wait for SQLite's disk: a database that a crash leaves half filled is made again.
    """
    is_postgresql = db.engine.dialect.name == "postgresql"
    statements = _POSTGRESQL if is_postgresql else _SQLITE
    db.session.rollback()
    db.engine.dispose()

    @event.listens_for(db.engine, "connect")
    def _(connection: Any, _record: Any) -> None:
        for statement in statements:
            connection.execute(statement).close()
        if is_postgresql:
            connection.commit()


def _is_postgresql(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"

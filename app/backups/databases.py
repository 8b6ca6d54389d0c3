"""Both databases into a file and back; whether one is empty, and whether somebody works with it.

SQLite is copied by its own backup, PostgreSQL by pg_dump: each sees one moment, and nobody who writes
waits for it. What is brought back comes in one step. It knows nothing of what the rows mean.
"""

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from sqlalchemy import Connection, inspect, select, table, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError

from app.config import Config
from app.domain import search
from app.domain.agents import Refused
from app.extensions import db
from app.models import Base

DAMAGED = "The database itself is damaged, so a backup would be, too. ({})"
# Where there is none of these, nothing is lost.
TELLING = ("agents", "channels", "cases")
CONNECT_SECONDS = 10
# PostgreSQL sees a client off a moment after it has gone.
GOING_SECONDS = 2.0


def engine_of(config: Config) -> str:
    return "sqlite" if config.is_sqlite else "postgresql"


def path_of(config: Config) -> Path:
    """SQLite's file."""
    return Path(make_url(config.database_url).database or "")


# ── Into a file ─────────────────────────────────────────────────────────────────────────────


def revision() -> str:
    """The newest migration that ran. Raise Refused where none did."""
    with db.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            raise Refused("The database is not set up. Run: flask --app wsgi db upgrade")
        return str(connection.scalar(text("SELECT version_num FROM alembic_version")))


@contextmanager
def refusing_damage() -> Iterator[None]:
    """Some damage keeps SQLite from even opening its file, or from looking through it."""
    try:
        yield
    except (sqlite3.DatabaseError, DatabaseError) as problem:
        told = problem.orig if isinstance(problem, DatabaseError) else problem
        if getattr(told, "sqlite_errorcode", 0) & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise
        raise Refused(DAMAGED.format(told)) from problem


def dump(config: Config, to: Path) -> None:
    """The database as it is at one moment, while others write. Raise Refused."""
    if config.is_sqlite:
        _copy_sqlite(path_of(config), to)
    else:
        _dump_postgresql(config, to)


def _copy_sqlite(path: Path, to: Path) -> None:
    """In one step: in portions it would begin anew whenever somebody has written in between."""
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(to)) as copy:
        source.backup(copy)
        (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise Refused(DAMAGED.format(found))


def _dump_postgresql(config: Config, to: Path) -> None:
    command = [_program("pg_dump"), "--format=custom", "--no-password", _without_password(config)]
    with to.open("wb") as file:
        done = subprocess.run(  # noqa: S603 - a fixed program and the configured address
            command, stdout=file, stderr=subprocess.PIPE, env=_environment(config), check=False
        )
    if done.returncode:
        raise Refused(f"pg_dump failed: {done.stderr.decode('utf-8', 'replace').strip()}")


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Refused(
            f"{name} is not installed. It is one of PostgreSQL's client programs (on Debian:"
            " apt install postgresql-client), of the server's version or newer."
        )
    return found


def _without_password(config: Config) -> str:
    """Everybody on the machine may read a command line."""
    url = make_url(config.database_url).set(drivername="postgresql", password=None)
    return f"--dbname={url.render_as_string(hide_password=False)}"


def _environment(config: Config) -> dict[str, str]:
    password = make_url(config.database_url).password
    told = {"PGPASSWORD": str(password)} if password else {}
    return os.environ | {"PGCONNECT_TIMEOUT": str(CONNECT_SECONDS)} | told


# ── And back ────────────────────────────────────────────────────────────────────────────────


def check_programs(config: Config) -> None:
    """Raise Refused when what `load` needs is not installed."""
    for name in () if config.is_sqlite else ("pg_restore", "psql"):
        _program(name)


def is_empty(config: Config) -> bool:
    """Whether it holds no tables but Mado's, and nobody's work in them. A damaged one is not empty."""
    try:
        with db.engine.connect() as connection:
            names = set(inspect(connection).get_table_names())
            return not any(map(_is_strange, names)) and not _has_rows(connection, names)
    except DatabaseError:
        if config.is_sqlite:
            return False
        raise
    finally:
        db.engine.dispose()


def _is_strange(name: str) -> bool:
    ours = name in Base.metadata.tables or name == "alembic_version" or search.is_ours(name)
    return not ours


def _has_rows(connection: Connection, names: set[str]) -> bool:
    queries = [select(text("1")).select_from(table(name)).limit(1) for name in TELLING if name in names]
    return any(connection.scalar(query) for query in queries)


def check_nobody_is_there(config: Config) -> None:
    """Raise Refused while another process has the database open: it would go on with what it knows."""
    if _is_sqlite_open(path_of(config)) if config.is_sqlite else _is_postgresql_open():
        raise Refused("Somebody works with this database. Stop Mado first, every process of it.")


def _is_sqlite_open(path: Path) -> bool:
    """SQLite leaves write-ahead logging only for who is alone."""
    if not path.exists():
        return False
    with closing(sqlite3.connect(path, timeout=0)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.DatabaseError as problem:  # a damaged one is nobody's
            return "locked" in str(problem)
    return False


def _is_postgresql_open() -> bool:
    others = text(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend' LIMIT 1"
    )
    until = time.monotonic() + GOING_SECONDS
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while (is_open := connection.scalar(others) is not None) and time.monotonic() < until:
            time.sleep(0.05)
    db.engine.dispose()
    return is_open


def put_in_place(config: Config, file: Path) -> None:
    """Let this become SQLite's file."""
    check_nobody_is_there(config)
    path = path_of(config)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # all of it is in the one file
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    file.replace(path)


def load(config: Config, dumped: Path) -> None:
    """Into PostgreSQL instead of what is there, all or nothing. Raise Refused."""
    with db.engine.connect() as connection:
        quoted = connection.dialect.identifier_preparer.quote
        names = {"alembic_version", *inspect(connection).get_table_names()}
    dropped = ", ".join(quoted(name) for name in sorted(names))
    db.engine.dispose()
    with TemporaryFile() as errors, _psql(config, errors) as psql:
        psql.write(b"\\set ON_ERROR_STOP on\nBEGIN; SET LOCAL lock_timeout = '10s';\n")
        psql.write(f"DROP TABLE IF EXISTS {dropped} CASCADE;\n".encode())
        _write_out(dumped, to=psql)
        # Without this nothing has happened.
        psql.write(b"COMMIT; ANALYZE;\n")


@contextmanager
def _psql(config: Config, errors: Any) -> Iterator[Any]:
    command = [_program("psql"), *"--no-psqlrc --quiet --no-password --file=-".split()]
    process = subprocess.Popen(  # noqa: S603 - a fixed program and the configured address
        [*command, _without_password(config)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=errors, env=_environment(config),
    )  # fmt: skip
    try:
        with suppress(BrokenPipeError):  # it has said why
            yield process.stdin
    finally:
        with suppress(BrokenPipeError):
            process.stdin.close()  # type: ignore[union-attr]
        code = process.wait()
    if code:
        raise Refused(f"The database took nothing: {_read(errors)}")


def _write_out(dumped: Path, *, to: Any) -> None:
    """The dump as SQL."""
    plain = "--no-owner --no-privileges --no-comments --file=-".split()
    with TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603 - a fixed program, and a path that we made
            [_program("pg_restore"), *plain, str(dumped)], stdout=subprocess.PIPE, stderr=errors
        )
        try:
            shutil.copyfileobj(process.stdout, to)  # type: ignore[type-var]
        finally:
            process.stdout.close()  # type: ignore[union-attr]
            code = process.wait()
        if code:
            raise Refused(f"pg_restore failed: {_read(errors)}")


def _read(errors: Any) -> str:
    errors.seek(0)
    said: str = errors.read().decode("utf-8", "replace").strip()
    return said

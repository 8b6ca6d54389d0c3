"""The PostgreSQL and the Redis that servers are measured on: databases of our own there, and who works for them."""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError


@contextmanager
def postgresql() -> Iterator[str | None]:
    """A database of our own on the server that the tests use; None when there is none."""
    place = server()
    engine = create_engine(place, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 2})
    name = f"mado_bench_{secrets.token_hex(6)}"
    try:
        with engine.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
    except Exception as problem:  # whatever keeps us from it: there is no server for us
        print(f"PostgreSQL is left out: {type(problem).__name__}", file=sys.stderr)
        yield None
        return
    try:
        yield place.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        engine.dispose()


def server() -> URL:
    """The PostgreSQL that the tests use."""
    url = os.environ.get("TEST_DATABASE_URL") or "postgresql://postgres@127.0.0.1:5432/postgres"
    return make_url(url).set(drivername="postgresql+psycopg")


def pids(url: str | None) -> list[int]:
    """PostgreSQL's backends for this database, and its writers, which work for everybody."""
    if url is None:
        return []
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return list(
                connection.execute(
                    text(
                        "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND (datname ="
                        " current_database() OR backend_type IN ('walwriter', 'background writer', 'checkpointer'))"
                    )
                ).scalars()
            )
    finally:
        engine.dispose()


def tidy(url: URL | str) -> None:
    """What autovacuum would come to do in the middle of the first run, and the checkpointer after much was written."""
    with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("VACUUM (ANALYZE)"))
        with suppress(DBAPIError):  # not everybody may
            connection.execute(text("CHECKPOINT"))


def redis() -> str | None:
    """The Redis that the tests use; None when it does not answer."""
    from redis import Redis, RedisError

    url = os.environ.get("TEST_REDIS_URL") or "redis://127.0.0.1:6379/0"
    try:
        with Redis.from_url(url, socket_connect_timeout=1) as client:
            client.ping()
    except RedisError as problem:
        print(f"Redis is left out: {type(problem).__name__}", file=sys.stderr)
        return None
    return url

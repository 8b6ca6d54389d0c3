"""The cast, the databases, and a network that ends at loopback.

Alice is an admin, Bob an agent of Sales, Charlie an agent of Support who sees only his groups.
Every test starts with an empty, migrated database; tests of the domain run on SQLite and, where
there is one, on PostgreSQL. With CI=true a missing server is a failure, else the reason of a skip.
"""

import os
import re
import secrets
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from app import counters, create_app, schema, storage, transaction
from app.config import Config
from app.domain import agents, sessions, tokens
from app.extensions import db
from app.models import Agent, Base, Group
from tests import locks, scans
from tests.bucket import Service
from tests.smtp_sink import Sink, listening

ROOT = Path(__file__).parent.parent
SECRET = "a-secret-key-for-tests-long-enough-to-be-taken"
WANTS_A_TRANSACTION = re.compile(
    r"FOR (NO KEY )?UPDATE|FOR (KEY )?SHARE|advisory_xact|INSERT INTO|DELETE FROM|UPDATE \w+ SET"
)
LOOPBACK = ("127.0.0.1", "::1", "localhost")
CSRF_RAW = "c5a0e7b4f2d94c1e8f3b6a7d0e9c8b7a6f5e4d3c"


@pytest.fixture(autouse=True, scope="session")
def _network_ends_at_loopback() -> Iterator[None]:
    """A test that reaches further fails."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in LOOPBACK:
            raise AssertionError(f"a test tried to reach {address[0]}")
        return real(self, address)

    socket.socket.connect = connect  # type: ignore[method-assign]
    yield
    socket.socket.connect = real  # type: ignore[method-assign]


def config_for(database_url: str, data_dir: Path, **changes: Any) -> Config:
    """The configuration of a Mado under test."""
    settings: dict[str, Any] = {
        "secret_keys": (SECRET,),
        "data_dir": data_dir,
        "database_url": database_url,
        "redis_url": None,
        "public_url": "http://localhost",
        "host": "127.0.0.1",
        "port": 8000,
        "line_api_url": "http://127.0.0.1:9",
        "line_data_api_url": "http://127.0.0.1:9",
        "trusted_proxies": 0,
        "allow_private_hosts": frozenset(),
        "log_level": "WARNING",
        "is_testing": True,
    }
    return Config(**settings | changes)


def missing(what: str) -> None:
    """Skip with the reason; with CI=true fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is needed with CI=true")
    pytest.skip(f"{what} is not there")


def postgresql_server() -> str | None:
    """The server that tests may make databases on, None when there is none."""
    url = os.environ.get("TEST_DATABASE_URL") or "postgresql://postgres@127.0.0.1:5432/postgres"
    server = make_url(url).set(drivername="postgresql+psycopg")
    try:
        with create_engine(server, connect_args={"connect_timeout": 2}).connect():
            return server.render_as_string(hide_password=False)
    except Exception:  # whatever keeps us from it: there is no server for us
        return None


def redis_server() -> str | None:
    """A Redis that answers, None when there is none."""
    import redis

    url = os.environ.get("TEST_REDIS_URL") or "redis://127.0.0.1:6379/0"
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=1) as client:
            client.ping()
    except redis.RedisError:
        return None
    return url


@contextmanager
def own_database(server: str, template: str = "template1") -> Iterator[str]:
    """A PostgreSQL database of our own, a copy of `template`, dropped at the end."""
    name = f"mado_test_{secrets.token_hex(6)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        engine.dispose()


@pytest.fixture(scope="session")
def sqlite_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder = tmp_path_factory.mktemp("sqlite")
    app = create_app(config_for(f"sqlite:///{folder / 'mado.sqlite3'}", folder))
    schema.bring_up_to_date(app)
    with app.app_context():
        db.session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        db.session.remove()
        db.engine.dispose()
    shutil.copy(folder / "mado.sqlite3", folder / "template")
    return app


@pytest.fixture(autouse=True, scope="session")
def _locks_are_held() -> Iterator[None]:
    """What locks or writes outside of a transaction, or in a case nobody has locked, fails its test (ADR 1, 16)."""
    real = psycopg.Cursor.execute

    def execute(self: psycopg.Cursor, query: Any, *given: Any, **options: Any) -> psycopg.Cursor:
        if self.connection.autocommit and WANTS_A_TRANSACTION.search(str(query)):
            raise AssertionError(f"outside of a transaction: {query}")
        locks.judge(self.connection, str(query), *given)
        return real(self, query, *given, **options)

    psycopg.Cursor.execute = execute  # type: ignore[method-assign]
    yield
    psycopg.Cursor.execute = real  # type: ignore[method-assign]


@pytest.fixture(autouse=True, scope="session")
def _nothing_is_read_whole() -> Iterator[None]:
    """What would be slow once there is much fails its test."""
    with scans.refused():
        yield


@pytest.fixture(scope="session")
def sqlite_template(sqlite_app: Flask) -> Path:
    """The file of a migrated database, to be copied."""
    return sqlite_app.extensions["mado"].data_dir / "template"


@pytest.fixture(scope="session")
def postgresql_template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The server, and the name of a migrated database on it that nobody uses, to be copied."""
    server = postgresql_server()
    if server is None:
        missing("PostgreSQL (TEST_DATABASE_URL, or 127.0.0.1:5432)")
        return
    with own_database(server) as url:
        app = create_app(config_for(url, tmp_path_factory.mktemp("template")))
        schema.bring_up_to_date(app)
        with app.app_context():
            db.engine.dispose()
        yield server, make_url(url).database or ""


@pytest.fixture(scope="session")
def postgresql_app(
    postgresql_template: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    with own_database(*postgresql_template) as url:
        app = create_app(config_for(url, tmp_path_factory.mktemp("postgresql")))
        yield app
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def sink(app: Flask) -> Iterator[Sink]:
    """The server that SMTP_URL names."""
    config = app.extensions["mado"]
    with listening() as found:
        app.extensions["mado"] = replace(config, smtp=found.as_server())
        yield found
    app.extensions["mado"] = config


@pytest.fixture
def database() -> str:
    """Which engine a test runs on; folders that run on both override this."""
    return "sqlite"


@pytest.fixture
def app(database: str, request: pytest.FixtureRequest) -> Flask:
    """A Mado with an empty database, and no files."""
    found: Flask = request.getfixturevalue(f"{database}_app")
    for folder in storage.FOLDERS:
        shutil.rmtree(found.extensions["mado"].data_dir / folder, ignore_errors=True)
    (_empty_sqlite if database == "sqlite" else _empty_postgresql)(found)
    _forget_memory()
    return found


def _empty_sqlite(app: Flask) -> None:
    folder = app.extensions["mado"].data_dir
    with app.app_context():
        db.engine.dispose()
    for leftover in folder.glob("mado.sqlite3-*"):
        leftover.unlink()
    shutil.copy(folder / "template", folder / "mado.sqlite3")


def _empty_postgresql(app: Flask) -> None:
    """Row by row: to truncate makes every table's and index's file anew, forty times as slow."""
    names = [table.name for table in reversed(Base.metadata.sorted_tables)]
    with app.app_context(), db.engine.begin() as connection:
        found = connection.execute(
            text("SELECT tablename FROM pg_tables WHERE tablename LIKE '%\\_search'")
        ).scalars()
        connection.execute(text("; ".join(f"DELETE FROM {name}" for name in [*found, *names])))
        connection.execute(
            text("SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'")
        )


def _forget_memory() -> None:
    """What a process remembers between requests must not leak between tests."""
    from app.channels.line import webhook

    webhook._endpoints.clear()
    for counter in (webhook._failed_signatures, webhook._ignored_calls, webhook._seen_channels):
        counter.clear()
    sessions._used.clear()
    sessions._written.clear()
    tokens._used.clear()
    counters.take()


@pytest.fixture(scope="session")
def bucket_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("bucket"))
    yield service
    service.stop()


@pytest.fixture
def bucket(app: Flask, bucket_service: Service) -> Iterator[Service]:
    """An empty bucket, in which this Mado keeps its files."""
    bucket_service.heal()
    bucket_service.page = 1000
    for path in bucket_service.folder.iterdir():
        path.unlink()
    bucket_service.calls.clear()
    config = app.extensions["mado"]
    app.extensions["mado"] = replace(config, bucket=bucket_service.settings())
    yield bucket_service
    bucket_service.heal()
    app.extensions["mado"] = config
    app.extensions.pop("mado.bucket", None)


@pytest.fixture(params=["folder", "bucket"])
def either_storage(request: pytest.FixtureRequest) -> None:
    """For tests of what holds wherever files are kept."""
    if request.param == "bucket":
        request.getfixturevalue("bucket")


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that is not signed in."""
    return app.test_client()


def new_agent(app: Flask, name: str, group: str | None, **fields: Any) -> Agent:
    with app.app_context(), transaction.writing():
        groups = []
        if group:
            found = db.session.query(Group).filter_by(name=group).one_or_none()
            groups = [found or agents.create_group(group)]
        email = f"{name.lower()}@example.com"
        agent = agents.create(email, name=name, groups=groups, **fields)
        assert agent.group_ids is not None
        return agent


@pytest.fixture
def alice(app: Flask) -> Agent:
    """An admin."""
    return new_agent(app, "Alice", None, role="admin")


@pytest.fixture
def bob(app: Flask) -> Agent:
    """An agent of Sales who sees the cases of his groups, and those without one."""
    return new_agent(app, "Bob", "Sales", access="own_groups")


@pytest.fixture
def charlie(app: Flask) -> Agent:
    """An agent of Support who sees the cases of his groups, and those without one."""
    return new_agent(app, "Charlie", "Support", access="own_groups")


@pytest.fixture
def dora(app: Flask) -> Agent:
    """An agent who sees everything and may only look."""
    return new_agent(app, "Dora", None, may_change=False)


@pytest.fixture
def erin(app: Flask) -> Agent:
    """An agent of Sales who sees only what is hers."""
    return new_agent(app, "Erin", "Sales", access="assigned")


@pytest.fixture
def sign_in():
    """A function that signs an agent in and gives the browser a valid CSRF header."""

    def do(client: FlaskClient, agent: Agent) -> FlaskClient:
        with client.application.app_context(), transaction.writing():
            token = sessions.start(db.session.get_one(Agent, agent.id))
        signer = URLSafeTimedSerializer(client.application.secret_key, salt="wtf-csrf-token")
        with client.session_transaction() as cookie:
            cookie["token"], cookie["csrf_token"] = token, CSRF_RAW
        client.environ_base["HTTP_X_CSRFTOKEN"] = signer.dumps(CSRF_RAW)
        return client

    return do


@pytest.fixture
def clock() -> Iterator[Any]:
    """The wall clock, standing still until it is shifted."""
    with time_machine.travel("2026-11-23T09:00:00+00:00", tick=False) as traveller:
        yield traveller


def fresh_id() -> str:
    """An id no other event or message has."""
    return uuid.uuid4().hex

"""/healthz and /readyz: what a load balancer is told, and when it should send people elsewhere."""

import os
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from app import background, create_app, schema, storage, transaction
from app.clock import now
from app.extensions import db
from app.live import service
from tests.channels.line_posts import batch, connected_line, post, text_event
from tests.conftest import config_for, own_database
from tests.web.desk import counted

INSIDES = ("Error", "Traceback", "sqlite3", "SELECT", "127.0.0.1", "/tmp")


@pytest.fixture
def ticked(app):
    """A scheduler that has just ticked."""
    with app.app_context():
        background.lead_clock()
        transaction.release()


@pytest.fixture
def late(monkeypatch):
    monkeypatch.setattr(background, "STARTED_AT", now() - timedelta(hours=1))


@pytest.fixture
def full(monkeypatch):
    monkeypatch.setattr(storage, "free_bytes", lambda: 1000)


@pytest.fixture
def on_postgresql(app, monkeypatch):
    """As far as health is concerned."""
    config = app.extensions["mado"]
    monkeypatch.setitem(app.extensions, "mado", SimpleNamespace(is_sqlite=False, bucket=config.bucket, data_dir=config.data_dir))


def asked(client) -> tuple[int, str, list[str]]:
    answer = client.get("/readyz")
    body = answer.get_json()
    assert not any(inside in answer.text for inside in INSIDES)
    return answer.status_code, body["status"], body["problems"]


def test_a_mado_that_works_is_ready(client, ticked):
    assert asked(client) == (200, "ok", [])
    body = client.get("/readyz").get_json()
    assert (body["database"], body["redis"], body["disk"]) == ("sqlite", "none", "ok")


def test_a_database_that_is_gone_is_not_ready(client, monkeypatch):
    def gone(_connection):
        raise OperationalError("SELECT", {}, Exception("sqlite3 at /tmp/x"))

    monkeypatch.setattr(schema, "is_current", gone)
    assert asked(client) == (503, "unavailable", ["The database can't be reached."])


def test_a_database_without_the_newest_migration_is_not_ready(app, client):
    with app.app_context(), transaction.writing():
        db.session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    status, word, [problem] = asked(client)
    assert (status, word) == (503, "unavailable")
    assert "db upgrade" in problem


@pytest.fixture
def closed(app, monkeypatch):
    """A function that leaves this one place in Mado's folder to be read only, as a disk in trouble does."""
    folder = app.extensions["mado"].data_dir
    is_open = os.access

    def close(name: str) -> None:
        place = folder / name
        monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != place and is_open(path, mode))

    return close


@pytest.mark.parametrize("place", ["mado.sqlite3", "."])
def test_a_file_that_nobody_may_write_to_is_not_ready(client, ticked, closed, place):
    assert asked(client) == (200, "ok", [])
    closed(place)
    assert asked(client) == (503, "unavailable", ["The database's file, or its folder, is read-only: nothing that comes in can be stored."])


@pytest.fixture
def read_only(postgresql_template, tmp_path):
    """A Mado on a PostgreSQL that began to refuse writes, as a standby does."""
    with own_database(*postgresql_template) as url:
        app = create_app(config_for(url, tmp_path))
        with app.app_context():
            connected_line()
            transaction.release()
            db.engine.dispose()
        refuse = text(f'ALTER DATABASE "{make_url(url).database}" SET default_transaction_read_only = on')
        server = create_engine(url, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(refuse)
        server.dispose()
        yield app
        with app.app_context():
            db.engine.dispose()


def test_a_postgresql_that_refuses_to_write_is_not_ready(read_only):
    client = read_only.test_client()
    assert post(client, batch(text_event())).status_code == 503
    status, word, [problem] = asked(client)
    assert (status, word) == (503, "unavailable")
    assert problem.startswith("PostgreSQL is read-only: nothing that comes in can be stored.")


def test_a_postgresql_that_writes_is_ready(postgresql_app, monkeypatch):
    monkeypatch.setattr(background, "STARTED_AT", now())
    assert asked(postgresql_app.test_client()) == (200, "ok", [])


def test_a_late_scheduler_takes_no_page_away(client, late):
    status, word, [problem] = asked(client)
    assert (status, word) == (200, "degraded")
    assert problem.startswith("The scheduler has not run")


def test_just_after_the_start_no_scheduler_is_late(client, monkeypatch):
    monkeypatch.setattr(background, "STARTED_AT", now())
    assert asked(client) == (200, "ok", [])


def test_a_full_disk_with_the_database_on_it_is_not_ready(client, ticked, full):
    assert asked(client) == (503, "unavailable", ["The disk that DATA_DIR is on is full."])


def test_a_full_disk_of_files_alone_is_told(client, ticked, full, on_postgresql):
    assert asked(client) == (200, "degraded", ["The disk that DATA_DIR is on is full."])


def test_without_redis_it_is_ready_and_says_so(client, ticked, monkeypatch):  # F9
    monkeypatch.setattr(service, "bus_state", lambda _app: "unreachable")
    status, word, [problem] = asked(client)
    assert (status, word) == (200, "degraded")
    assert problem.startswith("Redis can't be reached")


def test_being_asked_is_cheap_and_changes_nothing(app, client, ticked):
    """A load balancer asks every second."""
    client.get("/readyz")
    with counted(app) as statements:
        client.get("/readyz")
    assert len(statements) <= 4
    assert all(one.startswith(("SELECT", "PRAGMA")) for one in statements)

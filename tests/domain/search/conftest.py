"""A database of its own for each engine, made once; every test is undone instead of committed."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from app import create_app, schema, transaction
from app.extensions import db
from tests.conftest import config_for, missing, own_database, postgresql_server
from tests.domain.search.world import World


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def app(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    folder = tmp_path_factory.mktemp("search")
    if request.param == "sqlite":
        yield from _migrated(f"sqlite:///{folder / 'mado.sqlite3'}", folder)
        return
    server = postgresql_server()
    if server is None:
        missing("PostgreSQL (TEST_DATABASE_URL, or 127.0.0.1:5432)")
        return
    with own_database(server) as url:
        yield from _migrated(url, folder)


def _migrated(url: str, folder) -> Iterator[Flask]:
    app = create_app(config_for(url, folder))
    schema.bring_up_to_date(app)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def world(app: Flask) -> Iterator[World]:
    """Nothing yet, and nothing afterwards."""
    transaction.start_writing()
    yield World()
    transaction.release()


@pytest.fixture
def gather_few(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that makes every word with more hits than that a common one."""

    def do(*, few: int = 3, many: int = 3, portions: tuple[int, ...] = (100, 300, 600)) -> None:
        monkeypatch.setattr("app.domain.search.finding.FEW", few)
        monkeypatch.setattr("app.domain.search.finding.MANY", many)
        monkeypatch.setattr("app.domain.search.finding.PORTIONS", portions)

    return do

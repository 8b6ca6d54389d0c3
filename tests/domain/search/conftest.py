"""A database of its own for each engine, made once; every test is undone instead of committed."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from app import create_app, transaction
from app.extensions import db
from tests.conftest import config_for, own_database
from tests.domain.search.world import World


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def app(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    folder = tmp_path_factory.mktemp("search")
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), folder / "mado.sqlite3")
        yield from _opened(f"sqlite:///{folder / 'mado.sqlite3'}", folder)
        return
    with own_database(*request.getfixturevalue("postgresql_template")) as url:
        yield from _opened(url, folder)


def _opened(url: str, folder: Path) -> Iterator[Flask]:
    app = create_app(config_for(url, folder))
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

"""A Mado that is worked with, and empty machines to bring its backup to, on both engines."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from app import create_app, storage
from app.extensions import db
from tests.conftest import SECRET, config_for, missing, own_database, postgresql_server


@dataclass
class Machine:
    """A Mado and its operator."""

    app: Flask

    @property
    def data_dir(self) -> Path:
        return self.app.extensions["mado"].data_dir

    def run(self, *arguments: str) -> Result:
        return self.app.test_cli_runner().invoke(args=["backup", *arguments])

    def must(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.stdout

    def refuses(self, *arguments: str) -> str:
        """What it says instead of doing it."""
        done = self.run(*arguments)
        assert done.exit_code == 1, (done.output, done.exception)
        assert done.stdout == ""
        return done.stderr


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    if request.param == "postgresql" and postgresql_server() is None:
        missing("PostgreSQL (TEST_DATABASE_URL, or 127.0.0.1:5432)")
    if request.param == "postgresql" and not shutil.which("pg_dump"):
        missing("pg_dump (postgresql-client)")
    return request.param


@pytest.fixture
def new_machine(database: str, tmp_path: Path) -> Iterator[Callable[..., Machine]]:
    """A function that makes a machine without a database's tables; its configuration may differ."""
    apps: list[Flask] = []
    with ExitStack() as databases:

        def make(engine: str = database, **changes: Any) -> Machine:
            folder = tmp_path / f"machine-{len(apps)}"
            folder.mkdir()
            if engine == "sqlite":
                url = f"sqlite:///{folder / 'mado.sqlite3'}"
            else:
                url = databases.enter_context(own_database(postgresql_server() or ""))
            settings: dict[str, Any] = {"secret_keys": (SECRET,)} | changes
            apps.append(create_app(config_for(url, folder, **settings)))
            return Machine(apps[-1])

        yield make
        for app in apps:
            with app.app_context():
                db.session.remove()
                db.engine.dispose()


@pytest.fixture
def old(app: Flask) -> Machine:
    """The machine that a backup is made on; without files that other tests left on it."""
    for folder in storage.FOLDERS:
        shutil.rmtree(app.extensions["mado"].data_dir / folder, ignore_errors=True)
    return Machine(app)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """Where to."""
    return tmp_path / "mado.tar"

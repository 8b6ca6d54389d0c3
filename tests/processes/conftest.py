"""Installations made of real processes, on both databases."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from linesim import create_app
from linesim.serving import Running
from tests.conftest import SECRET, missing, own_database, redis_server
from tests.processes.servers import Mado

LINE_TOKEN, LINE_SECRET = "token-of-the-processes", "8c570fa6dd201bb328f1c1eac23a96d8"


@pytest.fixture
def line() -> Iterator[Running]:
    """A simulated LINE that knows no webhook yet."""
    running = Running(create_app(token=LINE_TOKEN, secret=LINE_SECRET))
    yield running
    running.stop()


@pytest.fixture
def embedded(tmp_path: Path, line: Running, sqlite_template: Path) -> Iterator[Mado]:
    """SQLite and one process; nothing is started yet."""
    shutil.copy(sqlite_template, tmp_path / "mado.sqlite3")
    mado = Mado({"DATA_DIR": str(tmp_path), "LINE_API_URL": line.url})
    yield mado
    mado.stop()


@pytest.fixture
def production(
    tmp_path: Path, line: Running, postgresql_template: tuple[str, str]
) -> Iterator[Mado]:
    """PostgreSQL and Redis; nothing is started yet."""
    redis = redis_server()
    if redis is None:
        missing("Redis (TEST_REDIS_URL, or 127.0.0.1:6379)")
    with own_database(*postgresql_template) as url:
        mado = Mado(
            {
                "DATA_DIR": str(tmp_path),
                "DATABASE_URL": url.replace("postgresql+psycopg://", "postgresql://"),
                "REDIS_URL": redis or "",
                "SECRET_KEY": SECRET,
                "LINE_API_URL": line.url,
            }
        )
        yield mado
        mado.stop()

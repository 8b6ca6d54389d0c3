"""What is kept from run to run in `.peers`: the peers' environments, and databases already filled.

The data's name holds a fingerprint of everything that decides what is in it, so that a change of the
schema or of the seeding fills new ones. `forget` removes all of it, whatever its name.
"""

import hashlib
import json
import shutil
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from bench import databases, servers

PLACE = servers.ROOT / ".peers"
SITES = Path(__file__).parent / "sites"
PREFIX = "mado_peers_"


class Stock:
    """The data of a run: so many cases."""

    def __init__(self, cases: int) -> None:
        self.cases = cases
        self.name = f"{cases}_{_fingerprint()}"
        self.folder = PLACE / self.name
        self.folder.mkdir(parents=True, exist_ok=True)

    def database(self, whose: str) -> URL:
        return databases.server().set(database=f"{PREFIX}{self.name}_{whose}")

    def once(self, whose: str, fill: Callable[[], dict[str, Any]]) -> None:
        """Have one filled, unless it is, and keep what its filler says."""
        if not self._told(whose).exists():
            print(f"Filling {whose} with {self.cases:,} cases, once ...", flush=True)
            self._told(whose).write_text(json.dumps(fill()), "utf-8")

    def said(self, whose: str) -> dict[str, Any]:
        return json.loads(self._told(whose).read_text("utf-8"))

    def _told(self, whose: str) -> Path:
        return self.folder / f"{whose}.json"


def _fingerprint() -> str:
    sources = [*SITES.rglob("*.*"), *(servers.ROOT / "migrations" / "versions").glob("*.py")]
    sources += [servers.ROOT / "bench" / name for name in ("seed.py", "bulk.py", "words.py")]
    told = hashlib.sha256()
    for source in sorted(one for one in sources if "__pycache__" not in one.parts):
        told.update(source.read_bytes())
    return told.hexdigest()[:8]


def environment(site: Path) -> Path:
    """The Python of a peer's own environment, with exactly what its requirements pin."""
    place, wanted = PLACE / "environments" / site.name, site / "requirements.txt"
    stamp, python = place / wanted.name, place / "bin" / "python"
    if not stamp.exists() or stamp.read_bytes() != wanted.read_bytes():
        print(f"Installing {site.name} in an environment of its own, once ...", flush=True)
        venv.create(place, clear=True, with_pip=True)
        pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "-r", wanted], check=True)
        shutil.copy(wanted, stamp)
    return python


def made_anew(url: URL) -> None:
    """An empty database. Workers that end within a query could not be counted: there are none."""
    with _server().connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{url.database}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{url.database}"'))
        connection.execute(
            text(f'ALTER DATABASE "{url.database}" SET max_parallel_workers_per_gather = 0')
        )


def forget() -> None:
    """Remove everything that was ever kept."""
    shutil.rmtree(PLACE, ignore_errors=True)
    with _server().connect() as connection:
        names = connection.execute(
            text("SELECT datname FROM pg_database WHERE starts_with(datname, :prefix)"),
            {"prefix": PREFIX},
        )
        for name in names.scalars().all():
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))


def _server():
    return create_engine(databases.server(), isolation_level="AUTOCOMMIT")

"""A PostgreSQL and a Redis of our own, in a temporary folder, that may be killed."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redis
from sqlalchemy import create_engine, make_url, text

from tests.faults.killer import nap
from tests.processes.servers import free_port, soon

CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = :database AND pid <> pg_backend_pid()"
)


class Postgresql:
    """A cluster of its own; as root it runs as the system's user postgres."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self._tools = _newest_tools()
        self._as = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        folder.mkdir(mode=0o755)
        if self._as:
            shutil.chown(folder, "postgres")
        self._call("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8")
        self._control("start")

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def crash(self) -> None:
        """As a kill would, and up again after its recovery."""
        self._control("restart", "-m", "immediate")

    def cut(self) -> None:
        """End every connection, as a failover does."""
        cut_connections(self.url)

    def stop(self) -> None:
        self._control("stop", "-m", "immediate")

    def _control(self, *command: str) -> None:
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
        self._call("pg_ctl", *command, "-w", "-l", str(self._folder / "log"), "-o", options)

    def _call(self, tool: str, *arguments: str) -> None:
        command = [*self._as, str(self._tools / tool), "-D", str(self._folder / "data"), *arguments]
        subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL)


class Redis:
    """In memory only."""

    def __init__(self) -> None:
        self._port = free_port()
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def crash(self) -> None:
        self.stop()
        self.start()

    def nap(self) -> None:
        """For a while it takes connections and answers nothing."""
        nap(self.process)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def start(self) -> None:
        command = ["redis-server", "--port", str(self._port), "--bind", "127.0.0.1", "--save", ""]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        soon(self._answers)

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return client.ping()
        except redis.RedisError:
            return False


def cut_connections(url: str) -> int:
    """End every connection to this database, coming in by PostgreSQL's own; how many there were."""
    database = make_url(url)
    engine = create_engine(database.set(drivername="postgresql+psycopg", database="postgres"))
    with engine.connect() as connection:
        found = connection.execute(text(CUT), {"database": database.database}).all()
    engine.dispose()
    return len(found)


def cut_wire(connection: psycopg.Connection[Any]) -> None:
    """Break this connection below the driver, which learns of it when it next speaks."""
    with socket.socket(fileno=os.dup(connection.fileno())) as wire:
        wire.shutdown(socket.SHUT_RDWR)


@contextmanager
def own_services(folder: Path) -> Iterator[tuple[Postgresql, Redis]]:
    """Both, while they are needed."""
    postgresql, bus = Postgresql(folder), Redis()
    try:
        yield postgresql, bus
    finally:
        postgresql.stop()
        bus.stop()


def _newest_tools() -> Path:
    """Debian keeps them out of the PATH, a folder for each version."""
    if here := shutil.which("initdb"):
        return Path(here).parent
    found = list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise SystemExit("PostgreSQL's initdb and pg_ctl are needed (Debian's package postgresql).")
    return max(found, key=lambda path: int(path.parent.parent.name)).parent

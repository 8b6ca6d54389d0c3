"""Real servers: gunicorn with the project's own settings, each with a database of its own.

Mado is started the way its README says (`python wsgi.py`: web, live and scheduler in one process
tree). The processes are children of the measuring one and end with it.
"""

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import cpu, databases, load

ROOT = Path(__file__).resolve().parent.parent
PORTS = itertools.cycle(range(8240, 8260))
START_SECONDS = 60.0
EMBEDDED = ("wsgi.py",)
GUNICORN = ("-m", "gunicorn", "-c", "gunicorn.conf.py", "--workers", "1")


@dataclass
class Server:
    """One running server; `seeded` is what bench.seed said of its database."""

    port: int
    process: subprocess.Popen[bytes]
    folder: Path
    seeded: dict[str, Any] = field(default_factory=dict)
    database_url: str | None = None

    @property
    def pids(self) -> list[int]:
        """The server's processes, and the database's that work for it."""
        return [*cpu.tree(self.process.pid), *databases.pids(self.database_url)]


@dataclass(frozen=True)
class Cost:
    """What one run cost."""

    cpu: float
    rate: float
    run: load.Run


def measure(server: Server, requests: list[bytes], **options: Any) -> Cost:
    """Send these requests; processor milliseconds a request, and requests a second."""
    before = spent(server)
    run = load.run(server.port, requests, **options)
    return Cost(spent_since(before, server) / run.count, run.rate, run)


def spent(server: Server) -> dict[int, float]:
    """Processor milliseconds of each of a server's processes so far."""
    return {pid: cpu.milliseconds([pid]) for pid in server.pids}


def spent_since(before: dict[int, float], server: Server) -> float:
    """Milliseconds of all of them, of those too that came meanwhile."""
    return sum(used - before.get(pid, 0) for pid, used in spent(server).items())


@contextmanager
def on_one_processor(server: Server) -> Iterator[None]:
    """Keep all threads of a server on one processor, as `taskset` or systemd's CPUAffinity would."""
    every = os.sched_getaffinity(0)
    _keep_on(server, {min(every)})
    try:
        yield
    finally:
        _keep_on(server, every)


def _keep_on(server: Server, processors: set[int]) -> None:
    for pid in cpu.tree(server.process.pid):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), processors)


@contextmanager
def mado(
    *,
    cases: int,
    active: int = 200,
    long: tuple[int, ...] = (),
    messages: int = 3,
    seldom: int = 0,
    colleagues: int = 0,
    folder: Path | None = None,
    database_url: str | None = None,
    factory: str | None = None,
    **settings: str,
) -> Iterator[Server]:
    """A Mado with a history: ended cases, active chats that wait, and cases of so many messages.

    What is seeded into a `folder` stays there for the next time.

    On SQLite all of it in one process, by its own command; else, or made by a `factory` of ours,
    under gunicorn without the scheduler.
    """
    with environment(settings | _in(folder), database_url) as env:
        more = {"messages": messages, "seldom": seldom, "colleagues": colleagues}
        seeded = _kept(folder) or seed(env, cases, active, long, **more)
        if folder:
            (folder / "seeded.json").write_text(json.dumps(seeded))
        if database_url:
            databases.tidy(database_url)
        is_embedded = not database_url and not factory
        command = (
            EMBEDDED if is_embedded else (*GUNICORN, f"{factory}()" if factory else "wsgi:app")
        )
        with running(command, env) as server:
            server.seeded, server.database_url = seeded, database_url
            yield server


def _in(folder: Path | None) -> dict[str, str]:
    if folder is None:
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    return {"DATA_DIR": str(folder)}


def _kept(folder: Path | None) -> dict[str, Any] | None:
    told = folder / "seeded.json" if folder else None
    return json.loads(told.read_text()) if told and told.exists() else None


@contextmanager
def tiny(factory: str, *, database_url: str | None = None) -> Iterator[Server]:
    """A floor: an application made by a function of ours, under the same gunicorn."""
    with environment({}, database_url) as env:
        with running((*GUNICORN, f"{factory}()"), env) as server:
            server.database_url = database_url
            yield server


def plain_gunicorn(env: dict[str, str], app: str) -> tuple[str, ...]:
    """Somebody else's application under gunicorn, with as many threads as Mado has."""
    bind = f"127.0.0.1:{env['PORT']}"
    threads = ["--worker-class", "gthread", "--workers", "1", "--threads", "16"]
    return (
        "-m",
        "gunicorn",
        "--bind",
        bind,
        *threads,
        "--keep-alive=5",
        "--no-control-socket",
        app,
    )


def seed(
    env: dict[str, str], cases: int, active: int, long: tuple[int, ...], **more: int
) -> dict[str, Any]:
    """Fill the database of this environment in a process of its own."""
    asked = [option for count in long for option in ("--long", str(count))]
    asked += [part for name, value in more.items() for part in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "bench.seed", "--cases", str(cases)]
    command += ["--active", str(active), *asked]
    done = subprocess.run(command, env=env, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


@contextmanager
def environment(changes: dict[str, str], database_url: str | None) -> Iterator[dict[str, str]]:
    """A clean environment with a folder that is gone afterwards."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    with tempfile.TemporaryDirectory(prefix="mado-bench-") as folder:
        own = {"DATA_DIR": folder, "PORT": str(free_port()), "LOG_LEVEL": "WARNING"}
        own |= {
            "SECRET_KEY": "a secret key for measuring that is long enough",
            "LINE_API_URL": "http://127.0.0.1:9",
        }
        if database_url:
            own["DATABASE_URL"] = database_url
        yield kept | own | changes


def free_port() -> int:
    """The next one that nobody listens on: else somebody else's server would be measured."""
    while True:
        port = next(PORTS)
        with socket.socket() as line:
            if line.connect_ex(("127.0.0.1", port)):
                return port


@contextmanager
def running(
    command: tuple[str, ...],
    env: dict[str, str],
    *,
    python: Path = Path(sys.executable),
    folder: Path = ROOT,
) -> Iterator[Server]:
    """One that answers at the environment's port."""
    port = int(env["PORT"])
    with started(command, env, python=python, folder=folder) as (process, log):
        _wait_for(port, process, log)
        yield Server(port, process, Path(env["DATA_DIR"]))


@contextmanager
def started(
    command: tuple[str, ...],
    env: dict[str, str],
    *,
    python: Path = Path(sys.executable),
    folder: Path = ROOT,
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A process, told to stop afterwards, and the file that holds what it says."""
    place = Path(env["DATA_DIR"], f"{Path(command[-1]).name}-{env['PORT']}.log")
    with place.open("wb") as log:
        process = subprocess.Popen([python, *command], env=env, cwd=folder, stdout=log, stderr=log)
        try:
            yield process, place
        finally:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until a worker answers anything: the port is open before there is one."""
    by = time.monotonic() + START_SECONDS
    while time.monotonic() < by and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as line:
            line.sendall(load.get(port, "/healthz"))
            if line.recv(100):
                return
        time.sleep(0.02)
    raise SystemExit(f"a server did not start:\n{log.read_text()[-2000:]}")

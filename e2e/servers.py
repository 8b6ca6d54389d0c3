"""Real servers for the journeys: Mado as operators start it, and a simulated LINE, each a process.

A server can be killed and started again on the same port with the same data, because that is what
journeys about lost connections need. Only processes started here are ever stopped.
"""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.commands import run_commands

ROOT = Path(__file__).parent.parent
READY_SECONDS = 30.0
LOOK_EVERY_SECONDS = 0.05
PASSWORD = "seven quiet paper boats"
# No proxy is asked for an address on this machine.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Server:
    """A process group that listens on one port."""

    def __init__(self, command: list[str], env: dict[str, str], url: str, ready: str, log: Path) -> None:
        self._command, self._env, self._ready, self._log = command, env, url + ready, log
        self.url = url
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._env, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + READY_SECONDS
        while not _answers(self._ready):
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < until, f"{self._ready} did not become ready\n{self._log.read_text()}"
            time.sleep(LOOK_EVERY_SECONDS)

    def kill(self) -> None:
        """As a crash or a power cut ends it: nobody gets a word."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """As an operator ends it."""
        if self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")


def start_line(folder: Path) -> Server:
    """A LINE of our own; its account has no webhook yet."""
    port = _free_port()
    command = [sys.executable, "-m", "linesim", "--port", str(port), "--name", "Mado Shop"]
    env = _clean_environment()
    return Server(command, env, f"http://127.0.0.1:{port}", "/_sim/health", folder / "line.log")


def start_mado(folder: Path, line: Server, team: dict[str, str]) -> "Mado":
    """`python wsgi.py` with a database of its own, in which there is this team and nothing else."""
    port = _free_port()
    env = _clean_environment() | {
        "DATA_DIR": str(folder / "data"),
        "PORT": str(port),
        "LINE_API_URL": line.url,
        "LINE_DATA_API_URL": line.url,
        "ALLOW_PRIVATE_HOSTS": "127.0.0.1",
        "LOG_LEVEL": "WARNING",
    }
    agents = [_agent(name, role) for name, role in team.items()]
    run_commands(env, ["db", "upgrade"], *agents)
    return Mado([sys.executable, "wsgi.py"], env, f"http://127.0.0.1:{port}", "/readyz", folder / "mado.log")


class Mado(Server):
    """Mado with its operator's commands and its JSON API."""

    token = ""

    def run(self, *commands: list[str]) -> list[str]:
        """The operator's commands beside the running server; what each printed."""
        return run_commands(self._env, *commands)

    def let_pass(self, number: int, *, minutes: float) -> None:
        """Move a case's last activity into the past: nobody waits ten minutes for a test."""
        then = (datetime.now(UTC) - timedelta(minutes=minutes)).strftime("%Y-%m-%d %H:%M:%S.%f")
        database = sqlite3.connect(Path(self._env["DATA_DIR"]) / "mado.sqlite3", timeout=10)
        with closing(database), database:
            database.execute("UPDATE cases SET last_activity_at = ? WHERE id = ?", (then, number))

    def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return call(method, f"{self.url}/api/v1{path}", body, {"Authorization": f"Bearer {self.token}"})


def _agent(name: str, role: str) -> tuple[list[str], str]:
    """The command that makes somebody, and the password that is typed."""
    options = ["--name", name.title(), "--role", role, "--password-stdin"]
    return ["agents", "create", f"{name}@example.com", *options], f"{PASSWORD}\n"


def call(method: str, url: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None) -> Any:
    """One JSON call; its answer. Any status but 2xx is an error with the answer's text."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})}, method=method)
    try:
        with _opener.open(request, timeout=15) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as problem:
        raise AssertionError(f"{method} {url}: {problem.code} {problem.read().decode(errors='replace')}") from problem


def _clean_environment() -> dict[str, str]:
    """What the machine needs, without settings that somebody exported for another Mado."""
    ours = ("MADO_", "LINE_", "TEST_")
    theirs = {"SECRET_KEY", "DATA_DIR", "DATABASE_URL", "REDIS_URL", "PUBLIC_URL", "HOST", "PORT",
              "TRUSTED_PROXIES", "ALLOW_PRIVATE_HOSTS", "LOG_LEVEL", "WEB_CONCURRENCY"}
    kept = {name: value for name, value in os.environ.items() if name not in theirs and not name.startswith(ours)}
    return kept | {"PYTHONUNBUFFERED": "1"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(url: str) -> bool:
    try:
        with _opener.open(url, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False

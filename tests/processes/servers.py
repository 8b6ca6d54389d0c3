"""Real Mado processes on loopback: started, asked over HTTP, stopped by their process group."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any, TypeVar

import requests

from tests.commands import ROOT, Command, run_commands

DEADLINE_SECONDS = 60.0

Found = TypeVar("Found")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def soon(ask: Callable[[], Found], seconds: float = DEADLINE_SECONDS) -> Found:
    """What `ask` answers once it is true; fail when it stays false."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain; last answer: {answer!r}"
        time.sleep(0.02)  # polling with a deadline, not waiting for luck
    return answer


@dataclass
class Mado:
    """One installation: an environment, and the processes that share it."""

    env: dict[str, str]
    port: int = field(default_factory=free_port)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    #: Where processes write what they have to say; a pipe holds no more than a test reads.
    log: IO[bytes] | int = subprocess.PIPE
    #: A program that starts the processes, with its options.
    launcher: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return kept | {"PORT": str(self.port), "LOG_LEVEL": "WARNING"} | self.env

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A `flask --app wsgi` command, as it is typed; its output."""
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )

    def must(self, *commands: Command) -> list[str]:
        """Commands that succeed; what each printed."""
        return run_commands(self.environment(), *commands)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a process of its own group, in this installation's environment."""
        process = subprocess.Popen(
            [*self.launcher, sys.executable, *command],
            cwd=ROOT,
            env=self.environment(),
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def start_web(self, workers: int = 1) -> subprocess.Popen[bytes]:
        """Gunicorn as in production, ready."""
        self.env["WEB_CONCURRENCY"] = str(workers)
        process = self.start("-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app")
        soon(self.is_ready)
        return process

    def start_embedded(self) -> subprocess.Popen[bytes]:
        """`python wsgi.py`, ready."""
        process = self.start("wsgi.py")
        soon(self.is_ready)
        return process

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def get(self, path: str, token: str) -> Any:
        answer = requests.get(
            f"{self.url}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=5
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, token: str, body: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.post(f"{self.url}{path}", json=body, headers=headers, timeout=10)

    def stop(self) -> None:
        """End everything that still runs."""
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
            if process.stdout:
                process.stdout.close()

"""`make run` as its user meets it: both processes, the sign-ins, three chats, and a clean end."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parent.parent.parent
# As tools/run.py, in the environment that the tests have already.
STARTER = """
import sys
from pathlib import Path
sys.path.insert(0, "tools")
import environment, run
environment.ready = lambda **_: Path(sys.executable)
sys.exit(run.main())
"""
SECONDS = 90


class Run:
    """One `make run` on free ports, with what it says."""

    def __init__(self, data_dir: Path, **env: str) -> None:
        self.port, self.simulator_port = free_port(), free_port()
        self.said_path = data_dir.with_suffix(".log")
        said = {"PORT": str(self.port), "LINESIM_PORT": str(self.simulator_port)}
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", STARTER],
            cwd=ROOT,
            env=inherited | said | {"DATA_DIR": str(data_dir)} | env,
            stdout=self.said_path.open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def said(self) -> str:
        return self.said_path.read_text("utf-8")

    def until(self, is_so: Callable[[], object]) -> None:
        deadline = time.monotonic() + SECONDS
        while not is_so():
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def until_ready(self) -> "Run":
        self.until(lambda: "Ready after" in self.said or self.process.poll() is not None)
        assert self.process.poll() is None, self.said
        return self

    def stop(self, name: signal.Signals) -> int:
        """Send the signal as a terminal does, to everybody; the starter's exit code."""
        os.killpg(self.process.pid, name)
        return self.process.wait(SECONDS)

    def is_gone(self) -> bool:
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return True
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def begin(**env: str) -> Run:
        runs.append(Run(tmp_path / "instance", **env))
        return runs[-1]

    yield begin
    for run in runs:
        if not run.is_gone():
            os.killpg(run.process.pid, signal.SIGKILL)
        run.process.wait()


def active_chats(tmp_path: Path) -> int:
    with sqlite3.connect(tmp_path / "instance" / "mado.sqlite3") as database:
        query = "SELECT count(*) FROM cases WHERE chat_state = 'active'"
        return database.execute(query).fetchone()[0]


def test_first_start_says_who_can_sign_in_and_three_customers_write(start, tmp_path: Path):
    run = start().until_ready()
    assert requests.get(f"http://127.0.0.1:{run.port}/readyz", timeout=5).status_code == 200
    assert requests.get(f"http://127.0.0.1:{run.simulator_port}/", timeout=5).status_code == 200
    sign_ins = re.findall(r"(admin|agent) +(\S+@example\.com) +(\S+)", run.said)
    assert [role for role, _, _ in sign_ins] == ["admin", "agent", "agent"]
    assert can_sign_in(run, *sign_ins[0][1:])
    run.until(lambda: active_chats(tmp_path) == 3)

    assert run.stop(signal.SIGINT) == 0
    assert run.is_gone()
    assert "Traceback" not in run.said

    again = start().until_ready()
    assert re.findall(r"(admin|agent) +(\S+@example\.com) +(\S+)", again.said) == sign_ins
    again.process.send_signal(signal.SIGTERM)  # the starter alone, as make does
    assert again.process.wait(SECONDS) == 0
    assert again.is_gone()


def test_signals_that_come_at_the_same_moment_end_it_quietly(start):
    run = start().until_ready()
    os.killpg(run.process.pid, signal.SIGSTOP)
    os.killpg(run.process.pid, signal.SIGINT)
    os.killpg(run.process.pid, signal.SIGTERM)
    assert run.stop(signal.SIGCONT) == 0
    run.until(run.is_gone)
    assert "race condition" not in run.said
    assert "Traceback" not in run.said


def can_sign_in(run: Run, email: str, password: str) -> bool:
    browser = requests.Session()
    url = f"http://127.0.0.1:{run.port}/sign-in"
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get(url, timeout=5).text)
    assert token
    form = {"email": email, "password": password, "csrf_token": token[1]}
    return browser.post(url, data=form, timeout=10, allow_redirects=False).status_code == 303


def test_taken_port_is_said_and_nothing_stays_behind(start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        run = start(PORT=str(taken.getsockname()[1]))
        assert run.process.wait(SECONDS) == 1
    assert "in use" in run.said and "PORT=" in run.said
    assert run.is_gone()


def test_wrong_setting_is_said_and_nothing_stays_behind(start):
    run = start(DATABASE_URL="mysql://db/mado")
    assert run.process.wait(SECONDS) == 1
    assert "DATABASE_URL must start with" in run.said
    assert "Traceback" not in run.said
    assert run.is_gone()


def test_server_that_ends_by_itself_ends_the_run(start):
    run = start().until_ready()
    children = subprocess.run(
        ["pgrep", "-P", str(run.process.pid), "-f", "wsgi:app"], capture_output=True, text=True
    )
    os.kill(int(children.stdout.split()[0]), signal.SIGKILL)
    assert run.process.wait(SECONDS) == 1
    assert "Mado ended by itself" in run.said
    run.until(run.is_gone)

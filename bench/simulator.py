"""The LINE that the seeded channel belongs to, in a process of its own, and calls to it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.error import URLError
from urllib.request import Request, urlopen

from bench import load, posts, servers

DEADLINE = 60.0


@contextmanager
def running(port: int, mado_port: int) -> Iterator[str]:
    """Its address; what its customers write goes to the Mado on the other port."""
    webhook = f"http://127.0.0.1:{mado_port}/line/webhook/{posts.KEY}"
    account = ["--token", posts.TOKEN, "--secret", posts.SECRET, "--webhook", webhook]
    command = [sys.executable, "-m", "linesim", "--port", str(port), *account]
    process = subprocess.Popen(command, cwd=servers.ROOT, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: call(f"{url}/_sim/account"))
        yield url
    finally:
        process.terminate()
        process.wait(10)


def customer(line: str, name: str) -> str:
    """Somebody who writes to the account; the address of their talk."""
    made = call(f"{line}/_sim/customers", {"name": name, "language": "en"})
    return f"{line}/_sim/customers/{made['user_id']}"


def call(url: str, body: object = None, *, token: str = "", key: str = "bench") -> dict:
    """GET, or POST where there is a body; the answer's JSON."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data, headers), timeout=DEADLINE) as answer:
        return json.loads(answer.read())


def wait_until(is_so: Callable[[], object], *, every: float = 0.01) -> None:
    by = time.monotonic() + DEADLINE
    while time.monotonic() < by:
        with suppress(URLError, OSError, load.UnexpectedAnswer):
            if is_so():
                return
        time.sleep(every)
    raise TimeoutError("it did not happen in time")

"""Disks that are really full, may not be written, or fail now and then."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import requests

from tests.channels.line_posts import text_event
from tests.faults import trial
from tests.faults.sender import Sender, numbered
from tests.processes.servers import Mado, soon
from tests.processes.visits import prepared, send, texts

EVENTS = 150
# Every fifth time that a thread waits for the disk it is told that nothing was written, and now
# and then a page is not taken: one in five would leave no transaction whole.
FAILING = (
    *("strace", "--follow-forks", "--seccomp-bpf", "-qq", "-o", "/dev/null"),
    *("-e", "trace=pwrite64,fdatasync"),
    *("-e", "inject=fdatasync:error=EIO:when=2+5"),
    *("-e", "inject=pwrite64:error=EIO:when=40+97"),
)


@pytest.fixture
def small(embedded: Mado, tmp_path: Path) -> Iterator[Mado]:
    """A Mado whose data are on a disk of 16 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk]).returncode:
        pytest.skip("mounting a disk is not allowed here")
    embedded.env["DATA_DIR"] = str(disk)
    embedded.must(["db", "upgrade"])
    yield embedded
    embedded.stop()
    soon(lambda: subprocess.run(["umount", disk]).returncode == 0)  # killed workers take a moment


def fill(folder: Path) -> Path:
    """Take what is left of its disk."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue
    return filler


def test_full_disk_refuses_what_comes_and_goes_on_when_there_is_room(small: Mado):  # F15
    token, hook = prepared(small)
    small.start_embedded()
    assert send(hook, text_event("before")) == 200
    event, reply = text_event("while it was full"), {"text": "answered"}

    filler = fill(Path(small.env["DATA_DIR"]))
    refused = (
        send(hook, event),
        small.post("/api/v1/cases/1/messages", token, reply).status_code,
    )
    shown = texts(small, token)
    filler.unlink()

    assert (refused, shown) == ((503, 503), ["before"])
    assert send(hook, event) == 200
    assert small.post("/api/v1/cases/1/messages", token, reply).status_code == 201
    assert texts(small, token) == ["before", "while it was full", "answered"]
    small.stop()
    assert trial.integrity(Path(small.env["DATA_DIR"], "mado.sqlite3")) == "ok"


def test_disk_that_may_not_be_written_is_503_until_it_may(small: Mado):  # F16
    token, hook = prepared(small)
    disk, event = small.env["DATA_DIR"], text_event("as soon as possible")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    small.start("wsgi.py")
    soon(lambda: is_unavailable(small))
    assert send(hook, event) == 503

    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)

    soon(small.is_ready)
    assert send(hook, event) == 200
    assert texts(small, token) == ["as soon as possible"]


def is_unavailable(mado: Mado) -> bool:
    try:
        return requests.get(f"{mado.url}/readyz", timeout=5).status_code == 503
    except requests.RequestException:
        return False


def test_disk_that_fails_now_and_then_costs_no_event(embedded: Mado):  # F18
    if not shutil.which("strace"):
        pytest.skip("strace is not there")
    token, hook = prepared(embedded)
    embedded.launcher = FAILING
    embedded.start_embedded()
    sender = Sender(hook, EVENTS, numbered, Random(1))
    sender.start()
    sender.join(120)
    embedded.stop()

    assert sender.answers[503] > 0
    assert {answer for answer in sender.answers if isinstance(answer, int)} == {200, 503}
    embedded.launcher = ()
    embedded.start_embedded()
    assert sorted(texts(embedded, token)) == sorted(f"event {n}" for n in range(EVENTS))
    embedded.stop()
    assert trial.integrity(Path(embedded.env["DATA_DIR"], "mado.sqlite3")) == "ok"

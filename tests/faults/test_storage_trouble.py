"""A SQLite that can't be written: what comes is refused in time, reading goes on, nothing is lost."""

import resource
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.channels.line_posts import text_event
from tests.faults import trial
from tests.faults.killer import children
from tests.processes.servers import Mado
from tests.processes.visits import prepared, send, texts

AT_ONCE = 12


@contextmanager
def full_disk(mado: Mado) -> Iterator[None]:
    """No file of these processes may grow any more, as on a disk that is full."""
    master = mado.processes[-1].pid
    pids = [master, *children(master)]
    before = [resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids]
    for pid, (_, most) in zip(pids, before, strict=True):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, most))
    yield
    for pid, limits in zip(pids, before, strict=True):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


@contextmanager
def locked(mado: Mado) -> Iterator[None]:
    """Another process holds the database."""
    outsider = sqlite3.connect(Path(mado.env["DATA_DIR"], "mado.sqlite3"), isolation_level=None)
    outsider.execute("BEGIN EXCLUSIVE")
    yield
    outsider.execute("ROLLBACK")
    outsider.close()


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits other processes")
def test_full_disk_refuses_what_comes_and_goes_on_by_itself(embedded: Mado):  # F15
    token, hook = prepared(embedded)
    embedded.start_embedded()
    assert send(hook, text_event("before")) == 200
    event, reply = text_event("while it was full"), {"text": "answered"}

    with full_disk(embedded):
        refused = (
            send(hook, event),
            embedded.post("/api/v1/cases/1/messages", token, reply).status_code,
        )
        shown = texts(embedded, token)

    assert (refused, shown) == ((503, 503), ["before"])
    assert send(hook, event) == 200
    assert embedded.post("/api/v1/cases/1/messages", token, reply).status_code == 201
    assert texts(embedded, token) == ["before", "while it was full", "answered"]
    embedded.stop()
    assert trial.integrity(Path(embedded.env["DATA_DIR"], "mado.sqlite3")) == "ok"


def test_locked_database_refuses_everybody_without_waiting_for_its_end(embedded: Mado):  # F17
    token, hook = prepared(embedded)
    embedded.start_embedded()
    assert send(hook, text_event("before")) == 200
    events = [text_event(f"event {number}") for number in range(AT_ONCE)]

    with ThreadPoolExecutor(AT_ONCE) as crowd:
        with locked(embedded):
            refused = list(crowd.map(lambda event: send(hook, event, seconds=30), events))
            shown = texts(embedded, token)
        taken = list(crowd.map(lambda event: send(hook, event), events))

    assert (refused, shown) == ([503] * AT_ONCE, ["before"])
    assert taken == [200] * AT_ONCE
    assert sorted(texts(embedded, token)) == sorted(
        ["before", *(f"event {n}" for n in range(AT_ONCE))]
    )

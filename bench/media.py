"""Contacts' photos that are fetched while texts come in: what texts wait, and what memory it takes.

Each round takes texts in by themselves, and then for as long as photos of 5 MB come from the simulator,
so that a busy moment of the machine meets both alike.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from bench import cpu, load, posts, servers, simulator
from bench.beside import Beside
from bench.servers import Server
from bench.table import Row

SIZE = 5_000_000
LOOK_EVERY_SECONDS = 0.05
BATCH = 100


@dataclass(frozen=True)
class Round:
    """The slowest hundredth of texts in milliseconds, and the most memory in MB, in both ways."""

    alone: float
    beside: float
    resting: float
    fetching: float
    seconds: float


def rows(*, rounds: int, requests: int, files: int) -> Iterator[Row]:
    """The rows of the table."""
    sim_port = servers.free_port()
    with ExitStack() as stack:
        line = f"http://127.0.0.1:{sim_port}"
        mado = stack.enter_context(
            servers.mado(cases=1000, LINE_API_URL=line, LINE_DATA_API_URL=line)
        )
        stack.enter_context(simulator.running(sim_port, mado.port))
        photos = _Photos(mado, simulator.customer(line, "Bench"))
        _texts(mado, 100)
        photos.send(3)  # what is loaded with the first photo stays
        photos.wait()
        done = [_round(mado, photos, requests, files) for _ in range(rounds)]
    yield from _told(done, files)


def _told(done: list[Round], files: int) -> Iterator[Row]:
    what = f"{files} photos of {SIZE // 1_000_000} MB"
    rate = median(files * SIZE / 1_000_000 / one.seconds for one in done)
    yield Row("text into an active chat: p99", median(one.alone for one in done), "ms")
    beside = median(one.beside for one in done)
    yield Row(f"the same while {what} come: p99", beside, "ms", note=f"{rate:.0f} MB/s")
    ratio = median(one.beside / one.alone for one in done)
    yield Row("p99 with photos / without", ratio, "x")
    yield Row("most memory without photos", median(one.resting for one in done), "MB PSS")
    grown = median(one.fetching - one.resting for one in done)
    yield Row(f"and more while {what} come", grown, "MB PSS", most=60)


def _round(server: Server, photos: "_Photos", requests: int, files: int) -> Round:
    with _Peak(server) as resting:
        alone = _slowest(_texts(server, requests))
    began, waits = time.perf_counter(), []
    sending = threading.Thread(target=photos.send, args=(files,), daemon=True)
    with _Peak(server) as fetching:
        sending.start()
        while sending.is_alive() or photos.left():
            waits += _texts(server, BATCH)
    seconds = time.perf_counter() - began
    photos.wait()
    return Round(alone, _slowest(waits), resting.megabytes, fetching.megabytes, seconds)


def _texts(server: Server, count: int) -> list[float]:
    """Take texts in; how long each waited."""
    users = posts.known_users(200)
    return load.run(server.port, posts.webhooks(users, count, port=server.port)).waits


def _slowest(waits: list[float]) -> float:
    """What the slowest hundredth waited at least, in milliseconds."""
    return sorted(waits)[int(len(waits) * 0.99) - 1] * 1000


class _Photos:
    """What a customer of the simulator sends, and how much of it has been fetched."""

    def __init__(self, server: Server, talk: str) -> None:
        self._talk, self._sent, self._seen, self._after = talk, 0, 0, 0
        self._api = f"http://127.0.0.1:{server.port}/api/v1"
        self._token = server.seeded["api_token"]
        simulator.call(f"{talk}/messages", {"text": "photos for the bench", "wait": True})
        path = f"{self._api}/cases?chat=active&q=photos+for+the+bench"
        self._case = simulator.call(path, token=self._token)["items"][0]["number"]

    def send(self, count: int) -> None:
        for _ in range(count):
            photo = {"kind": "image", "size": SIZE, "wait": True}
            simulator.call(f"{self._talk}/messages", photo)
        self._sent += count

    def left(self) -> int:
        return self._sent - self._seen - len(self._stored())

    def wait(self) -> None:
        """Until all of them are here; those are not looked at again."""
        simulator.wait_until(lambda: self.left() == 0, every=0.2)
        self._after, self._seen = self._stored()[-1], self._sent

    def _stored(self) -> list[int]:
        """The messages whose photo is here, among those not seen before."""
        path = f"{self._api}/cases/{self._case}/messages?limit=100&after={self._after}"
        messages = simulator.call(path, token=self._token)["items"]
        return [one["id"] for one in messages if any(file["url"] for file in one["attachments"])]


class _Peak(Beside):
    """The most memory that the server had meanwhile."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._pids, self.megabytes = cpu.tree(server.process.pid), 0.0

    def run(self) -> None:
        while not self.is_over.wait(LOOK_EVERY_SECONDS):
            self.megabytes = max(self.megabytes, cpu.pss_megabytes(self._pids))

"""Hours of ordinary work, and whether anything grows that should not: memory, descriptors, the log.

Customers write at a steady rate, fifty agents' pages keep up with it, replies go out to the simulator,
and every few seconds somebody leaves a page for another. `--minutes` says for how long.
"""

import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression

from bench import cpu, servers, simulator, windows
from bench.beside import Beside
from bench.servers import Server
from bench.simulator import call
from bench.steady import Steady
from bench.table import Row, share
from bench.windows import Windows

AGENTS = 50
CUSTOMERS = 10
LOOK_EVERY_SECONDS = 5.0
REPLY_EVERY_SECONDS = 2.0
RENEWED_EVERY_SECONDS = 3.0
#: Of the whole time: caches fill, and each thread meets its first work.
WARM_UP = 1 / 4


@dataclass(frozen=True)
class Look:
    """What the server has at one moment."""

    minute: float
    memory: float
    descriptors: int
    log: float


def rows(*, minutes: float, rate: float) -> Iterator[Row]:
    """The rows of the table."""
    sim_port = servers.free_port()
    line = f"http://127.0.0.1:{sim_port}"
    with ExitStack() as stack:
        mado = stack.enter_context(
            servers.mado(cases=1000, colleagues=AGENTS, LINE_API_URL=line, LINE_DATA_API_URL=line)
        )
        stack.enter_context(simulator.running(sim_port, mado.port))
        open_ = Windows(windows.of(mado, AGENTS), renewed_every=RENEWED_EVERY_SECONDS)
        stack.enter_context(open_)
        replies = stack.enter_context(Replies(mado, line))
        texts = stack.enter_context(Steady(mado, rate=rate))
        looks = []
        for look in _looks(mado, minutes):
            looks.append(look)
            if open_.failure or texts.failure or replies.failure:
                break  # leaving these blocks raises it
    yield from _told(looks, texts)
    shown = [moment - texts.sent[number] for number, moment in open_.arrived.items()]
    name = f"{minutes:g} minutes, {len(texts.sent):,} texts, {replies.count:,} replies"
    yield Row(f"{name}: text to page, p99", share(shown, 0.99) * 1000, "ms")


def _told(looks: list[Look], texts: Steady) -> Iterator[Row]:
    warm = looks[int(len(looks) * WARM_UP) :]
    slope = linear_regression([one.minute for one in warm], [one.memory for one in warm]).slope
    held = [one.memory for one in warm]
    note = f"{held[0]:.1f} to {held[-1]:.1f} MB, {min(held):.1f} at least, {max(held):.1f} at most"
    yield Row("anonymous memory of the process tree, after a quarter", slope * 10, "MB/10m", most=1.0, note=note)
    counts = [one.descriptors for one in warm]
    half = len(counts) // 2
    grown = max(counts[half:]) - max(counts[:half])
    yield Row("most descriptors, second half less first", grown, "", most=8, note=f"{max(counts)}")
    yield Row("largest write-ahead log", max(one.log for one in looks), "MB", most=64)
    third = len(texts.waits) // 3
    first, last = (share(part, 0.99) for part in (texts.waits[:third], texts.waits[-third:]))
    yield Row("intake p99, first third", first * 1000, "ms")
    yield Row("intake p99, last third", last * 1000, "ms")
    yield Row("calls refused with 503 and repeated", texts.refused, "")


def _looks(server: Server, minutes: float) -> Iterator[Look]:
    began = time.monotonic()
    pids = cpu.tree(server.process.pid)
    for number in itertools.count(1):
        time.sleep(max(0.0, began + number * LOOK_EVERY_SECONDS - time.monotonic()))
        minute = (time.monotonic() - began) / 60
        look = Look(minute, cpu.anonymous_megabytes(pids), cpu.descriptors(pids), _log(server))
        yield look
        if minute >= minutes:
            return


def _log(server: Server) -> float:
    found = Path(server.folder, "mado.sqlite3-wal")
    return found.stat().st_size / 2**20 if found.exists() else 0.0


class Replies(Beside):
    """A thread that answers customers of the simulator, one after the other; `count` of them so far."""

    def __init__(self, server: Server, line: str) -> None:
        super().__init__()
        self._api, self._token = f"http://127.0.0.1:{server.port}/api/v1", server.seeded["api_token"]
        self._talks = [simulator.customer(line, f"Bench {n}") for n in range(CUSTOMERS)]
        self.count = 0

    def run(self) -> None:
        for number, talk in enumerate(itertools.cycle(self._talks)):
            call(f"{talk}/messages", {"text": f"question{number % CUSTOMERS}", "wait": True})
            found = call(f"{self._api}/cases?chat=active&q=question{number % CUSTOMERS}", token=self._token)
            path = f"{self._api}/cases/{found['items'][0]['number']}/messages"
            call(path, {"text": f"answer {number}"}, token=self._token, key=f"answer {number}")
            self.count += 1
            if self.is_over.wait(REPLY_EVERY_SECONDS):
                return

"""Many open pages: what idle ones cost, how soon a text is on a colleague's, and all of them coming back at once."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from bench import cpu, servers, sockets, windows
from bench.servers import Server
from bench.sockets import Crowd, Page
from bench.steady import Steady
from bench.table import Row, share
from bench.windows import Windows

AGENTS = 50
RATE = 50
#: Milliseconds to the last hundredth of LINE's calls, while nothing is wrong.
INTAKE_MOST = 200
#: As live.js: the first try after a loss waits for half to all of this, which differs from page to page.
FIRST_PAUSE = 0.4
CALLERS = 64


def rows(*, seconds: float, windows_: int, idle: int, storm: int) -> Iterator[Row]:
    """The rows of the table."""
    sockets.allow_many()
    with servers.mado(cases=1000, colleagues=AGENTS) as mado:
        yield from _texts_to_pages(mado, windows_, seconds)
    with servers.mado(cases=1000, colleagues=AGENTS) as mado:
        yield from _storm(mado, storm, seconds)
    with servers.mado(cases=1000, colleagues=AGENTS) as mado:
        yield from _idle(mado, idle, seconds)


def _texts_to_pages(server: Server, count: int, seconds: float) -> Iterator[Row]:
    """Each window shows a chat of its own; a text counts from when its call was due."""
    with Windows(windows.of(server, count)) as open_, Steady(server, rate=RATE) as texts:
        time.sleep(seconds)
        used = cpu.milliseconds(server.pids)
        time.sleep(seconds)
        used = (cpu.milliseconds(server.pids) - used) / seconds / 10
    waits = sorted(moment - texts.sent[number] for number, moment in open_.arrived.items())
    name = f"{RATE} texts/s, {count} pages: text to page"
    yield Row(f"{name}, p50", share(waits, 0.5) * 1000, "ms", note=f"{used:.0f} % of a processor")
    yield Row(f"{name}, p95", share(waits, 0.95) * 1000, "ms", most=500)
    yield Row(f"{name}, p99", share(waits, 0.99) * 1000, "ms", most=1000)
    name = f"intake p99 at {RATE}/s, {count} pages that fetch"
    yield Row(name, share(texts.waits, 0.99) * 1000, "ms", most=INTAKE_MOST)


def _storm(server: Server, count: int, seconds: float) -> Iterator[Row]:
    pages = _pages(server, count)
    with Steady(server, rate=RATE) as calm:
        time.sleep(seconds)
    with Steady(server, rate=RATE) as stormy:
        time.sleep(1)
        for page in pages:
            page.sock.close()
        began = time.perf_counter()
        pages = _pages(server, count, pause=FIRST_PAUSE)
        took = time.perf_counter() - began
        time.sleep(1)
    for page in pages:
        page.sock.close()
    name = f"intake p99 at {RATE}/s, {count:,} pages"
    yield Row(name, share(calm.waits, 0.99) * 1000, "ms", most=INTAKE_MOST)
    name = f"the same while {count:,} pages come back at once"
    note = f"all back in {took:.1f} s"
    yield Row(name, share(stormy.waits, 0.99) * 1000, "ms", most=1000, note=note)


def _idle(server: Server, count: int, seconds: float) -> Iterator[Row]:
    crowd = Crowd(_pages(server, 100))
    crowd.listen(2)  # what the first pages bring with them stays
    before = _memory(server)
    yield Row("idle with 100 pages", _share_of_processor(server, crowd, seconds), "% CPU", most=2)
    many = Crowd([*crowd.pages, *_pages(server, count - 100)])
    many.listen(3)
    each = (_memory(server) - before) * 1024 / (count - 100)
    yield Row(f"idle with {count:,} pages", _share_of_processor(server, many, seconds), "% CPU")
    yield Row("memory of one more idle page", each, "KB PSS")
    many.close()


def _share_of_processor(server: Server, crowd: Crowd, seconds: float) -> float:
    pids = server.pids
    before = cpu.milliseconds(pids)
    crowd.listen(seconds)
    return (cpu.milliseconds(pids) - before) / seconds / 10


def _memory(server: Server) -> float:
    return cpu.pss_megabytes(cpu.tree(server.process.pid))


def _pages(server: Server, count: int, *, pause: float = 0.0) -> list[Page]:
    """Pages of the colleagues, each connecting after half to all of the pause."""
    cookies = server.seeded["cookies"][-AGENTS:]

    def connected(number: int) -> Page:
        time.sleep(max(0.0, dues[number] - time.perf_counter()))
        page = Page(server.port, cookies[number % AGENTS])
        page.say({"subscribe": ["cases"]})
        return page

    began, rng = time.perf_counter(), random.Random(7)
    dues = sorted(began + pause * rng.uniform(0.5, 1) for _ in range(count))
    with ThreadPoolExecutor(CALLERS) as callers:
        return list(callers.map(connected, range(count)))

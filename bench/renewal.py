"""Web processes renewed one after the other, as SIGHUP does it: whether calls are refused, and how soon pages are back."""

import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

from bench import cpu, simulator
from bench.servers import Server
from bench.sockets import Page
from bench.steady import Steady
from bench.table import Row

PAGES, RATE = 50, 10
#: As live.js: half to all of this before the first try, twice as long before each further one, in seconds.
FIRST_PAUSE, LONGEST_PAUSE = 0.4, 10.0
#: Later answers are failures to LINE, and it calls again.
LINE_SECONDS = 2.0


def rows(webs: list[Server]) -> Iterator[Row]:
    """Of `PAGES` pages in all, while LINE calls each web process."""
    texts = [Steady(web, rate=RATE) for web in webs]
    away: list[float] = []
    began = time.perf_counter()
    with ExitStack() as stack:
        for one in texts:
            stack.enter_context(one)
        for web in webs:
            pages = [_page(web, number) for number in range(PAGES // len(webs))]
            away += _renewed(web, pages)
    took = time.perf_counter() - began
    name = f"{PAGES} pages, web processes renewed: without a socket"
    yield Row(name, max(away), "s", most=5, note=f"the longest; all done in {took:.0f} s")
    waits = [wait for one in texts for wait in one.waits]
    failed = sum(one.refused for one in texts) + sum(wait > LINE_SECONDS for wait in waits)
    note = f"of {len(waits):,}; the longest took {max(waits):.2f} s"
    yield Row("calls refused meanwhile, or later than LINE waits", failed, "", most=0, note=note)


def _renewed(web: Server, pages: list[Page]) -> list[float]:
    """Seconds that each page was without a socket, once the new worker has taken over."""
    old = set(cpu.tree(web.process.pid)[1:])
    web.process.send_signal(signal.SIGHUP)
    with ThreadPoolExecutor(len(pages)) as browsers:
        away = list(browsers.map(lambda number: _away(web, pages[number], number), range(len(pages))))
    simulator.wait_until(lambda: not old & set(cpu.tree(web.process.pid)))
    return away


def _away(web: Server, page: Page, number: int) -> float:
    """From the end of a page's socket until it hears again."""
    with suppress(ConnectionError):
        while True:
            page.read()
    page.sock.close()
    lost_at, chance, pause = time.perf_counter(), random.Random(number), FIRST_PAUSE
    while True:
        time.sleep(pause * chance.uniform(0.5, 1))
        with suppress(ConnectionError):
            _page(web, number).sock.close()
            return time.perf_counter() - lost_at
        pause = min(pause * 2, LONGEST_PAUSE)


def _page(web: Server, number: int) -> Page:
    """One that has been told that nothing is missed from now on."""
    cookies = web.seeded["cookies"][-web.seeded["colleagues"] :]
    page = Page(web.port, cookies[number % len(cookies)])
    page.say({"subscribe": ["chats"]})
    while not page.texts:
        page.read()
    return page

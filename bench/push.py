"""How soon a new chat lights the icon of every open page, beside a bare broadcast of as many bytes.

A server's whole cost has the call in it that tells of the chat. What telling costs is the time of the
thread that reads events and of the hub's, beside the bare hub's thread.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import fmean, median

from bench import cpu, load, posts, servers
from bench.servers import Cost, Server
from bench.sockets import Crowd, Page, allow_many
from bench.table import Row

AUDIENCES = 3
WAITING = 10
WARM_UP = 3
#: For so many pages there is a goal: a look at what is new costs the same for few of them.
PAGES = 1000
#: The application's threads, by the names it gives them.
READER, HUB = "live", "live-hub"


@dataclass(frozen=True)
class Told:
    """A text to every page: how long each waited from the request's first byte, and the cost.

    `text` is of the size that those of all pages have in the middle; `threads` is milliseconds by name.
    """

    waits: list[float]
    text: bytes
    cpu: float
    threads: dict[str, float]


def rows(*, rounds: int, sockets: int, requests: int) -> Iterator[Row]:
    """The rows of the table."""
    allow_many()
    with ExitStack() as stack:
        mado = stack.enter_context(
            servers.mado(cases=1000, active=WAITING, factory="bench.floors:counting")
        )
        hub = stack.enter_context(servers.tiny("bench.floors:hub"))
        cookies = mado.seeded["cookies"]
        pages = stack.enter_context(_crowd(mado, [cookies[n % len(cookies)] for n in range(sockets)]))
        bare_pages = stack.enter_context(_crowd(hub, [""] * sockets))
        for _ in range(WARM_UP):
            _new_chat(mado, pages)
        pages.listen(5)  # the first look-up of a name loads LINE's SDK, once
        before = _renderings(mado)
        pushes, broadcasts = [], []
        for _ in range(rounds):
            pushes.append(_new_chat(mado, pages))
            broadcasts.append(_broadcast(hub, bare_pages, pushes[-1].text))
        renderings = (_renderings(mado) - before) / rounds
        busy = _intake_meanwhile(mado, pages, requests)
    name = f"new chat to {sockets:,} pages"
    yield Row(f"{name}: renderings of {AUDIENCES} audiences", renderings, "", most=AUDIENCES)
    yield from _waits(name, pushes)
    bare = f"bare hub, as many bytes to {sockets:,}"
    yield from _waits(bare, broadcasts)
    yield from _threads(name, bare, pushes, broadcasts)
    name = f"text into an active chat while {sockets:,} pages are open"
    yield Row(name, busy.cpu, "CPU-ms", rate=busy.rate)


def _waits(name: str, told: list[Told]) -> Iterator[Row]:
    waits = sorted(wait * 1000 for one in told for wait in one.waits)
    yield Row(f"{name}: p50", waits[len(waits) // 2], "ms")
    yield Row(f"{name}: p99", waits[len(waits) * 99 // 100], "ms")
    yield Row(f"{name}: CPU", fmean(one.cpu for one in told), "CPU-ms")


def _threads(name: str, bare: str, pushes: list[Told], broadcasts: list[Told]) -> Iterator[Row]:
    reader, hub = ([one.threads[thread] for one in pushes] for thread in (READER, HUB))
    floor = [one.threads[HUB] for one in broadcasts]
    size = f"{median(len(one.text) for one in pushes) / 1024:.0f} KB a page"
    yield Row(f"{name}: reader's thread", median(reader), "CPU-ms", note=size)
    yield Row(f"{name}: hub's thread", median(hub), "CPU-ms")
    yield Row(f"{bare}: its thread", median(floor), "CPU-ms")
    ratios = [sum(both) / alone for *both, alone in zip(reader, hub, floor, strict=True)]
    most = 2 if len(pushes[0].waits) >= PAGES else None
    yield Row("reader and hub / bare hub", median(ratios), "x CPU", most=most)


@contextmanager
def _crowd(server: Server, cookies: list[str]) -> Iterator[Crowd]:
    crowd = Crowd(Page(server.port, cookie) for cookie in cookies)
    for page in crowd.pages:
        page.say({"subscribe": ["chats"]})
    crowd.listen(1)
    yield crowd
    crowd.close()


def _new_chat(server: Server, pages: Crowd) -> Told:
    """What every page is told of somebody nobody has heard of."""
    request = posts.webhooks(posts.new_users(), 1, port=server.port)
    return _tell(server, pages, request, lambda found: b'"incoming"' in found[:40])


def _broadcast(server: Server, pages: Crowd, text: bytes) -> Told:
    """The same bytes without anything behind them."""
    head = f"POST /send HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: {len(text)}\r\n\r\n"
    return _tell(server, pages, [head.encode() + text], lambda found: found == text)


def _tell(
    server: Server, pages: Crowd, request: list[bytes], is_it: Callable[[bytes], bool]
) -> Told:
    pages.listen(0.3)  # what still comes of the last round
    for page in pages.pages:
        page.texts.clear()
    threads, pids = _spent(server), server.pids
    used = cpu.milliseconds(pids)
    began = time.perf_counter()
    load.run(server.port, request, connections=1)
    waits, texts = pages.arrivals(began, is_it)
    used = cpu.milliseconds(pids) - used
    spent = {name: now - threads.get(name, 0) for name, now in _spent(server).items()}
    return Told(waits, of_mean_size(texts), used, spent)


def _spent(server: Server) -> dict[str, float]:
    """Processor milliseconds of the server's threads so far."""
    return json.loads(load.run(server.port, [load.get(server.port, "/threads")]).body)


def of_mean_size(texts: list[bytes]) -> bytes:
    """As many bytes as a page was sent on average: who may see less is shown less."""
    return max(texts, key=len)[: round(fmean(map(len, texts)))]


def _intake_meanwhile(server: Server, pages: Crowd, requests: int) -> Cost:
    """Webhooks as fast as they are taken, while all pages are told of them."""
    is_over = threading.Event()
    reader = threading.Thread(target=pages.listen_until, args=[is_over.is_set])
    reader.start()
    try:
        made = posts.webhooks(posts.known_users(WAITING), requests, port=server.port)
        return servers.measure(server, made)
    finally:
        is_over.set()
        reader.join()


def _renderings(server: Server) -> int:
    return json.loads(load.run(server.port, [load.get(server.port, "/renderings")]).body)[
        "renderings"
    ]

"""What a history costs: lists, searches, a case's page and the API, at 1,000,000 cases beside 1,000.

Every case has four messages, and SELDOM cases are of a seldom kind (bench/seed.py), wherever how many cases
there are. Seeding takes minutes; `--seeded FOLDER` keeps the SQLite databases for the next time.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import quote

from bench import databases, load, servers
from bench.servers import Server
from bench.table import Row

MESSAGES = 4
WAITING = 10
LONG = (50, 500)
PAGE = 50
SELDOM = 20
MINUTE = 60_000_000
_CASE = re.compile(rb'<tr id="case-(\d+)"')
_MESSAGE = re.compile(rb'id="message-(\d+)"')
_NEXT = re.compile(rb"before=(\d+)-(\d+)")

Costs = dict[str, dict[int, list[float]]]


@dataclass(frozen=True)
class Page:
    """What is asked for, how many rows it must show, and what each of them must have in it."""

    path: str
    rows: int = PAGE
    mark: bytes = b""
    row: re.Pattern[bytes] = _CASE
    status: int = 200

    def check(self, server: Server) -> None:
        """Raise unless the server answers with what is to be measured: so many rows, newest first."""
        body = load.run(server.port, [_get(server, self.path)] * 2, connections=1).body
        found = [int(number) for number in self.row.findall(body)]
        if self.row is _MESSAGE:
            found = sorted(set(found), reverse=True)
        if len(found) != self.rows or found != sorted(found, reverse=True):
            raise load.UnexpectedAnswer(f"{self.path} shows {len(found)} rows: {found}")
        if body.count(self.mark) < self.rows:
            raise load.UnexpectedAnswer(f"{self.path} has not {self.mark!r} in every row")


LISTS = ("first page", "status that few have", "assignee of few", "label of few", "half way down")
# The Thai ones begin in the middle of a word.
WORDS = {
    "a word that many have": ("お待ちください", PAGE),
    "Thai inside a sentence, many": ("ถานะชำระ", PAGE),
    "a word that few have": ("kintsugi", SELDOM),
    "Thai inside a sentence, few": ("ธีคินสึงิ", SELDOM),
}


def rows(
    *, rounds: int, requests: int, sizes: tuple[int, ...], seeded: Path | None
) -> Iterator[Row]:
    """The rows of the table: SQLite, then PostgreSQL where there is one."""
    with ExitStack() as stack:
        folders = {size: seeded / str(size) if seeded else None for size in sizes}
        yield from _on(stack, "", dict.fromkeys(sizes), folders, rounds, requests)
    with ExitStack() as stack:
        urls = {size: stack.enter_context(databases.postgresql()) for size in sizes}
        if None not in urls.values():
            yield from _on(stack, ", PostgreSQL", urls, {}, rounds, requests)


def _on(
    stack: ExitStack,
    where: str,
    urls: Mapping[int, str | None],
    folders: Mapping[int, Path | None],
    rounds: int,
    requests: int,
) -> Iterator[Row]:
    started = {}
    for size, url in urls.items():
        began = time.monotonic()
        started[size] = stack.enter_context(_server(size, url, folders.get(size)))
        seconds = time.monotonic() - began
    small, *_, large = started
    if not folders.get(large):
        yield Row(f"{large:,} cases, {large * MESSAGES:,} messages seeded{where}", seconds, "s")
    pages = {size: _pages(server, size) for size, server in started.items()}
    for size, server in started.items():
        for page in pages[size].values():
            page.check(server)
        load.run(server.port, [_post(server)], expect=201)
    costs = _interleaved(started, pages, rounds, requests)
    for name, of in costs.items():
        yield from _told(f"{name}{where}", name, of, small, large)
    ratio = _ratio(zip(*(costs[f"case of {count} messages"][large] for count in LONG[::-1]), strict=True))
    yield Row(f"a case of {LONG[1]} messages / of {LONG[0]}{where}", ratio, "x CPU", most=1.5)


def _server(size: int, url: str | None, folder: Path | None):
    return servers.mado(
        cases=size, active=WAITING, long=LONG, messages=MESSAGES, seldom=SELDOM, database_url=url,
        folder=folder,
    )  # fmt: skip


def _pages(server: Server, size: int) -> dict[str, Page]:
    known = server.seeded
    short, long = (f"/cases/{number}" for number in known["long_cases"])
    paths = (
        "/cases",
        "/cases?status=pending",
        f"/cases?assignee={known['seldom_agent']}",
        f"/cases?label={known['seldom_label']}",
        f"/cases?before={_half_way(server, size)}",
    )
    shown = (PAGE, SELDOM, SELDOM, SELDOM, PAGE)
    found = {name: Page(*asked) for name, *asked in zip(LISTS, paths, shown, strict=True)}
    for name, (q, count) in WORDS.items():
        found[name] = Page(f"/cases?q={quote(q)}", count, b"<mark>")
    found["case of 50 messages"] = Page(short, PAGE, row=_MESSAGE)
    found["case of 500 messages"] = Page(long, PAGE, row=_MESSAGE)
    return found


def _half_way(server: Server, size: int) -> str:
    """A cursor into the middle: cases are a minute apart."""
    place = _NEXT.search(load.run(server.port, [_get(server, "/cases")], connections=1).body)
    if place is None:
        raise load.UnexpectedAnswer("the first page has no next one")
    return f"{int(place[1]) - size // 2 * MINUTE}-1"


def _interleaved(
    started: dict[int, Server], pages: dict[int, dict[str, Page]], rounds: int, requests: int
) -> Costs:
    costs: Costs = {}
    for _ in range(rounds):
        for name in (*next(iter(pages.values())), "case made by the API"):
            for size, server in started.items():
                page = pages[size].get(name)
                asked, expect = (_get(server, page.path), 200) if page else (_post(server), 201)
                cost = servers.measure(server, [asked] * requests, connections=2, expect=expect)
                costs.setdefault(name, {}).setdefault(size, []).append(cost.cpu)
    return costs


def _told(
    title: str, name: str, costs: dict[int, list[float]], small: int, large: int
) -> Iterator[Row]:
    is_word = name in WORDS
    for size, of in costs.items():
        most = 60 if is_word and size == 100_000 else 3.5 if "API" in name else None
        yield Row(f"{title}, {size:,} cases", median(of), "CPU-ms", most=most)
    pairs = zip(costs[large], costs[small], strict=True)
    most = 2 if is_word else 1.5 if name in LISTS else None
    yield Row(f"{title}: {large:,} / {small:,}", _ratio(pairs), "x CPU", most=most)


def _ratio(pairs) -> float:
    return median(ours / theirs for ours, theirs in pairs)


def _get(server: Server, path: str) -> bytes:
    return load.get(server.port, path, cookie=server.seeded["cookies"][0])


def _post(server: Server) -> bytes:
    body = json.dumps({"subject": "An order", "text": "Where is it?", "contact": {"name": "Emma"}})
    head = (
        f"POST /api/v1/cases HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Authorization: Bearer {server.seeded['api_token']}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return f"{head}{body}".encode()

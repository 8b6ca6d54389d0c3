"""How long fifty agents wait who read: lists, cases and searches, with 1,000,000 messages stored.

Each of them opens a page, looks at it for a few seconds and opens the next one, over a connection of its
own. A wait is from the request, connecting included, to the last byte of the page itself; what a browser
fetches besides is in crowds.
"""

import itertools
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from bench import databases, load, servers
from bench.million import SELDOM, WORDS, Page
from bench.servers import Server
from bench.table import Row, share

AGENTS = 50
MESSAGES = 10
#: An agent looks at a page for half to one and a half times as long.
LOOK_SECONDS = 3.0
#: What an agent does, over and over, and how many milliseconds the slowest twentieth may begin at.
TURN = ("list", "open", "open", "search", "open", "list")
GOALS = {"list": 300, "open": 500, "search": 800}
OPENED = 1000

Waits = Sequence[tuple[str, float]]


def rows(*, seconds: float, cases: int, seeded: Path | None) -> Iterator[Row]:
    """The rows of the table: SQLite, then PostgreSQL where there is one."""
    folder = seeded / f"reading-{cases}" if seeded else None
    yield from _on("", None, folder, seconds, cases)
    with databases.postgresql() as url:
        if url:
            yield from _on(", PostgreSQL", url, None, seconds, cases)


def _on(where: str, url: str | None, folder: Path | None, seconds: float, cases: int) -> Iterator[Row]:
    with ExitStack() as stack:
        mado = stack.enter_context(
            servers.mado(
                cases=cases, messages=MESSAGES, seldom=SELDOM, colleagues=AGENTS,
                database_url=url, folder=folder,
            )
        )  # fmt: skip
        paths = _paths(mado, cases)
        before = servers.spent(mado)
        waits = _read_by_all(mado, paths, seconds)
        used = servers.spent_since(before, mado) / seconds / 10
    name = f"{AGENTS} agents, {cases:,} cases of {MESSAGES} messages{where}"
    yield Row(name, len(waits) / seconds, "page/s", note=f"{used:.0f} % of a processor")
    for kind, most in GOALS.items():
        of = [wait * 1000 for asked, wait in waits if asked == kind]
        note = f"of {len(of):,}; p50 {share(of, 0.5):.0f}"
        yield Row(f"{kind}, p95{where}", share(of, 0.95), "ms", most=most, note=note)


def _paths(server: Server, cases: int) -> Mapping[str, Sequence[str]]:
    """What may be asked for. Lists and searches must show what they should, before anything is measured."""
    known = server.seeded
    lists = [
        Page("/cases"),
        Page("/cases?status=open"),
        Page("/cases?status=pending", SELDOM),
        Page(f"/cases?label={known['seldom_label']}", SELDOM),
    ]
    searches = [Page(f"/cases?q={quote(q)}", count, b"<mark>") for q, count in WORDS.values()]
    for page in (*lists, *searches):
        page.check(server)
    numbers = random.Random(7).sample(range(1, cases + 1), min(cases, OPENED))
    return {
        "list": [page.path for page in lists],
        "open": [f"/cases/{number}" for number in numbers],
        "search": [page.path for page in searches],
    }


def _read_by_all(server: Server, paths: Mapping[str, Sequence[str]], seconds: float) -> Waits:
    until = time.perf_counter() + seconds
    cookies = server.seeded["cookies"][-AGENTS:]

    def read(number: int) -> Waits:
        return list(_read(server.port, cookies[number], paths, number, until))

    with ThreadPoolExecutor(AGENTS) as agents:
        return [wait for waits in agents.map(read, range(AGENTS)) for wait in waits]


def _read(
    port: int, cookie: str, paths: Mapping[str, Sequence[str]], number: int, until: float
) -> Iterator[tuple[str, float]]:
    """One agent: what was asked for, and the seconds until it was there."""
    chance = random.Random(number)
    pause = chance.uniform(0, LOOK_SECONDS)
    for kind in itertools.islice(itertools.cycle(TURN), number % len(TURN), None):
        if time.perf_counter() + pause > until:
            return
        time.sleep(pause)
        request = load.get(port, chance.choice(paths[kind]), cookie=cookie)
        yield kind, load.run(port, [request], connections=1).seconds
        pause = chance.uniform(0.5, 1.5) * LOOK_SECONDS

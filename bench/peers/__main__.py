"""`python -m bench.peers`: install, fill, check, measure side by side, and print the table."""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median
from types import ModuleType

from bench import load, servers, table
from bench.__main__ import surroundings
from bench.peers import django_helpdesk, mado, roundup, stock, views
from bench.peers.history import FILE, History
from bench.peers.stock import Stock
from bench.peers.views import Asked, View
from bench.servers import Server
from bench.table import Row

WORD = "parcel"
ROUND_SECONDS = 2.0
MOST_VIEWS = 50
NAMES = {
    "list": f"list of all cases, first {views.PAGE}",
    "order": "search for an order's number (1 case)",
    "word": f"search for “{WORD}”, first {views.PAGE} of many",
    "case": "open a case of 3 messages",
    "long": f"open a case of {mado.LONG} messages",
}


@dataclass(frozen=True)
class Peer:
    """Who is measured, beside which Mado, and how many times cheaper Mado wants to be."""

    title: str
    module: ModuleType
    mado: str
    goals: dict[str, float]
    searches_answers: bool = True


PEERS = {
    "django-helpdesk": Peer(
        title="django-helpdesk 2.6.1 / Mado, both on PostgreSQL",
        module=django_helpdesk,
        mado=mado.ON_POSTGRESQL,
        goals={"list": 10, "order": 20, "word": 20, "case": 3, "long": 3},
        searches_answers=False,
    ),
    "roundup": Peer(
        title="Roundup 2.6.0 / Mado, both on SQLite",
        module=roundup,
        mado=mado.ON_SQLITE,
        goals={"list": 2, "order": 1, "word": 1},
    ),
}


@dataclass(frozen=True)
class Site:
    """A running server and its pages."""

    server: Server
    pages: dict[str, View]

    def cost(self, name: str, count: int) -> float:
        """CPU-milliseconds of a page with all that a browser asks for to show it."""
        requests = self.pages[name].requests
        cost = servers.measure(self.server, [*requests] * count, connections=1)
        return cost.cpu * len(requests)

    def shown(self, name: str) -> dict[int, str] | str:
        view = self.pages[name]
        return view.shown(load.run(self.server.port, view.requests, connections=1).body)

    def warm(self, name: str) -> int:
        """Ask for a page for a while; how often it came, which is how often to ask in a round."""
        by = time.perf_counter() + ROUND_SECONDS
        count = 0
        while not count or (time.perf_counter() < by and count < MOST_VIEWS):
            load.run(self.server.port, self.pages[name].requests, connections=1)
            count += 1
        return count


def main() -> None:
    asked = _options()
    if asked.forget:
        stock.forget()
        return
    stocked, peers = Stock(asked.cases), [PEERS[name] for name in asked.peers or PEERS]
    for whose in (mado.ON_SQLITE, *(peer.mado for peer in peers)):
        stocked.once(whose, partial(mado.fill, stocked, whose))
    for peer in peers:
        stocked.once(peer.module.NAME, partial(peer.module.fill, stocked))
    print(surroundings(), flush=True)
    for peer in peers if asked.rounds else ():
        print()
        for line in table.lines(peer.title, _rows(peer, stocked, asked.rounds)):
            print(line, flush=True)


def _rows(peer: Peer, stocked: Stock, rounds: int) -> Iterator[Row]:
    """How many times as much as Mado's a peer's pages cost."""
    known = History(stocked.folder / FILE)
    what = _asked(known)
    with mado.serving(stocked, peer.mado) as our, peer.module.serving(stocked) as their:
        cookie = stocked.said(peer.mado)["cookies"][0]
        ours = Site(our, mado.pages(our, what, cookie))
        theirs = Site(their, peer.module.pages(their, what, peer.module.sign_in(their)))
        for name in NAMES:
            _check(ours, name, what, known)
            _check(theirs, name, what, known, searches_answers=peer.searches_answers)
        for name, title in NAMES.items():
            yield _row(title, _interleaved(ours, theirs, name, rounds), peer.goals.get(name))


def _asked(known: History) -> Asked:
    middle = len(known.cases) // 2
    order = known.order_after(middle)
    return Asked(order=order, word=WORD, case=middle, long=len(known.cases))


def _check(
    site: Site, name: str, what: Asked, known: History, *, searches_answers: bool = True
) -> None:
    """Nothing is measured that is not what was asked for."""
    shown = site.shown(name)
    if name == "list":
        views.refuse_other_list(shown, known.newest(views.PAGE), known.subject)
    elif name in ("order", "word"):
        hits = known.having(getattr(what, name), in_first=not searches_answers)
        views.refuse_other_hits(shown, hits, known.subject)
    else:
        views.refuse_other_texts(shown, known.texts(getattr(what, name)))


def _interleaved(ours: Site, theirs: Site, name: str, rounds: int) -> list[tuple[float, float]]:
    our_count, their_count = ours.warm(name), theirs.warm(name)
    return [(ours.cost(name, our_count), theirs.cost(name, their_count)) for _ in range(rounds)]


def _row(title: str, costs: list[tuple[float, float]], goal: float | None) -> Row:
    ratio = median(their / our for our, their in costs)
    our, their = (median(column) for column in zip(*costs, strict=True))
    return Row(title, ratio, "x CPU", least=goal, note=f"{their:,.1f} / {our:.1f} CPU-ms")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers", description="Mado beside its peers."
    )
    parser.add_argument("peers", nargs="*", choices=[[], *PEERS], help="all of them by default")
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7, help="0: only install and fill")
    parser.add_argument("--forget", action="store_true", help="remove all that was kept in .peers")
    return parser.parse_args()


if __name__ == "__main__":
    main()

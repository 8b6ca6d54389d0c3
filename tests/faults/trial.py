"""One trial: events come, parts are killed, LINE fails, agents answer; then it is counted.

What was acknowledged, what is stored and what an open page shows must be the same, each once; each
answer must have been delivered at most once and say truly what became of it.
"""

import math
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import create_engine, select, update

from app.clock import now
from app.models import Delivery
from linesim.current import KEY
from linesim.serving import Running
from linesim.state import FRIEND, Customer
from tests.channels.line_posts import text_event
from tests.faults.answers import Answers
from tests.faults.browsing import Browsing
from tests.faults.killer import Installation, Killer, Strike, is_alive
from tests.faults.page import OpenPage
from tests.faults.sender import CONNECTIONS, COPIES, Event, Sender
from tests.processes.servers import Mado, soon
from tests.processes.visits import prepared, send

DELIVERIES = Delivery.__table__
CUSTOMERS = 20  # an open page may subscribe to as many conversations
DRAIN_SECONDS = 180.0
EMBEDDED = {"web": ("wsgi.py",)}
SEVERAL = {
    "web": ("-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"),
    "scheduler 1": ("scheduler.py",),
    "scheduler 2": ("scheduler.py",),
}


@dataclass(frozen=True)
class Plan:
    """How much of everything; `kills` are SIGKILLs, `others` strikes of other kinds in addition, and
    `seconds` is what each part of it may take.

    With `hurries`, leases that killed processes hold run out at the end instead of in half a minute. With
    `browses`, an agent opens pages until the last event is acknowledged.
    """

    events: int = 2000
    copies: int = COPIES
    kills: int = 5
    others: int = 1
    answers: int = 44
    faults: int = 11
    seed: int = 1
    seconds: float = 240.0
    hurries: bool = True
    connections: int = CONNECTIONS
    rate: float = math.inf
    browses: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    plan: Plan
    sender: Sender
    killer: Killer
    answers: Answers
    page: OpenPage
    browsing: Browsing
    stored: Counter[str]
    stored_late: int
    states: dict[str, str]
    start_seconds: float
    drain_seconds: float
    seconds: float

    @property
    def sent(self) -> set[str]:
        return {f"event-{number}" for number in self.sender.acknowledged} | set(_hellos())

    @property
    def delivered(self) -> Counter[str]:
        return Counter(text for _, text in self.answers.delivered())

    def counts(self) -> dict[str, int]:
        """Everything that must be zero."""
        shown, delivered = self.page.shown(), self.delivered
        told = self.sent | set(self.answers.accepted)
        return {
            "events without an acknowledgement": self.plan.events - len(self.sender.acknowledged),
            "acknowledged and not stored": len(told - set(self.stored)),
            "stored later than acknowledged": self.stored_late,
            "stored twice": _doubled(self.stored),
            "stored, nobody knows why": len(set(self.stored) - told),
            "stored and never shown": len(set(self.stored) - set(shown)),
            "shown twice": _doubled(shown),
            "answers delivered twice": _doubled(delivered),
            "called sent, and never delivered": self._count(
                "sent", lambda text: not delivered[text]
            ),
            "called failed, and delivered": self._count(
                "failed", lambda text: bool(delivered[text])
            ),
            "answers still queued": self._count("queued", lambda text: True),
            "answers shown in another state": self._mistold(),
            "answers delivered out of order": self._disorder(),
            "calls answered neither 200 nor 503": _odd(self.sender.answers, {200, 503}),
            "requests answered neither 2xx nor 503": _odd(
                self.answers.answers + self.browsing.answers, {200, 201, 503}
            ),
            "a page's troubles": len(self.page.troubles),
        }

    def wrong(self) -> dict[str, int]:
        """What should be zero and is not."""
        return {what: count for what, count in self.counts().items() if count}

    def _count(self, state: str, holds: Any) -> int:
        return sum(said == state and holds(text) for text, said in self.states.items())

    def _mistold(self) -> int:
        shown = self.page.states()
        return sum(shown.get(text) != state for text, state in self.states.items())

    def _disorder(self) -> int:
        """How many arrived at somebody's phone before an earlier one."""
        newest: dict[str, int] = {}
        found = 0
        for talk, text in self.answers.delivered():
            number = int(text.rpartition("-")[2])
            found += number < newest.get(talk, -1)
            newest[talk] = max(number, newest.get(talk, -1))
        return found


def run(
    mado: Mado, line: Running, commands: dict[str, tuple[str, ...]], plan: Plan, **more: Strike
) -> Outcome:
    """Start an installation that is brought up to date, try it, and stop it; `more` are other strikes."""
    began, chance = time.monotonic(), Random(plan.seed)
    installation = Installation(mado, commands)
    token, hook = prepared(mado)
    people = _people(line)
    start_seconds = started(installation)
    for text, user in zip(_hellos(), people, strict=True):
        assert send(hook, text_event(text, user=user, timestamp=_moment())) == 200
    cases = list(range(1, CUSTOMERS + 1))
    make = partial(_event, line, people)
    sender = Sender(
        hook, plan.events, make, chance,
        copies=plan.copies, connections=plan.connections, rate=plan.rate,
    )  # fmt: skip
    page, browsing = OpenPage(mado, cases), Browsing(mado)
    answers = Answers(mado, line, token, cases, sender, count=plan.answers, faults=plan.faults)
    killer = Killer(
        mado, installation.kills(chance), installation.others() | more, sender, chance,
        kill_count=plan.kills, other_count=plan.others,
    )  # fmt: skip
    parts = (page, sender, answers, killer, *([browsing] if plan.browses else ()))
    for part in parts:
        part.start()
    for part in (sender, killer, answers):
        part.join(plan.seconds)
    browsing.stop()
    drained = time.monotonic()
    if plan.hurries:
        _end_leases_of_the_dead(mado)
    wanted = plan.events + plan.answers + CUSTOMERS
    with suppress(AssertionError):  # what is missing by then is counted below
        soon(lambda: page.count >= wanted and not page.has_queued(), DRAIN_SECONDS)
    drain_seconds = time.monotonic() - drained
    page.stop()
    items = [item for number in cases for item in _messages(mado, token, number)]
    mado.stop()
    return Outcome(
        plan, sender, killer, answers, page, browsing,
        stored=Counter(item["text"] for item in items),
        stored_late=sum(_is_late(item, sender) for item in items),
        states={item["text"]: item["state"] for item in items if item["direction"] == "out"},
        start_seconds=start_seconds,
        drain_seconds=drain_seconds,
        seconds=time.monotonic() - began,
    )  # fmt: skip


def started(installation: Installation) -> float:
    """Start it while nothing else is asked of it; after how many seconds it was ready."""
    began = time.monotonic()
    installation.start()
    soon(installation.mado.is_ready)
    return time.monotonic() - began


def integrity(database: Path) -> str:
    """What SQLite says of its file."""
    connection = sqlite3.connect(database)
    try:
        return connection.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        connection.close()


def _hellos() -> list[str]:
    return [f"hello-{number}" for number in range(CUSTOMERS)]


def _people(line: Running) -> list[str]:
    sim = line.app.extensions[KEY].sim
    sim.account.monthly_limit = None
    ids = [f"U{number:032x}" for number in range(CUSTOMERS)]
    for number, id_ in enumerate(ids):
        sim.customers[id_] = Customer(id_, f"Customer {number}", relation=FRIEND)
    return ids


def _event(line: Running, people: list[str], number: int) -> Event:
    """Every second customer's brings a reply token that LINE takes."""
    user = people[number % CUSTOMERS]
    event = text_event(f"event-{number}", user=user, timestamp=_moment())
    if number % 2:
        event["replyToken"] = line.app.extensions[KEY].sim.new_reply_token(user)
    else:
        del event["replyToken"]
    return event


def _moment() -> int:
    return int(time.time() * 1000)


def _end_leases_of_the_dead(mado: Mado) -> None:
    url = mado.env.get("DATABASE_URL") or f"sqlite:///{mado.env['DATA_DIR']}/mado.sqlite3"
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    held = select(DELIVERIES.c.lease_owner).where(DELIVERIES.c.lease_owner.is_not(None))
    with engine.begin() as connection:
        owners = set(connection.execute(held).scalars())
        dead = [owner for owner in owners if not is_alive(int(owner.split("-")[-2]))]
        ended = update(DELIVERIES).where(DELIVERIES.c.lease_owner.in_(dead))
        connection.execute(ended.values(leased_until=now() - timedelta(seconds=1)))
    engine.dispose()


def _messages(mado: Mado, token: str, case: int) -> Iterator[dict[str, Any]]:
    after: int | None = 0
    while after is not None:
        found = mado.get(f"/api/v1/cases/{case}/messages?limit=200&after={after}", token)
        yield from found["items"]
        after = found["next"]


def _is_late(item: dict[str, Any], sender: Sender) -> bool:
    """Whether a later copy brought what was acknowledged before: it had been lost meanwhile."""
    kind, _, number = item["text"].rpartition("-")
    if kind != "event":
        return False
    return (
        datetime.fromisoformat(item["received_at"]).timestamp() > sender.acknowledged[int(number)]
    )


def _doubled(found: Counter[str]) -> int:
    return sum(count - 1 for count in found.values())


def _odd(answers: Counter[int | str], wanted: set[int]) -> int:
    return sum(
        n for status, n in answers.items() if isinstance(status, int) and status not in wanted
    )

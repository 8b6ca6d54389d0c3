"""What a webhook brought becomes one transaction, with whatever else arrives at that moment.

Every commit waits for the disk, and SQLite writes one transaction at a time. So the batches that
wait for their turn are stored together: whoever gets the turn takes all of them in and commits
once, and each call is answered after the commit that holds its events. A batch that fails is
stored by itself, its bad events kept back (S6), so that it spoils nothing for its neighbours.
Plain messages, which most are, are written table by table (`domain/plain`).

On PostgreSQL somebody else may hold what a call needs, so plain messages have two queues. In the first,
whoever has the turn waits for nobody: what others hold is left. What is left of one conversation has its own
transaction at once; of several it is in the second queue, whose turn waits: for the channel, which one
transaction of all processes has at a time so that none waits in a circle, and for each conversation. What is
not plain has its own transaction.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from queue import SimpleQueue

from flask import current_app
from sqlalchemy.exc import OperationalError

from app import transaction
from app.channels.base import Inbound, Unreadable
from app.domain import inbox, plain
from app.extensions import OUTAGES, db

DEADLOCK = "40P01"  # PostgreSQL's SQLSTATE
# When calls come thick, a turn first waits for more of them: fewer commits, and fewer threads that
# want the interpreter while it works. Where calls come one by one, nothing waits.
GATHER_SECONDS = 0.002
# As many calls wait together for what others hold. Some may be of people who write for the first time, which
# takes longer, and nobody else can write in their conversations meanwhile.
MOST_WHO_WAIT = 20
# So long after a call others are likely, where they come thick.
BUSY_SECONDS = 0.1

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Call:
    """One webhook call's events; `raw` makes their bytes, should they have to be kept back."""

    source: inbox.Source
    batch: Sequence[Inbound | Unreadable]
    raw: Callable[[], list[bytes]]
    is_plain: bool = field(init=False)
    is_about_several: bool = field(init=False)
    problem: BaseException | None = None
    # Whether those it was to be stored with have left it to itself.
    is_left: bool = False
    # What ends its wait: True when it is its turn, False when the turn it was part of is over.
    has_turn: SimpleQueue[bool] = field(default_factory=SimpleQueue)

    def __post_init__(self) -> None:
        self.is_plain = all(map(plain.is_plain, self.batch))
        self.is_about_several = inbox.is_about_several(self.batch)


_last = 0.0


def is_busy() -> bool:
    """Whether calls came in this process a moment ago; what can wait gives way to them."""
    return time.monotonic() - _last < BUSY_SECONDS


def store(call: Call) -> None:
    """Return when every event of the call is committed, as a message or as kept back."""
    global _last
    _last = time.monotonic()
    turns: Turns = current_app.extensions.setdefault("intake", Turns())
    if _has_one_writer() or call.is_plain:
        turns.store(call)
    else:
        _store_alone(call)


def _has_one_writer() -> bool:
    return db.engine.dialect.name == "sqlite"


class Turns:
    """Calls of one process take turns; who waits is stored by the one whose turn it is."""

    def __init__(self, *, is_second: bool = False) -> None:
        self._second = None if is_second else Turns(is_second=True)
        self._lock = threading.Lock()
        self._waiting: list[Call] = []
        self._is_taken = False
        self._had_company = False

    def store(self, call: Call) -> None:
        if self._is_first(call) or call.has_turn.get():
            if self._had_company:
                time.sleep(GATHER_SECONDS)
            together = self._everybody()
            self._had_company = len(together) > 1
            try:
                _store_together(together, waits=self._second is None)
            except BaseException as problem:  # whatever it is: nobody may be told that all is well
                together += self._everybody()  # an outage; they would only wait as long again
                for other in together:
                    other.problem = problem
            finally:
                self._pass_on(together, call)
        if call.problem:
            raise call.problem
        if call.is_left:
            self._leave(call)

    def _leave(self, call: Call) -> None:
        """Store what this queue's turn could not."""
        if self._second and call.is_about_several and not _has_one_writer():
            call.is_left = False
            self._second.store(call)
        else:
            _store_alone(call)

    def _is_first(self, call: Call) -> bool:
        with self._lock:
            self._waiting.append(call)
            was_taken, self._is_taken = self._is_taken, True
            return not was_taken

    def _everybody(self) -> list[Call]:
        with self._lock:
            most = len(self._waiting) if self._second else MOST_WHO_WAIT
            some, self._waiting = self._waiting[:most], self._waiting[most:]
            return some

    def _pass_on(self, together: list[Call], own: Call) -> None:
        """The turn to whoever waits longest; the others of ours may answer."""
        with self._lock:
            if self._waiting:
                self._waiting[0].has_turn.put(True)
            else:
                self._is_taken = False
        for call in together:
            if call is not own:
                call.has_turn.put(False)


def _store_together(calls: list[Call], *, waits: bool) -> None:
    """One transaction for all; whom that leaves out, and all when it fails, are left.

    `waits`: for whoever holds what is needed. On SQLite nobody else can.
    """
    if not (waits or _has_one_writer()):
        take_in = _take_in_plain
    elif len(calls) > 1:
        take_in = _take_in_as_one_writer
    else:
        return _store_alone(calls[0])
    try:
        take_in(calls)
    except Exception as problem:
        if isinstance(problem, OUTAGES) and not _is_deadlock(problem):
            raise
        log.warning("a batch failed (%s); storing them one by one", type(problem).__name__)
        transaction.release()
        for call in calls:
            call.is_left = True


def _store_alone(call: Call) -> None:
    """All events in one go; when one fails, once more with a savepoint each (S6)."""
    try:
        _take_in_despite_deadlock(call)
    except OUTAGES:
        raise
    except Exception as problem:
        log.warning("an event failed (%s); taking them in one by one", type(problem).__name__)
        transaction.start_writing()
        inbox.receive_each(call.source, call.batch, call.raw())
        transaction.commit()


def _take_in_despite_deadlock(call: Call) -> None:
    """Whom PostgreSQL chose to break a circle goes again: the provider may never send it (F8)."""
    is_writer = _has_one_writer() or call.is_about_several
    take_in = _take_in_as_one_writer if is_writer else _take_in
    try:
        take_in([call])
    except OperationalError as problem:
        if not _is_deadlock(problem):
            raise
        log.warning("a deadlock; storing the call once more")
        take_in([call])


def _take_in(calls: Sequence[Call]) -> None:
    transaction.start_writing()
    for call in calls:
        inbox.receive(call.source, call.batch)
    transaction.commit()


def _take_in_as_one_writer(calls: Sequence[Call]) -> None:
    """Neighbours of plain messages by tables, the rest one by one, all in the order they came."""
    transaction.start_writing()
    inbox.wait_for_turns({call.source.id for call in calls if call.is_about_several})
    for are_plain, neighbours in groupby(calls, attrgetter("is_plain")):
        some = list(neighbours)
        arrivals = _arrivals(some)
        are_many = are_plain and len(arrivals) > 1
        known = plain.take_in(arrivals, waits=True) if are_many else ()
        for call in some:
            left = [event for event in call.batch if (call.source.id, event.key) not in known]
            if left:
                inbox.receive(call.source, left)
    transaction.commit()


def _take_in_plain(calls: list[Call]) -> None:
    transaction.start_writing()
    known = plain.take_in(_arrivals(calls), waits=False)
    transaction.commit()
    for call in calls:
        call.is_left = any((call.source.id, event.key) not in known for event in call.batch)


def _arrivals(calls: Sequence[Call]) -> list[plain.Arrival]:
    return [(call.source, event) for call in calls for event in call.batch]


def _is_deadlock(problem: Exception) -> bool:
    return getattr(getattr(problem, "orig", None), "sqlstate", None) == DEADLOCK

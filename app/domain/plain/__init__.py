"""Plain messages: those of many calls at once, table by table instead of event by event.

Plain is what nearly everything is: a person's message without files or a quote, into an active
chat. It refuses everything else, and whatever it would have to wait for: what it leaves out is
taken in by `inbox`, event by event. Both must leave the same rows; a test compares them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from app import counters, transaction
from app.channels.base import Inbound, Unreadable
from app.domain import events, hot
from app.domain.plain import postgresql, sqlite
from app.domain.plain.arrivals import Address, Arrival, address
from app.domain.rules import engine
from app.models import GROUP_KINDS

__all__ = ["Arrival", "is_plain", "take_in"]

_ENGINES = {"postgresql": postgresql, "sqlite": sqlite}


def is_plain(event: Inbound | Unreadable) -> bool:
    """Whether nothing but the database can show that it is more than a plain message."""
    return (
        isinstance(event, Inbound)
        and event.kind == "message"
        and event.message_id is not None
        and event.conversation_id is not None
        and event.conversation_kind not in GROUP_KINDS
        and event.quoted_id is None
        and not event.files
        and event.album_key is None
    )


def take_in(arrivals: Sequence[Arrival], *, waits: bool) -> set[tuple[int, str]]:
    """Take plain events in, inside the current transaction; channel and key of those that are in.

    `waits`: also for conversations that somebody holds, and not only for those that are free.
    """
    known: set[tuple[int, str]] = set()
    writer = _ENGINES[hot.connection().dialect.name]
    for wave in _waves(writer.locked(arrivals, waits=waits)):
        for taken in writer.take_in(hot.connection(), wave):
            transaction.count(counters.INTAKE, outcome="taken_in" if taken.is_new else "redelivered")
            if taken.case_id:
                events.note("message.received", taken.case_id)
            known.add((taken.channel_id, taken.key))
        engine.run_fresh()
    return known


def _waves(arrivals: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """In order, and each conversation once in each: a statement sees a case as it was before it."""
    waves: list[dict[Address, Arrival]] = []
    seen: Counter[Address] = Counter()
    for arrival in arrivals:
        where = address(arrival)
        if seen[where] == len(waves):
            waves.append({})
        waves[seen[where]][where] = arrival
        seen[where] += 1
    return (list(wave.values()) for wave in waves)

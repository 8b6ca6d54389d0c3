"""Events are the spine: one recorded fact each, in the transaction of what they tell of.

History, live updates, rules and outgoing webhooks read this table. Names are noun.past_tense.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, TextClause, insert, select, text
from sqlalchemy.orm import joinedload

from app import counters
from app.clock import now
from app.domain import hot
from app.extensions import db
from app.models import AUDIT_EVENTS, AUDITED, RULE_EVENTS, Agent, Case, Event
from app.transaction import wake_after_commit

_INSERT = hot.Statement(
    insert(Event.__table__),
    *("type", "occurred_at", "case_id", "message_id", "channel_id", "agent_id", "data"),
)


# So many events back one more may still be committed on PostgreSQL. SQLite has one writer at a time.
OVERLAP = {"postgresql": 200, "sqlite": 0}
# Recorded without the conversation's lock, for many cases at once or beside a call that takes long. All others
# of a case are committed in the order of their ids, also on PostgreSQL.
UNORDERED = frozenset(
    {"contact.named", "contact.pictured", "notification.mail_failed", "webhook.failed", "webhook.queued"}
)
# After these a chat may be nobody's.
UNTAKEN = frozenset({"chat.reactivated_by_contact", "chat.put_back"})


@dataclass(frozen=True, slots=True)
class Fresh:
    """A fact that this transaction has recorded, as rules look at it."""

    type: str
    case_id: int | None
    data: dict[str, Any]


def record(
    type_: str,
    *,
    case_id: int | None = None,
    message_id: int | None = None,
    channel_id: int | None = None,
    by: Agent | None = None,
    **data: Any,
) -> None:
    """Add one fact. `data` holds what the fact is about: old and new, `by` for non-people."""
    _INSERT.count(
        hot.connection(),
        type=type_,
        occurred_at=now(),
        case_id=case_id,
        message_id=message_id,
        channel_id=channel_id,
        agent_id=by.id if by else None,
        data=json.dumps(data, ensure_ascii=False) if data else "{}",
    )
    note(type_, case_id, data)


def note(type_: str, case_id: int | None, data: dict[str, Any] | None = None) -> None:
    """Let rules, metrics and who waits for events know of a fact that is in the table already."""
    info = db.session.info
    pile = "ruled" if "is_ruling" in info else "fresh"
    info.setdefault(pile, []).append(Fresh(type_, case_id, data or {}))
    if type_ in UNTAKEN and case_id:
        leave_untaken(case_id)
    info.setdefault("counted", []).append(counters.series(counters.EVENTS, type=type_))
    wake_after_commit("events")


def leave_untaken(case_id: int) -> None:
    """A chat that nobody has taken: the commit gives it out. A new case may be none."""
    db.session.info.setdefault("untaken", set()).add(case_id)


def take_fresh() -> list[Fresh]:
    """What was recorded since this was asked last, by anybody but rules."""
    return db.session.info.pop("fresh", [])


def take_ruled() -> list[Fresh]:
    """The same of what rules did."""
    return db.session.info.pop("ruled", [])


def take_untaken() -> set[int]:
    """Cases whose chats this transaction may have left without a taker."""
    return db.session.info.pop("untaken", set())


def of_case(case: Case, *, after: int = 0, limit: int = 200) -> Sequence[Event]:
    """A case's history, oldest first."""
    query = (
        select(Event)
        .where(Event.case_id == case.id, Event.id > after)
        .options(joinedload(Event.agent))
        .order_by(Event.id)
        .limit(limit)
    )
    return db.session.scalars(query).all()


def are_beside_cases(*, after: int) -> bool:
    """Whether anything happened after this event that is no case's: a label, a name, a setting.

    What may have been committed late counts too.
    """
    query = select(Event.id).where(Event.case_id.is_(None), Event.id > after - overlap()).limit(1)
    return db.session.scalar(query) is not None


def overlap() -> int:
    """How many ids below the newest one may still appear."""
    return OVERLAP[db.engine.dialect.name]


def of_rules(*, before: int | None, limit: int) -> Sequence[Event]:
    """What happened to rules as such, newest first, below this id."""
    return _newest(text(RULE_EVENTS), before=before, limit=limit)


@dataclass(frozen=True)
class Sought:
    """What of the audit: of these nouns, since then, by this agent, or `by_nobody` of the team."""

    nouns: Collection[str] = ()
    since: datetime | None = None
    agent_id: int | None = None
    by_nobody: bool = False

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        if self.nouns:
            yield Event.type.in_([name for name in AUDITED if name.partition(".")[0] in self.nouns])
        if self.since:
            yield Event.occurred_at >= self.since
        if self.agent_id:
            yield Event.agent_id == self.agent_id
        if self.by_nobody:
            yield Event.agent_id.is_(None)


def of_audit(sought: Sought, *, before: int | None, limit: int) -> Sequence[Event]:
    """What was done to people, channels, rules and settings, and sign-ins, newest first, below this id."""
    return _newest(text(AUDIT_EVENTS), *sought.conditions(), before=before, limit=limit)


def _newest(*conditions: ColumnElement[bool] | TextClause, before: int | None, limit: int) -> Sequence[Event]:
    query = select(Event).where(*conditions).options(joinedload(Event.agent))
    query = query.where(Event.id < before) if before else query
    return db.session.scalars(query.order_by(Event.id.desc()).limit(limit)).all()


def newest_ids(limit: int) -> Sequence[int]:
    """The ids of the newest events, oldest first: where a live reader starts."""
    found = db.session.scalars(select(Event.id).order_by(Event.id.desc()).limit(limit)).all()
    return found[::-1]


def forget(case: Case, words: str, *, instead: str) -> None:
    """Take words that a contact took back out of what a case's events hold (L3)."""
    query = select(Event).where(Event.case_id == case.id, Event.data != "{}")
    for event in db.session.scalars(query):
        data = json.loads(event.data)
        cleaned = {key: instead if value == words else value for key, value in data.items()}
        if cleaned != data:
            event.data = json.dumps(cleaned, ensure_ascii=False)
    db.session.flush()

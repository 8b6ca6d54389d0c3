"""Time-based rules: they act once a case has waited long enough, once for each time it waits (R5).

A rule asks the database for the cases whose time has come since it looked last, or that changed
since, with one query over indexes, and takes them in portions under their lock, each asked again. A
mark written in the same transaction makes it once, whoever else tries at that moment and however
often Mado is started anew. So a look costs what is new, not what is stored.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select, tuple_, update

from app.clock import now
from app.domain import cases
from app.domain.rules import book, engine, in_database
from app.domain.rules.book import InForce
from app.domain.rules.conditions import MINUTES_SINCE
from app.domain.rules.decisions import applies, see
from app.domain.rules.definitions import Clause, Definition
from app.domain.rules.situations import Situation
from app.domain.upsert import insert
from app.extensions import db
from app.models import Case, Event, Rule, RuleMark

TYPE = "existing_case"
PORTION = 100
PORTION_SECONDS = 0.05

SINCE: Mapping[str, Any] = {
    f"{MINUTES_SINCE}created": Case.created_at,
    f"{MINUTES_SINCE}contact_message": Case.last_contact_at,
    f"{MINUTES_SINCE}agent_message": Case.last_agent_at,
    f"{MINUTES_SINCE}status_change": func.coalesce(Case.status_changed_at, Case.created_at),
}
# What can come to hold without anything happening to the case: such rules look at all that is due.
VOLATILE = ("working_hours", "author_name", "author_language")
# PostgreSQL may show an event after one with a higher id; by then both are committed.
SETTLED = timedelta(seconds=10)


@dataclass(frozen=True)
class Place:
    """How far a look has come through its due cases: the time the last one waits from, and its id."""

    since: datetime
    case_id: int


@dataclass
class Look:
    """A rule going through what is due: what it waits for, and where an earlier look ended.

    `catches_up_at`: it acts on what was due before the rule was saved, too, as an admin wants it.
    `has_missed` says that somebody else held a case: the next look begins where this one did.
    """

    rule: InForce
    since: Any
    minutes: timedelta
    applies_from: datetime
    catches_up_at: datetime | None
    looked_until: datetime | None
    looked_event_id: int
    began_at: datetime
    newest_event_id: int
    has_missed: bool = False


def due_rules() -> tuple[InForce, ...]:
    """Time-based rules in force, in order."""
    return () if book.is_empty() else book.in_force(TYPE)


def begin(rule: InForce) -> Look:
    """A look at what is due now."""
    kept = (Rule.applies_from, Rule.catches_up_at, Rule.looked_until, Rule.looked_event_id)
    row = db.session.execute(select(*kept).where(Rule.id == rule.id)).one()
    clause = bound_of(rule.definition)
    looks_at_all = row.catches_up_at or _is_volatile(rule.definition, clause)
    return Look(
        rule=rule,
        since=SINCE[clause.condition],
        minutes=timedelta(minutes=clause.value),
        applies_from=row.applies_from,
        catches_up_at=row.catches_up_at,
        looked_until=None if looks_at_all else row.looked_until,
        looked_event_id=row.looked_event_id or 0,
        began_at=now(),
        newest_event_id=_newest_settled_event() or 0,
    )


def run_portion(look: Look, after: Place | None = None) -> Place | None:
    """Let a rule act on some of its due cases; where to go on, None when it has seen all."""
    if look.rule not in due_rules():
        return None  # switched off or saved anew meanwhile
    until = time.monotonic() + PORTION_SECONDS
    found = db.session.execute(_found(look, after)).all()
    for row in found:
        _act_if_still(look, row.id)
        if time.monotonic() >= until:
            return Place(row.since, row.id)
    if len(found) == PORTION:
        return Place(found[-1].since, found[-1].id)
    _remember(look)
    return None


def _found(look: Look, after: Place | None) -> Select[Any]:
    """The next portion, in the order in which the cases began to wait."""
    due = select(Case.id, look.since.label("since")).where(*_is_due(look))
    if look.looked_until:
        touched = select(Event.case_id).where(Event.id > look.looked_event_id)
        newly = due.where(look.since > look.looked_until - look.minutes)
        due = newly.union(due.where(Case.id.in_(touched)))
    rows = due.subquery()
    query = select(rows.c.id, rows.c.since)
    if after:
        query = query.where(tuple_(rows.c.since, rows.c.id) > tuple_(after.since, after.case_id))
    return query.order_by(rows.c.since, rows.c.id).limit(PORTION)


def _remember(look: Look) -> None:
    """Let the next look begin where this one ended, unless the rule was saved meanwhile."""
    if look.has_missed:
        return
    values = {"looked_until": look.began_at, "looked_event_id": look.newest_event_id}
    is_same = (
        Rule.version_id == look.rule.version_id,
        Rule.applies_from == look.applies_from,
        Rule.catches_up_at.is_not_distinct_from(look.catches_up_at),
    )
    kept = update(Rule).where(Rule.id == look.rule.id, *is_same)
    db.session.execute(kept.values(**values, catches_up_at=None))


def _newest_settled_event() -> int | None:
    settled = select(Event.id).where(Event.occurred_at < now() - SETTLED)
    return db.session.scalar(settled.order_by(Event.id.desc()).limit(1))


def _is_volatile(definition: Definition, bound: Clause) -> bool:
    return any(
        one.condition in VOLATILE
        or (one.condition.startswith(MINUTES_SINCE) and one.condition != bound.condition)
        for one in definition.clauses
    )


def bound_of(definition: Definition) -> Clause:
    """The one condition that says how long a time-based rule waits, and from when."""
    return next(
        clause
        for clause in definition.clauses
        if clause.condition.startswith(MINUTES_SINCE) and clause.operator == "at_least"
    )


def _is_due(look: Look) -> list[ColumnElement[bool]]:
    """A rule acts on times that are reached after it was saved (R5)."""
    reached_after = look.since > look.applies_from - look.minutes
    return [
        look.since <= now() - look.minutes,
        *([] if look.catches_up_at else [reached_after]),
        *may_fit(look.rule),
    ]


def may_fit(rule: InForce) -> list[ColumnElement[bool]]:
    """What the database can ask of a case that has waited, and that it was not acted on for that time."""
    since = SINCE[bound_of(rule.definition).condition]
    marked = exists().where(
        RuleMark.rule_id == rule.id, RuleMark.case_id == Case.id, RuleMark.since == since
    )
    return [
        Case.trashed_at.is_(None),
        Case.is_spam.is_(False),
        *in_database.may_apply(rule.definition),
        ~marked,
    ]


def _act_if_still(look: Look, case_id: int) -> None:
    """Under the lock everything is asked again: a message that arrived meanwhile wins."""
    case = db.session.get(Case, case_id)
    if case is None:
        return
    if not cases.lock_if_free(case):
        look.has_missed = True
        return
    since = db.session.scalar(select(look.since).where(Case.id == case_id, *_is_due(look)))
    definition, situation = look.rule.definition, Situation(case, engine.NOTHING, now())
    if since is None or not applies(definition, see(situation, definition.conditions)):
        return
    mark = insert(RuleMark).values(rule_id=look.rule.id, case_id=case_id, since=since)
    if db.session.execute(mark.on_conflict_do_nothing()).rowcount:
        engine.run(case_id, TYPE, [look.rule])

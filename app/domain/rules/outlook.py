"""What time-based rules make of a case now: whether they wait, and for what (R6).

A rule that waits leaves no pass behind, so people who ask why it has not acted are told from the
case as it stands.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from app.clock import now
from app.domain.rules import engine, timers
from app.domain.rules.book import InForce
from app.domain.rules.decisions import Decision, decide, see
from app.domain.rules.situations import Situation
from app.extensions import db
from app.models import Case, Rule, RuleMark

# It has acted for this time; the time was reached before the rule was saved, so it leaves the case
# alone; spam and trash are left out; it acts at the next tick; or something is missing still.
ACTED, BEFORE, LEFT_OUT, DUE, WAITS = "acted", "before", "left_out", "due", "waits"

EVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Outlook:
    """One time-based rule in force, what its conditions see now, and what follows from it."""

    rule: InForce
    decision: Decision
    state: str


def of_case(case: Case) -> list[Outlook]:
    """Every time-based rule in force, in order; a fixed number of queries."""
    rules = timers.due_rules()
    if not rules:
        return []
    seen = see(Situation(case, engine.NOTHING, now()), _asked(rules))
    since, acted, applies_from = _moments(case), _acted(case, rules), _applies_from(rules)
    found = []
    for rule in rules:
        decision, bound = decide(rule.definition, seen), timers.bound_of(rule.definition)
        waits_from = since[bound.condition]
        too_early = applies_from[rule.id] - timedelta(minutes=bound.value)
        if (rule.id, waits_from) in acted:
            state = ACTED
        elif case.is_spam or case.trashed_at:
            state = LEFT_OUT
        elif waits_from and waits_from <= too_early:
            state = BEFORE
        else:
            state = DUE if decision.applies else WAITS
        found.append(Outlook(rule, decision, state))
    return found


def _asked(rules: Iterable[InForce]) -> frozenset[str]:
    return frozenset[str]().union(*(rule.definition.conditions for rule in rules))


def _moments(case: Case) -> Mapping[str, datetime | None]:
    """What rules wait from, by condition."""
    columns = [moment.label(name) for name, moment in timers.SINCE.items()]
    return dict(db.session.execute(select(*columns).where(Case.id == case.id)).one()._mapping)


def _acted(case: Case, rules: Iterable[InForce]) -> set[tuple[int, datetime]]:
    """The times for which rules have acted."""
    query = select(RuleMark.rule_id, RuleMark.since).where(
        RuleMark.rule_id.in_([rule.id for rule in rules]), RuleMark.case_id == case.id
    )
    return {(row.rule_id, row.since) for row in db.session.execute(query)}


def _applies_from(rules: Iterable[InForce]) -> dict[int, datetime]:
    """From when on each acts; a rule that catches up leaves nothing out."""
    query = select(Rule.id, Rule.applies_from, Rule.catches_up_at)
    found = db.session.execute(query.where(Rule.id.in_([rule.id for rule in rules])))
    return {row.id: EVER if row.catches_up_at else row.applies_from for row in found}

"""Cases that had waited long enough before a time-based rule was saved, and applying it to them (R5).

A rule leaves them alone until an admin wants otherwise. Then the next tick sees to them, portion by
portion and once each, like to all else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, func, select

from app.clock import now
from app.domain import events
from app.domain.agents import Refused
from app.domain.rules import engine, in_database, timers
from app.domain.rules.book import InForce
from app.domain.rules.decisions import applies, see
from app.domain.rules.situations import Situation
from app.extensions import db
from app.models import Agent, Case, Rule

MOST_COUNTED = 10_000
MOST_JUDGED = 100


@dataclass(frozen=True)
class Overdue:
    """Cases that were due before: how many the database finds, up to a limit, and the first that fit.

    `is_exact`: the rule asks for nothing that the database can't ask, or all of them were looked at.
    """

    found_count: int
    fitting: Sequence[Case]
    is_exact: bool

    @property
    def has_more(self) -> bool:
        """Whether there may be more than were counted."""
        return self.found_count >= MOST_COUNTED

    @property
    def count(self) -> int:
        """How many cases it would act on; where that is not exact, how many have waited."""
        return len(self.fitting) if self.found_count <= MOST_JUDGED else self.found_count


def count(rule: Rule) -> int:
    """How many have waited, whatever else the rule asks for; 0 for one that waits for nothing now.

    MOST_COUNTED means that many or more.
    """
    own = in_force(rule)
    if own is None:
        return 0
    found = select(Case.id).where(*_conditions(rule, own)).limit(MOST_COUNTED).subquery()
    return db.session.scalar(select(func.count()).select_from(found)) or 0


def of_rule(rule: Rule) -> Overdue:
    """What the rule has left alone; nothing of one that is off, or that waits for nothing."""
    own = in_force(rule)
    if own is None:
        return Overdue(0, (), is_exact=True)
    found_count, conditions = count(rule), _conditions(rule, own)
    first = select(Case).where(*conditions).order_by(Case.id.desc()).limit(MOST_JUDGED)
    fitting = [case for case in db.session.scalars(first) if _fits(own, case)]
    asked = in_database.asked(own.definition)
    is_exact = len(asked) + 1 == len(own.definition.clauses) or found_count <= MOST_JUDGED
    return Overdue(found_count, fitting, is_exact)


def apply(rule: Rule, *, by: Agent) -> None:
    """Let the next tick act on them too. Raise Refused for a rule that does not act at all."""
    if in_force(rule) is None:
        raise Refused("Switch the rule on first; it must be one for existing cases.")
    rule.catches_up_at = now()
    events.record("rule.caught_up", by=by, rule=rule.id, name=rule.name)


def in_force(rule: Rule) -> InForce | None:
    """A time-based rule as the engine runs it now."""
    return next((one for one in timers.due_rules() if one.id == rule.id), None)


def _conditions(rule: Rule, own: InForce) -> list[ColumnElement[bool]]:
    bound = timers.bound_of(own.definition)
    return [
        timers.SINCE[bound.condition] <= rule.applies_from - timedelta(minutes=bound.value),
        *timers.may_fit(own),
    ]


def _fits(own: InForce, case: Case) -> bool:
    situation = Situation(case, engine.NOTHING, now())
    return applies(own.definition, see(situation, own.definition.conditions))

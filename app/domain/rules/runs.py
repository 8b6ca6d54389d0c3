"""What rules did: how each fares as a whole, and its runs one by one (R6)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.orm import aliased, joinedload

from app.extensions import db
from app.models import Rule, RuleRun, RuleVersion


@dataclass(frozen=True)
class Record:
    """How a rule fares: when it acted or failed last, and how often the version in force failed."""

    last_at: datetime | None
    failed_count: int


def records(rules: Iterable[Rule]) -> dict[int, Record]:
    """The record of each rule; one query, which of all its runs reads the failed ones only."""
    last = aliased(RuleRun)
    newest = select(func.max(RuleRun.id)).where(RuleRun.rule_id == Rule.id)
    failed = select(func.count(RuleRun.id)).where(
        RuleRun.rule_id == Rule.id, _has_failed(), RuleRun.occurred_at >= RuleVersion.saved_at
    )
    query = (
        select(Rule.id, last.occurred_at, failed.scalar_subquery().label("failed"))
        .join(RuleVersion, RuleVersion.id == Rule.version_id)
        .outerjoin(last, last.id == newest.scalar_subquery())
        .where(Rule.id.in_([rule.id for rule in rules]))
    )
    return {row.id: Record(row.occurred_at, row.failed) for row in db.session.execute(query)}


def of_rule(
    rule: Rule, *, before: int | None, only_failed: bool, limit: int
) -> Sequence[RuleRun]:
    """Its runs with their cases, newest first; kept as long as explanations are."""
    query = select(RuleRun).where(RuleRun.rule_id == rule.id)
    query = query.where(RuleRun.id < before) if before else query
    query = query.where(_has_failed()) if only_failed else query
    found = query.options(joinedload(RuleRun.case)).order_by(RuleRun.id.desc()).limit(limit)
    return db.session.scalars(found).all()


def _has_failed() -> ColumnElement[bool]:
    """In the words of the index of failed runs; with a parameter it would not be used."""
    return RuleRun.outcome == literal_column("'failed'")

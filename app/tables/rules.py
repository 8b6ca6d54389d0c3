"""Rules, what they did, and why; and macros, which are made of the same actions."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.clock import now
from app.columns import Moment
from app.tables.base import Base, partial
from app.tables.cases import Case
from app.tables.people import Agent


class Rule(Base):
    """What shall happen by itself, and when. `version_id` is the version that is in force.

    `off_reason` says why a rule was switched off by the house: it refers to something that is
    gone. A deleted rule stays for its history and for undoing. A time-based one acts on times that
    are reached after `applies_from`; it has looked at all that was due at `looked_until`, and at what
    happened up to `looked_event_id`. From `catches_up_at` until one look has seen all it acts on what
    was due before, too.
    """

    __tablename__ = "rules"
    __table_args__ = (
        CheckConstraint("type IN ('new_case', 'updated_case', 'existing_case')", name="type"),
        Index("rules_in_order", "type", "position", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(100))
    position: Mapped[int]
    is_active: Mapped[bool] = mapped_column(default=True)
    off_reason: Mapped[str | None] = mapped_column(Text)
    version_id: Mapped[int | None]
    applies_from: Mapped[datetime] = mapped_column(Moment, default=now)
    looked_until: Mapped[datetime | None] = mapped_column(Moment)
    looked_event_id: Mapped[int | None]
    catches_up_at: Mapped[datetime | None] = mapped_column(Moment)
    deleted_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)


class RuleVersion(Base):
    """A rule as it was saved once; it never changes, so that old runs can be explained."""

    __tablename__ = "rule_versions"
    __table_args__ = (UniqueConstraint("rule_id", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    rule_id: Mapped[int] = mapped_column(ForeignKey("rules.id", ondelete="CASCADE"))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(100))
    definition: Mapped[str] = mapped_column(Text)
    saved_at: Mapped[datetime] = mapped_column(Moment, default=now)
    saved_by_id: Mapped[int | None] = mapped_column(ForeignKey("agents.id", ondelete="SET NULL"))
    saved_by: Mapped[Agent | None] = relationship()


class RulePass(Base):
    """One pass of all rules of a type over a case: what they saw, and what came of each.

    `facts` is a JSON object of what the conditions saw, without any message's text; `steps` a JSON
    list, in order, of `{"version", "outcome", "notes"?, "changes"?}`, where changes are facts as the
    next rule saw them.
    """

    __tablename__ = "rule_passes"
    __table_args__ = (
        Index("rule_passes_of_case", "case_id", "id"),
        Index("rule_passes_by_age", "occurred_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"))
    type: Mapped[str] = mapped_column(String(20))
    facts: Mapped[str] = mapped_column(Text)
    steps: Mapped[str] = mapped_column(Text)
    occurred_at: Mapped[datetime] = mapped_column(Moment, default=now)


class RuleRun(Base):
    """A rule that acted on a case, or failed to."""

    __tablename__ = "rule_runs"
    __table_args__ = (
        CheckConstraint("outcome IN ('fired', 'failed')", name="outcome"),
        Index("rule_runs_of_rule", "rule_id", "id"),
        Index("rule_runs_failed", "rule_id", "id", **partial("outcome = 'failed'")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    rule_id: Mapped[int] = mapped_column(ForeignKey("rules.id", ondelete="CASCADE"))
    pass_id: Mapped[int] = mapped_column(
        ForeignKey("rule_passes.id", ondelete="CASCADE"), index=True
    )
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    outcome: Mapped[str] = mapped_column(String(10))
    problem: Mapped[str | None] = mapped_column(Text)
    occurred_at: Mapped[datetime] = mapped_column(Moment, default=now)
    case: Mapped[Case] = relationship()


class RuleMark(Base):
    """A time-based rule has acted on a case for this value of the time it waits from (R5)."""

    __tablename__ = "rule_marks"
    rule_id: Mapped[int] = mapped_column(
        ForeignKey("rules.id", ondelete="CASCADE"), primary_key=True
    )
    case_id: Mapped[int] = mapped_column(
        ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    since: Mapped[datetime] = mapped_column(Moment, primary_key=True)


class Macro(Base):
    """A saved reply with actions. Without an owner it is shared by everybody.

    `text` has placeholders and may be empty where there are actions: a JSON list, as rules have
    them. A deleted one stays for undoing.
    """

    __tablename__ = "macros"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    text: Mapped[str] = mapped_column(Text)
    actions: Mapped[str] = mapped_column(Text)
    owner_id: Mapped[int | None] = mapped_column(
        ForeignKey("agents.id", ondelete="CASCADE"), index=True
    )
    deleted_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)

    @property
    def is_shared(self) -> bool:
        return self.owner_id is None

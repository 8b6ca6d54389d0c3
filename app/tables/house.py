"""The spine, and what the house keeps about itself."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.clock import now
from app.columns import Moment
from app.tables.base import Base, partial
from app.tables.people import Agent

# What happened to rules as such. The text stands in the index and in the query alike.
RULE_EVENTS = "type IN ('rule.created', 'rule.changed', 'rule.switched_on', 'rule.switched_off', 'rule.moved', 'rule.deleted', 'rule.put_back', 'rule.caught_up', 'rules.paused', 'rules.resumed')"

# What admins can look up on the audit page.
AUDITED = (
    "agent.changed", "agent.created", "agent.invited", "agent.password_changed",
    "agent.password_requested", "agent.recovery_code_used", "agent.recovery_codes_renewed",
    "agent.second_factor_added", "agent.second_factor_removed", "agent.unlocked", "case.deleted",
    "channel.changed", "channel.connected", "channel.deleted", "channel.disabled", "channel.enabled", "group.changed",
    "group.created", "group.deleted", "invitation.taken_up", "label.changed", "label.created",
    "label.deleted", "rule.caught_up", "rule.changed", "rule.created", "rule.deleted", "rule.moved",
    "rule.put_back", "rule.switched_off", "rule.switched_on", "rules.paused", "rules.resumed",
    "session.ended", "session.refused", "session.started", "setting.changed", "token.created",
    "token.revoked",
)  # fmt: skip
AUDIT_EVENTS = "type IN ({})".format(", ".join(map(repr, AUDITED)))


class Event(Base):
    """One recorded fact: history, live updates, rules and outgoing webhooks read this table.

    `data` is a JSON object with the old and new value where the fact is a change.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index("events_of_case", "case_id", "id"),
        Index("events_of_rules", "id", **partial(RULE_EVENTS)),
        Index("events_of_audit", "id", **partial(AUDIT_EVENTS)),
        Index("events_of_channel", "channel_id", "id", **partial("channel_id IS NOT NULL")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(String(40))
    occurred_at: Mapped[datetime] = mapped_column(Moment, default=now)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"))
    message_id: Mapped[int | None]
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agents.id", ondelete="SET NULL"))
    data: Mapped[str] = mapped_column(Text, default="{}")
    agent: Mapped[Agent | None] = relationship()


class Setting(Base):
    """One named value of the whole installation; the names stand in domain/settings.py."""

    __tablename__ = "settings"
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class Lease(Base):
    """Who leads a periodic job, and until when."""

    __tablename__ = "leases"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    owner: Mapped[str] = mapped_column(String(80))
    until: Mapped[datetime] = mapped_column(Moment)


class Metric(Base):
    """One series of numbers, added up over all processes and restarts.

    With a `process` it is what that one has now, until it has not said so for some seconds.
    """

    __tablename__ = "metrics"
    series: Mapped[str] = mapped_column(String(200), primary_key=True)
    process: Mapped[str] = mapped_column(String(80), primary_key=True, default="")
    value: Mapped[float]
    told_at: Mapped[datetime] = mapped_column(Moment)

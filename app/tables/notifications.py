"""What rules tell: agents, in Mado and by mail, and other programs."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.clock import now
from app.columns import Moment
from app.tables.base import SHOWN, UNREAD, Base, partial
from app.tables.cases import Case
from app.tables.people import Agent
from app.tables.rules import Rule


class Notification(Base):
    """One agent is told of one case, by a rule or (without one) by a macro.

    `is_shown` puts it into the agent's list in Mado. `mail` says how far it is on its way by mail,
    null where none is wanted; `mail_due_at` is when it is tried next, moved on while one tries.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        CheckConstraint("mail IN ('queued', 'sent', 'failed')", name="mail"),
        Index("notifications_of_agent", "agent_id", "id", **partial(SHOWN)),
        Index("notifications_unread", "agent_id", **partial(UNREAD)),
        Index("notifications_of_case", "case_id", "rule_id", "agent_id"),
        Index("notifications_to_mail", "mail_due_at", **partial("mail_due_at IS NOT NULL")),
        Index("notifications_troubled", "id", **partial("mail_problem IS NOT NULL")),
        Index("notifications_by_age", "created_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"))
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("rules.id", ondelete="SET NULL"))
    text: Mapped[str] = mapped_column(String(500))
    is_shown: Mapped[bool] = mapped_column(default=False)
    read_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    mail: Mapped[str | None] = mapped_column(String(10))
    mail_due_at: Mapped[datetime | None] = mapped_column(Moment)
    mail_attempts: Mapped[int] = mapped_column(default=0)
    mail_problem: Mapped[str | None] = mapped_column(Text)
    agent: Mapped[Agent] = relationship()
    case: Mapped[Case] = relationship()
    rule: Mapped[Rule | None] = relationship()


class WebhookCall(Base):
    """One call of another program's address that a rule ordered.

    `key` tells that program which calls are the same one tried again. The body is put together at
    each try, so nothing that a contact took back is kept in it. `status` is what came back last.
    """

    __tablename__ = "webhook_calls"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'sent', 'failed')", name="state"),
        Index("webhook_calls_due", "due_at", **partial("due_at IS NOT NULL")),
        Index("webhook_calls_of_rule", "rule_id", "id"),
        Index("webhook_calls_by_age", "created_at"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(36), unique=True)
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("rules.id", ondelete="CASCADE"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    url: Mapped[str] = mapped_column(String(500))
    state: Mapped[str] = mapped_column(String(10), default="queued")
    due_at: Mapped[datetime | None] = mapped_column(Moment, default=now)
    attempts: Mapped[int] = mapped_column(default=0)
    status: Mapped[int | None]
    problem: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    case: Mapped[Case] = relationship()
    rule: Mapped[Rule | None] = relationship()

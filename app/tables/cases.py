"""Cases, and the labels they are sorted by."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.clock import now
from app.columns import Moment
from app.tables.base import ACTIVE, DELETED, LISTED, SPAM, TRASHED, UNUSUAL, Base, partial
from app.tables.channels import Channel, Contact, Conversation
from app.tables.people import Agent, Group

case_labels = Table(
    "case_labels",
    Base.metadata,
    Column("case_id", ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
    Column("label_id", ForeignKey("labels.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Label(Base):
    """A word that cases are sorted by."""

    __tablename__ = "labels"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)


class Case(Base):
    """One numbered piece of correspondence; its id is its number.

    `chat_state` is `none` for mail-like cases, else `active` or `ended`: a second axis beside the
    status, never a status. `unanswered_since` is the receipt of the oldest contact message that no
    agent has answered. `author_candidate_id` is who reactivated a group's chat and becomes its author
    when an agent selects it (S31). `given_at`: the chat was given out to its taker, who has not opened it
    yet. `deleted_at`: gone for everybody; what is left of it goes in portions.
    """

    __tablename__ = "cases"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'pending', 'closed')", name="status"),
        CheckConstraint("chat_state IN ('none', 'active', 'ended')", name="chat_state"),
        CheckConstraint("priority IN ('low', 'normal', 'high', 'urgent')", name="priority"),
        CheckConstraint("taken_by_id IS NULL OR chat_state = 'active'", name="taken"),
        Index(
            "one_active_chat_per_conversation", "conversation_id", unique=True, **partial(ACTIVE)
        ),
        Index("cases_listed", "last_message_at", "id", **partial(LISTED)),
        Index(
            "cases_listed_by_status",
            "status",
            "last_message_at",
            "id",
            **partial(LISTED),
        ),
        Index(
            "cases_listed_by_assignee",
            "assignee_id",
            "last_message_at",
            "id",
            **partial(LISTED),
        ),
        Index(
            "cases_listed_by_priority",
            "priority",
            "last_message_at",
            "id",
            **partial(f"{LISTED} AND {UNUSUAL}"),
        ),
        Index("cases_spam", "last_message_at", "id", **partial(SPAM)),
        Index("cases_trashed", "last_message_at", "id", **partial(TRASHED)),
        Index("cases_trashed_since", "trashed_at", **partial(TRASHED)),
        Index("cases_assigned", "assignee_id", **partial("assignee_id IS NOT NULL")),
        Index("cases_taken", "taken_by_id", **partial("taken_by_id IS NOT NULL")),
        Index("cases_given", "given_at", **partial("given_at IS NOT NULL")),
        Index("cases_deleted", "id", **partial(DELETED)),
        Index("cases_active", "last_activity_at", **partial(ACTIVE)),
        Index("cases_of_conversation", "conversation_id", "id"),
        Index("cases_by_creation", "created_at", "id"),
        Index("cases_by_contact_message", "last_contact_at", "id"),
        Index("cases_by_agent_message", "last_agent_at", "id"),
        Index("cases_by_status_change", text("coalesce(status_changed_at, created_at)"), "id"),
        Index("cases_by_last_message", "last_message_at", "id"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"), index=True)
    author_candidate_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"))
    subject: Mapped[str] = mapped_column(String(200), default="")
    subject_is_edited: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(String(10), default="open")
    status_changed_at: Mapped[datetime | None] = mapped_column(Moment)
    priority: Mapped[str] = mapped_column(String(10), default="normal", server_default="normal")
    chat_state: Mapped[str] = mapped_column(String(10), default="none")
    is_spam: Mapped[bool] = mapped_column(default=False)
    trashed_at: Mapped[datetime | None] = mapped_column(Moment)
    deleted_at: Mapped[datetime | None] = mapped_column(Moment)
    group_id: Mapped[int | None] = mapped_column(ForeignKey("groups.id", ondelete="SET NULL"))
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("agents.id"))
    taken_by_id: Mapped[int | None] = mapped_column(ForeignKey("agents.id"))
    taken_at: Mapped[datetime | None] = mapped_column(Moment)
    given_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    last_message_at: Mapped[datetime] = mapped_column(Moment, default=now)
    last_message_id: Mapped[int | None]
    last_contact_message_id: Mapped[int | None]
    last_agent_message_id: Mapped[int | None]
    last_contact_at: Mapped[datetime | None] = mapped_column(Moment)
    last_agent_at: Mapped[datetime | None] = mapped_column(Moment)
    last_activity_at: Mapped[datetime] = mapped_column(Moment, default=now)
    keep_open_until: Mapped[datetime | None] = mapped_column(Moment)
    unanswered_since: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    channel: Mapped[Channel] = relationship()
    conversation: Mapped[Conversation] = relationship()
    contact: Mapped[Contact | None] = relationship(foreign_keys=[contact_id])
    author_candidate: Mapped[Contact | None] = relationship(foreign_keys=[author_candidate_id])
    group: Mapped[Group | None] = relationship()
    assignee: Mapped[Agent | None] = relationship(foreign_keys=[assignee_id])
    taken_by: Mapped[Agent | None] = relationship(foreign_keys=[taken_by_id])
    labels: Mapped[list[Label]] = relationship(
        secondary=case_labels, order_by=Label.name, viewonly=True
    )

    @property
    def number(self) -> int:
        return self.id

    @property
    def is_chat(self) -> bool:
        return self.chat_state != "none"

    @property
    def is_active_chat(self) -> bool:
        return self.chat_state == "active"

    @property
    def last_word_id(self) -> int | None:
        """The newest message that a contact or an agent wrote; what rules send is nobody's word."""
        return max(self.last_contact_message_id or 0, self.last_agent_message_id or 0) or None

    @property
    def contact_wrote_last(self) -> bool:
        return (self.last_contact_message_id or 0) > (self.last_agent_message_id or 0)

"""Channels, and the people and conversations on them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.clock import now
from app.columns import EncryptedText, Moment
from app.tables.base import GROUP_KINDS, Base, partial


class Channel(Base):
    """One connected account of a kind. `key` is the random part of its webhook URL.

    `credentials`, `options` and `checks` (what asking the provider last came to) are JSON objects
    whose fields belong to the kind's own folder. A month's quota is in messages to people: `quota_limit` is null while it is unlimited, or not
    known yet (`quota_asked_at` null).
    """

    __tablename__ = "channels"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'connected', 'disabled', 'deleted')", name="state"),
        Index(
            "one_draft_per_admin",
            "created_by_id",
            "kind",
            unique=True,
            **partial("state = 'draft'"),
        ),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(80), default="")
    state: Mapped[str] = mapped_column(String(10), default="connected")
    key_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    key: Mapped[str | None] = mapped_column(EncryptedText)
    credentials: Mapped[str] = mapped_column(EncryptedText, default="{}")
    options: Mapped[str] = mapped_column(Text, default="{}", server_default="{}")
    checks: Mapped[str] = mapped_column(Text, default="{}", server_default="{}")
    external_id: Mapped[str | None] = mapped_column(String(64))
    display_name: Mapped[str] = mapped_column(String(120), default="")
    picture_url: Mapped[str | None] = mapped_column(Text)
    group_id: Mapped[int | None] = mapped_column(ForeignKey("groups.id", ondelete="SET NULL"))
    inactivity_minutes: Mapped[int | None]
    reactivates_closed: Mapped[bool] = mapped_column(default=False)
    problem: Mapped[str | None] = mapped_column(Text)
    last_event_at: Mapped[datetime | None] = mapped_column(Moment)
    called_at: Mapped[datetime | None] = mapped_column(Moment)
    failed_signature_count: Mapped[int] = mapped_column(default=0)
    failed_signature_at: Mapped[datetime | None] = mapped_column(Moment)
    ignored_count: Mapped[int] = mapped_column(default=0)
    quota_limit: Mapped[int | None]
    quota_used: Mapped[int | None]
    quota_asked_at: Mapped[datetime | None] = mapped_column(Moment)
    quota_due_at: Mapped[datetime | None] = mapped_column(Moment)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("agents.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)

    @property
    def is_connected(self) -> bool:
        return self.state == "connected"


class MonthlyCount(Base):
    """How many replies went out through a channel in a month, by method; people are those reached.

    `month` is YYYY-MM in UTC.
    """

    __tablename__ = "monthly_counts"
    channel_id: Mapped[int] = mapped_column(
        ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True
    )
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    method: Mapped[str] = mapped_column(String(10), primary_key=True)
    reply_count: Mapped[int] = mapped_column(default=0)
    people_count: Mapped[int] = mapped_column(default=0)


class CallFailure(Base):
    """A provider's call that failed: what its support asks for. Never a token or a text."""

    __tablename__ = "call_failures"
    __table_args__ = (Index("call_failures_of_channel", "channel_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    occurred_at: Mapped[datetime] = mapped_column(Moment, default=now)
    call: Mapped[str] = mapped_column(String(80))
    status: Mapped[int | None]
    request_id: Mapped[str | None] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(String(300), default="")


class Contact(Base):
    """A customer. The name is null until some channel told it."""

    __tablename__ = "contacts"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(String(200))
    language: Mapped[str | None] = mapped_column(String(20))
    picture: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    identities: Mapped[list["Identity"]] = relationship(back_populates="contact")


class Identity(Base):
    """What one channel calls a contact, and when to ask it for their name next.

    `block_told_at` is when they blocked or followed it last, by the provider's clock.
    """

    __tablename__ = "identities"
    __table_args__ = (
        UniqueConstraint("channel_id", "external_id"),
        Index("identities_due", "lookup_due_at", **partial("lookup_due_at IS NOT NULL")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(String(200))
    contact_id: Mapped[int] = mapped_column(
        ForeignKey("contacts.id", ondelete="CASCADE"), index=True
    )
    blocked_at: Mapped[datetime | None] = mapped_column(Moment)
    block_told_at: Mapped[datetime | None] = mapped_column(Moment)
    picture_url: Mapped[str | None] = mapped_column(Text)
    looked_up_at: Mapped[datetime | None] = mapped_column(Moment)
    lookup_due_at: Mapped[datetime | None] = mapped_column(Moment)
    lookup_attempts: Mapped[int] = mapped_column(default=0)
    contact: Mapped[Contact] = relationship(back_populates="identities")
    channel: Mapped[Channel] = relationship()


class Conversation(Base):
    """The address on a channel that we talk to: one person, one group, one room, one thread.

    `read_token` with `read_due_at` is what the provider shall show as read, in the background.
    `presence_told_at` is when the channel was added to the group or left it last, by the provider's clock.
    """

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("channel_id", "external_id"),
        CheckConstraint("kind IN ('user', 'group', 'room', 'thread')", name="kind"),
        Index("conversations_due", "lookup_due_at", **partial("lookup_due_at IS NOT NULL")),
        Index("conversations_read", "read_due_at", **partial("read_due_at IS NOT NULL")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    external_id: Mapped[str] = mapped_column(String(200))
    identity_id: Mapped[int | None] = mapped_column(ForeignKey("identities.id"), index=True)
    name: Mapped[str | None] = mapped_column(String(200))
    member_count: Mapped[int | None]
    left_at: Mapped[datetime | None] = mapped_column(Moment)
    presence_told_at: Mapped[datetime | None] = mapped_column(Moment)
    read_token: Mapped[str | None] = mapped_column(Text)
    read_due_at: Mapped[datetime | None] = mapped_column(Moment)
    lookup_due_at: Mapped[datetime | None] = mapped_column(Moment)
    lookup_attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    channel: Mapped[Channel] = relationship()
    identity: Mapped[Identity | None] = relationship()

    @property
    def is_group(self) -> bool:
        """Whether several people write here."""
        return self.kind in GROUP_KINDS

"""What is written in cases: messages, their files, their way in and out, and what agents have read."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.clock import now
from app.columns import EncryptedText, Moment
from app.tables.base import AUTOMATIC, RECEIVED, Base, partial
from app.tables.cases import Case
from app.tables.channels import Contact
from app.tables.people import Agent


class Message(Base):
    """One entry of a case: from a contact (`in`), to them (`out`), a note, or a system line.

    `payload` is the provider's message object as JSON; `received_at` is our clock, `sent_at` the
    provider's for `in` and the moment of acceptance for `out`. `state` is null where nothing is
    sent. `is_late` is a message that the provider delivered once more; it is shown at `sent_at`.
    Messages with one `album_key` are one set of pictures, in the order of `album_place`. `quote_token`
    is what the provider asks for when we quote this message.
    """

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint("direction IN ('in', 'out', 'note', 'system')", name="direction"),
        CheckConstraint(
            "state IS NULL OR state IN ('queued', 'sent', 'failed', 'unconfirmed')", name="state"
        ),
        Index(
            "one_message_per_external_id",
            "channel_id",
            "external_id",
            unique=True,
            **partial(RECEIVED),
        ),
        Index(
            "one_message_per_idempotency_key",
            "agent_id",
            "idempotency_key",
            unique=True,
            **partial("idempotency_key IS NOT NULL"),
        ),
        Index("messages_of_case", "case_id", "id"),
        Index("messages_automatic", "case_id", "received_at", **partial(AUTOMATIC)),
        Index("messages_of_album", "case_id", "album_key", **partial("album_key IS NOT NULL")),
        Index("messages_quoting", "quoted_id", **partial("quoted_id IS NOT NULL")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"))
    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id"))
    direction: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(20), default="text")
    text: Mapped[str] = mapped_column(Text, default="")
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"), index=True)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agents.id"))
    is_automatic: Mapped[bool] = mapped_column(default=False)
    external_id: Mapped[str | None] = mapped_column(String(100))
    payload: Mapped[str | None] = mapped_column(Text)
    idempotency_key: Mapped[str | None] = mapped_column(String(100))
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
    received_at: Mapped[datetime] = mapped_column(Moment, default=now)
    state: Mapped[str | None] = mapped_column(String(12))
    error: Mapped[str | None] = mapped_column(Text)
    quoted_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id", ondelete="SET NULL"))
    quote_token: Mapped[str | None] = mapped_column(Text)
    album_key: Mapped[str | None] = mapped_column(String(100))
    album_place: Mapped[int | None]
    edited_at: Mapped[datetime | None] = mapped_column(Moment)
    unsent_at: Mapped[datetime | None] = mapped_column(Moment)
    is_late: Mapped[bool] = mapped_column(default=False, server_default=false())
    case: Mapped[Case] = relationship()
    contact: Mapped[Contact | None] = relationship()
    agent: Mapped[Agent | None] = relationship()
    quoted: Mapped["Message | None"] = relationship(remote_side=[id])
    attachments: Mapped[list["Attachment"]] = relationship(
        back_populates="message", order_by="Attachment.place, Attachment.id", viewonly=True
    )
    delivery: Mapped["Delivery | None"] = relationship(back_populates="message", viewonly=True)
    album: Mapped[list["Message"]] = relationship(
        primaryjoin="and_(foreign(Message.album_key) == remote(Message.album_key),"
        " foreign(Message.case_id) == remote(Message.case_id))",
        order_by="Message.album_place, Message.id",
        viewonly=True,
        uselist=True,
    )

    @property
    def is_led(self) -> bool:
        """Part of an album that came earlier already: the first one shows all of them."""
        return any(part.id < self.id for part in self.album)


class Attachment(Base):
    """One file of a message, ours or a contact's; until it is sent, of an agent's draft in a case.

    `kind` says how it is shown: image, video, audio or file. `state` is `waiting` (to be fetched),
    `stored`, `gone` (the provider has it no more), `refused` (too large, or not what it says) or
    `removed` (unsent, or taken out of a draft). `storage_key` names the original, `preview_key` a
    picture of it that we made. `public_token` opens it to a provider and its users until
    `revoked_at`. `due_at` is when somebody must work on it next: fetch it, or delete its files.
    """

    __tablename__ = "attachments"
    __table_args__ = (
        CheckConstraint("kind IN ('image', 'video', 'audio', 'file')", name="kind"),
        CheckConstraint(
            "state IN ('waiting', 'stored', 'gone', 'refused', 'removed')", name="state"
        ),
        Index("attachments_of_message", "message_id", "place"),
        Index("attachments_of_draft", "case_id", "agent_id", **partial("message_id IS NULL")),
        Index("attachments_stored", "storage_key", **partial("storage_key IS NOT NULL")),
        Index("attachments_previewed", "preview_key", **partial("preview_key IS NOT NULL")),
        Index("attachments_due", "due_at", **partial("due_at IS NOT NULL")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agents.id"))
    place: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    filename: Mapped[str] = mapped_column(String(255), default="")
    content_type: Mapped[str | None] = mapped_column(String(100))
    size: Mapped[int | None] = mapped_column(BigInteger)
    width: Mapped[int | None]
    height: Mapped[int | None]
    duration_ms: Mapped[int | None]
    source_url: Mapped[str | None] = mapped_column(Text)
    storage_key: Mapped[str | None] = mapped_column(String(80))
    preview_key: Mapped[str | None] = mapped_column(String(80))
    public_token: Mapped[str | None] = mapped_column(EncryptedText)
    public_token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    problem: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    due_at: Mapped[datetime | None] = mapped_column(Moment)
    attempts: Mapped[int] = mapped_column(default=0)
    message: Mapped[Message | None] = relationship(back_populates="attachments")
    case: Mapped[Case] = relationship()
    agent: Mapped[Agent | None] = relationship()


class SentPart(Base):
    """One of the provider's messages that a reply became: a long one is several, each may be quoted."""

    __tablename__ = "sent_parts"
    channel_id: Mapped[int] = mapped_column(
        ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True
    )
    external_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    message_id: Mapped[int] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), index=True
    )


class EarlyChange(Base):
    """An unsend or edit that came before the message it is about (L3); applied when that arrives.

    `external_id` is the provider's id of that message. Of several edits the newest stays.
    """

    __tablename__ = "early_changes"
    __table_args__ = (CheckConstraint("kind IN ('unsent', 'edited')", name="kind"),)
    channel_id: Mapped[int] = mapped_column(
        ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True
    )
    external_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(Moment)
    text: Mapped[str] = mapped_column(Text, default="")
    payload: Mapped[str | None] = mapped_column(Text)
    quote_token: Mapped[str | None] = mapped_column(Text)


class Delivery(Base):
    """A queued message on its way out; the row goes when the outcome is known.

    `method` and `reply_token` are committed before the provider is called, so that a crash in
    between can be told from a call that was never made.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("deliveries_due", "due_at"),
        Index("deliveries_of_conversation", "conversation_id", "message_id"),
    )
    message_id: Mapped[int] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id"))
    method: Mapped[str | None] = mapped_column(String(10))
    reply_token: Mapped[str | None] = mapped_column(Text)
    reply_until: Mapped[datetime | None] = mapped_column(Moment)
    body: Mapped[str | None] = mapped_column(Text)
    retry_key: Mapped[str] = mapped_column(String(36))
    attempts: Mapped[int] = mapped_column(default=0)
    is_ambiguous: Mapped[bool] = mapped_column(default=False)
    queued_at: Mapped[datetime] = mapped_column(Moment, default=now)
    due_at: Mapped[datetime] = mapped_column(Moment, default=now)
    leased_until: Mapped[datetime | None] = mapped_column(Moment)
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    problem: Mapped[str | None] = mapped_column(Text)
    message: Mapped[Message] = relationship(back_populates="delivery")


class Receipt(Base):
    """Proof that one webhook event was taken in, and the free reply it brought.

    `raw` and `error` are kept for events that failed; they are retried when due.
    """

    __tablename__ = "receipts"
    __table_args__ = (
        UniqueConstraint("channel_id", "event_key"),
        Index(
            "receipts_free_replies",
            "conversation_id",
            "received_at",
            **partial("reply_token IS NOT NULL"),
        ),
        Index("receipts_kept_back", "due_at", **partial("due_at IS NOT NULL")),
        Index("receipts_with_errors", "channel_id", "id", **partial("error IS NOT NULL")),
        Index("receipts_with_bytes", "channel_id", **partial("raw IS NOT NULL")),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    event_key: Mapped[str] = mapped_column(String(100))
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversations.id"))
    received_at: Mapped[datetime] = mapped_column(Moment, default=now)
    reply_token: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
    raw: Mapped[bytes | None] = mapped_column(LargeBinary)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(Moment)


class Draft(Base):
    """What an agent has typed in a case and not sent.

    `steps` are the marks of macros' actions that are done when it is sent, with spaces between.
    """

    __tablename__ = "drafts"
    agent_id: Mapped[int] = mapped_column(
        ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True
    )
    case_id: Mapped[int] = mapped_column(
        ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    text: Mapped[str] = mapped_column(Text, default="")
    is_note: Mapped[bool] = mapped_column(default=False)
    steps: Mapped[str] = mapped_column(Text, default="", server_default="")
    updated_at: Mapped[datetime] = mapped_column(Moment, default=now)


class ReadMark(Base):
    """The newest message of a case that an agent's visible page has shown."""

    __tablename__ = "read_marks"
    agent_id: Mapped[int] = mapped_column(
        ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True
    )
    case_id: Mapped[int] = mapped_column(
        ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    message_id: Mapped[int]

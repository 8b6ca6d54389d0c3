"""Where an event belongs: its conversation with the case that decides, and whoever wrote.

Many events ask this, so it speaks Core as `inbox` does. What is seen for the first time is made, its
name to be looked up after the commit. Nothing here decides what becomes of an event.
"""

from dataclasses import dataclass

from sqlalchemy import bindparam, exists, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.orm import aliased

from app.channels.base import Inbound
from app.clock import now
from app.domain import hot
from app.domain.upsert import insert
from app.extensions import db
from app.models import (
    GROUP_KINDS,
    Case,
    Channel,
    Contact,
    Conversation,
    EarlyChange,
    Identity,
    Receipt,
)
from app.transaction import wake_after_commit

_case = aliased(Case.__table__, name="newest")
_newest_case = (
    select(Case.__table__.c.id)
    .where(Case.__table__.c.conversation_id == Conversation.__table__.c.id)
    .order_by((Case.__table__.c.chat_state == "active").desc(), Case.__table__.c.id.desc())
    .limit(1)
    .correlate(Conversation.__table__)
    .scalar_subquery()
)
_PLACE = hot.Statement(
    select(
        Conversation.__table__.c.id,
        Conversation.__table__.c.kind,
        Conversation.__table__.c.name,
        Identity.__table__.c.contact_id,
        _case.c.id.label("case_id"),
        _case.c.chat_state,
        _case.c.status,
        _case.c.is_spam,
        _case.c.trashed_at.is_not(None),
        _case.c.contact_id.label("author_id"),
        Conversation.__table__.c.left_at.is_not(None),
        exists().where(
            EarlyChange.__table__.c.channel_id == bindparam("channel_id"),
            EarlyChange.__table__.c.external_id == bindparam("message_id"),
        ),
    )
    .select_from(Conversation.__table__)
    .outerjoin(Identity.__table__, Identity.__table__.c.id == Conversation.__table__.c.identity_id)
    .outerjoin(_case, _case.c.id == _newest_case)
    .where(
        Conversation.__table__.c.channel_id == bindparam("channel_id"),
        Conversation.__table__.c.external_id == bindparam("external_id"),
    )
)
_LOCK = (
    select(Conversation.__table__.c.id)
    .where(
        Conversation.__table__.c.channel_id == bindparam("channel_id"),
        Conversation.__table__.c.external_id == bindparam("external_id"),
    )
    .with_for_update(key_share=True)
)
_SENDER = select(Identity.__table__.c.contact_id).where(
    Identity.__table__.c.channel_id == bindparam("channel_id"),
    Identity.__table__.c.external_id == bindparam("external_id"),
)
_IDENTITY = insert(Identity.__table__).on_conflict_do_nothing().returning(Identity.__table__.c.id)
_CONVERSATION = insert(Conversation.__table__).on_conflict_do_nothing()


@dataclass(frozen=True, slots=True)
class Source:
    """What intake must know of the channel; small, so that it can be kept between requests."""

    id: int
    kind: str
    group_id: int | None
    reactivates_closed: bool

    @classmethod
    def of(cls, channel: Channel) -> "Source":
        return cls(channel.id, channel.kind, channel.group_id, channel.reactivates_closed)


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation and the case that decides what a message does to it."""

    id: int
    kind: str
    name: str | None
    contact_id: int | None
    case_id: int | None
    chat_state: str | None
    status: str | None
    is_spam: bool
    is_trashed: bool
    author_id: int | None
    has_left: bool
    has_early_change: bool

    @property
    def is_group(self) -> bool:
        return self.kind in GROUP_KINDS


def find(connection: Connection, source: Source, event: Inbound) -> Place | None:
    where = {"channel_id": source.id, "external_id": event.conversation_id}
    if connection.dialect.name == "postgresql":
        connection.execute(_LOCK, where)
    row = _PLACE.first(connection, **where, message_id=event.message_id or "")
    return Place(*row) if row else None


def make(source: Source, event: Inbound) -> Place:
    """A conversation seen for the first time, its name to be looked up after the commit."""
    connection = db.session.connection()
    kind = event.conversation_kind or "user"
    identity_id = None
    if kind in ("user", "thread"):
        contact_of(source, event.conversation_id or "", event.sender_name)
        identity_id = connection.scalar(
            select(Identity.__table__.c.id).where(
                Identity.__table__.c.channel_id == source.id,
                Identity.__table__.c.external_id == event.conversation_id,
            )
        )
    connection.execute(
        _CONVERSATION,
        {
            "channel_id": source.id,
            "kind": kind,
            "external_id": event.conversation_id,
            "identity_id": identity_id,
            "lookup_due_at": now() if kind in GROUP_KINDS else None,
            "lookup_attempts": 0,
            "created_at": now(),
        },
    )
    wake_after_commit("lookups")
    place = find(connection, source, event)
    if place is None:
        raise RuntimeError("a conversation vanished while it was made")
    connection.execute(
        update(Receipt.__table__)
        .where(
            Receipt.__table__.c.channel_id == source.id,
            Receipt.__table__.c.event_key == event.key,
        )
        .values(conversation_id=place.id)
    )
    return place


def contact_of(source: Source, external_id: str, name: str | None = None) -> int:
    """The contact behind a channel's id; a new one is to be looked up by name (S34)."""
    connection = db.session.connection()
    where = {"channel_id": source.id, "external_id": external_id}
    known = connection.scalar(_SENDER, where)
    if known is not None:
        return known
    contact = Contact(name=name)
    db.session.add(contact)
    db.session.flush()
    made = connection.scalar(
        _IDENTITY,
        {
            **where,
            "contact_id": contact.id,
            "lookup_due_at": None if name else now(),
            "lookup_attempts": 0,
        },
    )
    wake_after_commit("lookups")
    if made is None:  # another process was quicker; its contact is the one
        db.session.delete(contact)
        db.session.flush()
        return connection.scalar(_SENDER, where)
    return contact.id

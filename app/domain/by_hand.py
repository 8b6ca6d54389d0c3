"""The rows of a case that somebody writes down: on SQLite one statement each, on PostgreSQL one for all.

Programs open many, and a round trip to PostgreSQL costs both sides more than the row that it writes. Both
ways must leave the same rows; a test says which. To read them again as objects would cost as much as
writing them, so the case and who it is of are made from what was written.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import bindparam, insert, inspect, text, update
from sqlalchemy.engine import Connection
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import instance_dict, set_committed_value
from sqlalchemy.orm.util import identity_key

from app.domain import events, hot, search
from app.domain.search import postgresql as index
from app.domain.search import tokens
from app.extensions import db
from app.models import Agent, Base, Case, Channel, Contact, Conversation, Identity, Message

Row = TypeVar("Row", bound=Base)

_MOMENTS = ("created_at", "last_message_at", "last_activity_at", "last_contact_at", "unanswered_since")
_CONTACT = hot.Insertion(insert(Contact.__table__), "name", "created_at")
_IDENTITY = hot.Insertion(
    insert(Identity.__table__), *("channel_id", "external_id", "contact_id", "lookup_attempts")
)
_CONVERSATION = hot.Insertion(
    insert(Conversation.__table__),
    *("channel_id", "kind", "external_id", "identity_id", "lookup_attempts", "created_at"),
)
_CASE = hot.Insertion(
    insert(Case.__table__),
    *("channel_id", "conversation_id", "contact_id", "group_id", "subject", "subject_is_edited"),
    *("status", "priority", "chat_state", "is_spam", *_MOMENTS),
)
_MESSAGE = hot.Insertion(
    insert(Message.__table__),
    *("case_id", "channel_id", "direction", "kind", "text", "contact_id", "is_automatic"),
    *("received_at", "is_late"),
)
_FIRST_MESSAGE = hot.Statement(
    update(Case.__table__)
    .where(Case.__table__.c.id == bindparam("on_case"))
    .values(last_message_id=bindparam("message_id"), last_contact_message_id=bindparam("message_id"))
)
_ALL = hot.Statement(
    text(
        """
WITH contact AS (
  INSERT INTO contacts (name, created_at) VALUES (:name, CAST(:at AS timestamptz)) RETURNING id
), identity AS (
  INSERT INTO identities (channel_id, external_id, contact_id, lookup_attempts)
  SELECT :channel_id, CAST(id AS text), id, 0 FROM contact RETURNING id, contact_id
), conversation AS (
  INSERT INTO conversations (channel_id, kind, external_id, identity_id, lookup_attempts, created_at)
  SELECT :channel_id, 'thread', CAST(contact_id AS text), id, 0, CAST(:at AS timestamptz) FROM identity
  RETURNING id
), first AS MATERIALIZED (
  SELECT nextval(pg_get_serial_sequence('messages', 'id')) AS id
), filed AS (
  INSERT INTO cases (channel_id, conversation_id, contact_id, group_id, subject, subject_is_edited,
    status, priority, chat_state, is_spam, last_message_id, last_contact_message_id, created_at,
    last_message_at, last_activity_at, last_contact_at, unanswered_since)
  SELECT :channel_id, conversation.id, contact.id, :group_id, :subject, :subject_is_edited,
    :status, :priority, :chat_state, :is_spam, first.id, first.id, CAST(:at AS timestamptz),
    :at, :at, :at, :at
  FROM contact, conversation, first RETURNING id
), message AS (
  INSERT INTO messages (id, case_id, channel_id, direction, kind, text, contact_id, is_automatic,
    received_at, is_late)
  SELECT first.id, filed.id, :channel_id, 'in', 'text', :text, contact.id, false,
    CAST(:at AS timestamptz), false
  FROM contact, first, filed
), found AS (
  INSERT INTO message_search (message_id, case_id, tokens, words)
  SELECT first.id, filed.id, CAST(:tokens AS tsvector), :words FROM first, filed WHERE :words <> ''
), titled AS (
  INSERT INTO case_search (case_id, tokens, words)
  SELECT filed.id, CAST(:own_tokens AS tsvector), :own_words FROM filed
), facts AS (
  INSERT INTO events (type, occurred_at, case_id, message_id, agent_id, data)
  SELECT fact.type, CAST(:at AS timestamptz), filed.id, fact.message_id, :agent_id, '{}'
  FROM filed, first, LATERAL (VALUES (1, 'case.created', NULL), (2, 'message.received', first.id))
    AS fact (place, type, message_id)
  ORDER BY fact.place
)
SELECT identity.contact_id, identity.id, conversation.id, filed.id, first.id
FROM identity, conversation, filed, first
"""
    )
)


@dataclass(frozen=True)
class Written:
    """What is known of the case: who wrote, about what, and where it belongs."""

    channel: Channel
    group_id: int | None
    name: str | None
    subject: str
    subject_is_edited: bool
    text: str
    at: datetime

    @property
    def columns(self) -> dict[str, Any]:
        """Those of the case that do not depend on its other rows."""
        return {
            "channel_id": self.channel.id,
            "group_id": self.group_id,
            "subject": self.subject,
            "subject_is_edited": self.subject_is_edited,
            "status": "open",
            "priority": "normal",
            "chat_state": "none",
            "is_spam": False,
            **dict.fromkeys(_MOMENTS, self.at),
        }

    def own_texts(self, contact_id: int | None = None) -> tuple[str, ...]:
        """What the case is found by beside its message: its subject, and what its contact is called.

        Who has no name goes by what the channel calls them, which is made of their id.
        """
        called = self.name or (f"{contact_id}" if contact_id else "")
        return (self.subject, called) if called else (self.subject,)


class Ids(NamedTuple):
    """Of the rows that a case begins with."""

    contact: int
    identity: int
    conversation: int
    case: int
    message: int


def write(here: Connection, written: Written, *, by: Agent | None) -> Case:
    """The new case, which the search finds."""
    is_sqlite = here.dialect.name == "sqlite"
    ids = (_one_by_one if is_sqlite else _at_once)(here, written, by)
    return _case(ids, written)


def _at_once(here: Connection, written: Written, by: Agent | None) -> Ids:
    said = tokens.read(written.text)
    said_tokens, said_words = index.columns([said]) if said.tokens else ("", "")
    own_tokens, own_words = index.columns([tokens.read(own) for own in written.own_texts()])
    ids = Ids(
        *_ALL.first(
            here,
            **written.columns,
            name=written.name,
            text=written.text,
            at=written.at,
            tokens=said_tokens,
            words=said_words,
            own_tokens=own_tokens,
            own_words=own_words,
            agent_id=by.id if by else None,
        )
    )
    if written.name is None:
        search.put_case(ids.case, *written.own_texts(ids.contact))
    events.note("case.created", ids.case)
    events.note("message.received", ids.case)
    return ids


def _one_by_one(here: Connection, written: Written, by: Agent | None) -> Ids:
    at, channel_id = written.at, written.channel.id
    contact_id = _CONTACT.id(here, name=written.name, created_at=at)
    place = {"channel_id": channel_id, "external_id": f"{contact_id}", "lookup_attempts": 0}
    identity_id = _IDENTITY.id(here, contact_id=contact_id, **place)
    conversation_id = _CONVERSATION.id(
        here, kind="thread", identity_id=identity_id, created_at=at, **place
    )
    own = {"conversation_id": conversation_id, "contact_id": contact_id}
    case_id = _CASE.id(here, **written.columns, **own)
    message_id = _MESSAGE.id(
        here,
        case_id=case_id,
        channel_id=channel_id,
        direction="in",
        kind="text",
        text=written.text,
        contact_id=contact_id,
        is_automatic=False,
        received_at=at,
        is_late=False,
    )
    _FIRST_MESSAGE.count(here, on_case=case_id, message_id=message_id)
    search.add_message(message_id, case_id, written.text)
    search.put_case(case_id, *written.own_texts(contact_id))
    events.record("case.created", case_id=case_id, by=by)
    events.record("message.received", case_id=case_id, message_id=message_id, by=by)
    return Ids(contact_id, identity_id, conversation_id, case_id, message_id)


def _case(ids: Ids, written: Written) -> Case:
    """As it would be read; a test compares."""
    at, channel = written.at, written.channel
    contact = _as_read(Contact, id=ids.contact, name=written.name, created_at=at)
    conversation = _as_read(
        Conversation,
        id=ids.conversation,
        channel_id=channel.id,
        kind="thread",
        external_id=f"{ids.contact}",
        identity_id=ids.identity,
        lookup_attempts=0,
        created_at=at,
    )
    set_committed_value(conversation, "channel", channel)
    case = _as_read(
        Case,
        **written.columns,
        id=ids.case,
        conversation_id=ids.conversation,
        contact_id=ids.contact,
        last_message_id=ids.message,
        last_contact_message_id=ids.message,
    )
    beside = {"channel": channel, "conversation": conversation, "contact": contact}
    beside |= {"assignee": None, "taken_by": None, "labels": []}
    for name, value in beside.items():
        set_committed_value(case, name, value)
    return case


def _as_read(model: type[Row], **values: Any) -> Row:
    """The object of a row that is known whole: the session takes it for one that it has read."""
    # SQLite gives the id of what was rolled back again, and somebody may still hold on to that.
    if left := db.session.identity_map.get(identity_key(model, values["id"])):
        db.session.expunge(left)
    # Not by its constructor, which notes each value as a change: that costs four times as much.
    row: Row = inspect(model).class_manager.new_instance()
    instance_dict(row).update(dict.fromkeys(model.__table__.columns.keys()) | values)
    make_transient_to_detached(row)
    db.session.add(row)
    return row

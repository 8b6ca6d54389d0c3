"""The rows of a case that somebody writes down: on SQLite one statement each, on PostgreSQL one for all.

Programs open many, and a round trip to PostgreSQL costs both sides more than the row that it writes. Both
ways must leave the same rows; a test says which.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, insert, text, update
from sqlalchemy.engine import Connection

from app.domain import events, hot, search
from app.domain.search import postgresql as index
from app.domain.search import tokens
from app.models import Agent, Case, Contact, Conversation, Identity, Message

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
    *("status", "priority", "chat_state", "is_spam", "created_at", "last_message_at"),
    *("last_activity_at", "last_contact_at", "unanswered_since"),
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
    'open', 'normal', 'none', false, first.id, first.id, CAST(:at AS timestamptz),
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
), facts AS (
  INSERT INTO events (type, occurred_at, case_id, message_id, agent_id, data)
  SELECT fact.type, CAST(:at AS timestamptz), filed.id, fact.message_id, :agent_id, '{}'
  FROM filed, first, LATERAL (VALUES (1, 'case.created', NULL), (2, 'message.received', first.id))
    AS fact (place, type, message_id)
  ORDER BY fact.place
)
SELECT id FROM filed
"""
    )
)


@dataclass(frozen=True)
class Written:
    """What is known of the case: who wrote, about what, and where it belongs."""

    channel_id: int
    group_id: int | None
    name: str | None
    subject: str
    subject_is_edited: bool
    text: str
    at: datetime


def write(here: Connection, written: Written, *, by: Agent | None) -> int:
    """The new case's id. Its words are in the search index but for its names and subject."""
    if here.dialect.name == "sqlite":
        return _one_by_one(here, written, by)
    words = tokens.read(written.text)
    lexemes, searched = index.columns([words]) if words.tokens else ("", "")
    case_id: int = _ALL.first(
        here, **vars(written), tokens=lexemes, words=searched, agent_id=by.id if by else None
    )[0]
    events.note("case.created", case_id)
    events.note("message.received", case_id)
    return case_id


def _one_by_one(here: Connection, written: Written, by: Agent | None) -> int:
    channel_id, at = written.channel_id, written.at
    contact_id = _CONTACT.id(here, name=written.name, created_at=at)
    place = {"channel_id": channel_id, "external_id": f"{contact_id}", "lookup_attempts": 0}
    identity_id = _IDENTITY.id(here, contact_id=contact_id, **place)
    conversation_id = _CONVERSATION.id(
        here, kind="thread", identity_id=identity_id, created_at=at, **place
    )
    case_id = _CASE.id(
        here,
        channel_id=channel_id,
        conversation_id=conversation_id,
        contact_id=contact_id,
        group_id=written.group_id,
        subject=written.subject,
        subject_is_edited=written.subject_is_edited,
        status="open",
        priority="normal",
        chat_state="none",
        is_spam=False,
        created_at=at,
        last_message_at=at,
        last_activity_at=at,
        last_contact_at=at,
        unanswered_since=at,
    )
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
    events.record("case.created", case_id=case_id, by=by)
    events.record("message.received", case_id=case_id, message_id=message_id, by=by)
    return case_id

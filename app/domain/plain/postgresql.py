"""Plain messages on PostgreSQL, in two statements: one takes locks, the other writes all tables.

A round trip costs both sides more than the row that it writes.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Integer, Text, and_, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection

from app.channels.base import Inbound
from app.clock import now
from app.domain import hot
from app.domain.places import Source
from app.domain.plain.arrivals import Arrival, Taken, address, as_json, columns
from app.domain.search import postgresql as index
from app.domain.search import tokens
from app.models import ACTIVE, Case, Conversation

# First and by itself: what comes after it sees all that was committed before the locks were held.
# Where calls that came together shall never block each other, who has a lock is not waited for.
_PLACES = (
    select(Conversation.channel_id, Conversation.external_id)
    .join(Case, and_(Case.conversation_id == Conversation.id, text(ACTIVE)))
    .where(
        Conversation.channel_id == func.any(bindparam("channel_ids", type_=ARRAY(Integer))),
        Conversation.external_id == func.any(bindparam("conversation_ids", type_=ARRAY(Text))),
    )
)
_LOCK_FREE = hot.Statement(_PLACES.with_for_update(key_share=True, skip_locked=True))
# Cases are not waited for here: who has one may want a conversation that is locked already.
_LOCK = hot.Statement(
    _PLACES.order_by(Conversation.id).with_for_update(key_share=True, of=Conversation)
)
# A conversation stands in `given` once, so a case names its event.
_TAKE_IN = hot.Statement(
    text(
        """
WITH given AS MATERIALIZED (
  SELECT told.*, conversations.id AS conversation_id, identities.contact_id, cases.id AS case_id
  FROM json_to_recordset(CAST(:told AS json)) AS told (
    place int, channel_id int, sender text, event_key text, reply_token text, external_id text,
    kind text, text text, payload text, sent_at timestamptz, is_late bool, quote_token text,
    tokens text, words text)
  JOIN conversations ON conversations.channel_id = told.channel_id
    AND conversations.external_id = told.sender
  JOIN cases ON cases.conversation_id = conversations.id AND cases.chat_state = 'active'
  LEFT JOIN identities ON identities.id = conversations.identity_id
  WHERE NOT EXISTS (SELECT FROM early_changes AS early
    WHERE early.channel_id = told.channel_id AND early.external_id = told.external_id)
), receipt AS (
  INSERT INTO receipts (channel_id, event_key, conversation_id, received_at, reply_token, attempts)
  SELECT channel_id, event_key, conversation_id, CAST(:at AS timestamptz), reply_token, 0
  FROM given ORDER BY place
  ON CONFLICT DO NOTHING RETURNING conversation_id
), message AS (
  INSERT INTO messages (case_id, channel_id, direction, kind, text, contact_id, is_automatic,
    external_id, payload, sent_at, received_at, is_late, quote_token)
  SELECT case_id, channel_id, 'in', kind, text, contact_id, false,
    external_id, payload, sent_at, CAST(:at AS timestamptz), is_late, quote_token
  FROM given JOIN receipt USING (conversation_id) ORDER BY place
  ON CONFLICT DO NOTHING RETURNING id, case_id
), arrived AS (
  UPDATE cases SET last_message_at = :at, last_activity_at = :at, last_contact_at = :at,
    last_message_id = message.id, last_contact_message_id = message.id,
    unanswered_since = coalesce(cases.unanswered_since, :at)
  FROM message WHERE cases.id = message.case_id
), found AS (
  INSERT INTO message_search (message_id, case_id, tokens, words)
  SELECT message.id, case_id, CAST(tokens AS tsvector), words
  FROM message JOIN given USING (case_id) WHERE words <> ''
), fact AS (
  INSERT INTO events (type, occurred_at, case_id, message_id, data)
  SELECT 'message.received', CAST(:at AS timestamptz), case_id, id, '{}' FROM message ORDER BY id
)
SELECT given.channel_id, given.event_key, receipt.conversation_id IS NOT NULL, message.case_id
FROM given LEFT JOIN receipt USING (conversation_id) LEFT JOIN message USING (case_id)
ORDER BY place
"""
    )
)


def locked(arrivals: Sequence[Arrival], *, waits: bool) -> list[Arrival]:
    """Those of conversations that have an active chat and are ours now, at once or after a wait."""
    ours = set(
        (_LOCK if waits else _LOCK_FREE).rows(
            hot.connection(),
            channel_ids=[source.id for source, _ in arrivals],
            conversation_ids=[event.conversation_id for _, event in arrivals],
        )
    )
    return [arrival for arrival in arrivals if address(arrival) in ours]


def take_in(connection: Connection, wave: Sequence[Arrival]) -> Iterator[Taken]:
    """Write them, each of another conversation; who comes again is told as such."""
    told = as_json([_told(place, *arrival) for place, arrival in enumerate(wave)])
    return map(Taken._make, _TAKE_IN.rows(connection, told=told, at=now()))


def _told(place: int, source: Source, event: Inbound) -> dict[str, Any]:
    words = tokens.read(event.text)
    lexemes, searched = index.columns([words]) if words.tokens else ("", "")
    return columns(source, event) | {
        "place": place,
        "sender": event.conversation_id,
        "sent_at": event.occurred_at.isoformat(),
        "tokens": lexemes,
        "words": searched,
    }

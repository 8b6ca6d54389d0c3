"""Plain messages on SQLite: each table's rows by one call of the driver.

SQLite has one writer, and here it is us: what is looked up stays true to the end, and a table's new
rows are numbered one after the other. What came before is left out; `inbox` knows what to do with it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.engine import Connection

from app.clock import now
from app.domain import hot
from app.domain.inbox import MESSAGE_ARRIVED
from app.domain.plain.arrivals import Arrival, Taken, as_json, columns
from app.domain.search import sqlite as index
from app.domain.search import tokens
from app.models import Event, Message, Receipt

_FIND = hot.Statement(
    text(
        """
SELECT told.key, conversations.id, identities.contact_id, cases.id, EXISTS (
  SELECT 1 FROM receipts WHERE receipts.channel_id = conversations.channel_id
    AND receipts.event_key = json_extract(told.value, '$[2]')) AS is_known
FROM json_each(:told) AS told
JOIN conversations ON conversations.channel_id = json_extract(told.value, '$[0]')
  AND conversations.external_id = json_extract(told.value, '$[1]')
JOIN cases ON cases.conversation_id = conversations.id AND cases.chat_state = 'active'
LEFT JOIN identities ON identities.id = conversations.identity_id
WHERE is_known OR NOT (EXISTS (
  SELECT 1 FROM messages WHERE messages.channel_id = conversations.channel_id
    AND messages.direction = 'in' AND messages.external_id = json_extract(told.value, '$[3]')
) OR EXISTS (
  SELECT 1 FROM early_changes WHERE early_changes.channel_id = conversations.channel_id
    AND early_changes.external_id = json_extract(told.value, '$[3]')))
ORDER BY told.key
"""
    )
)
_NEWEST = hot.Statement(text("SELECT max(id) FROM messages"))
_RECEIPT = hot.Statement(
    insert(Receipt.__table__),
    *("channel_id", "event_key", "conversation_id", "received_at", "reply_token", "attempts"),
)
_MESSAGE = hot.Statement(
    insert(Message.__table__),
    *("id", "case_id", "channel_id", "direction", "kind", "text", "contact_id", "is_automatic"),
    *("external_id", "payload", "sent_at", "received_at", "is_late", "quote_token"),
)
_FACT = hot.Statement(
    insert(Event.__table__), *("type", "occurred_at", "case_id", "message_id", "data")
)


def locked(arrivals: Sequence[Arrival], *, waits: bool) -> list[Arrival]:
    """All: nobody else writes now."""
    return list(arrivals)


def take_in(connection: Connection, wave: Sequence[Arrival]) -> Iterator[Taken]:
    """Write those that belong into an active chat, each of another conversation."""
    told = [(source.id, event.conversation_id, event.key, event.message_id) for source, event in wave]
    found = _FIND.rows(connection, told=as_json(told))
    newest = _NEWEST.first(connection)[0] or 0
    fresh = [(wave[place], *ids) for place, *ids, is_known in found if not is_known]
    rows = [_row(id_, *one) for id_, one in enumerate(fresh, newest + 1)]
    moment = now()
    _RECEIPT.many(connection, rows, received_at=moment, attempts=0)
    _MESSAGE.many(connection, rows, received_at=moment, direction="in", is_automatic=False)
    MESSAGE_ARRIVED.many(connection, rows, at=moment)
    index.add_messages(connection, [row for row in rows if row["words"]])
    _FACT.many(connection, rows, occurred_at=moment, type="message.received", data="{}")
    for place, *_ids, is_known in found:
        if is_known:
            source, event = wave[place]
            yield Taken(source.id, event.key, False, None)
    for row in rows:
        yield Taken(row["channel_id"], row["event_key"], True, row["case_id"])


def _row(
    id_: int, arrival: Arrival, conversation_id: int, contact_id: int | None, case_id: int
) -> dict[str, Any]:
    """What to write of one: the columns of all tables together, by name."""
    source, event = arrival
    return columns(source, event) | {
        "id": id_,
        "message_id": id_,
        "case_id": case_id,
        "conversation_id": conversation_id,
        "contact_id": contact_id,
        "sent_at": event.occurred_at,
        "words": index.stored(tokens.read(event.text)),
    }

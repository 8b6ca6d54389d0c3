"""What came and what became of it, in the words that both databases' writers share."""

import json
from typing import Any, NamedTuple

from app.channels.base import Inbound
from app.domain.places import Source

Arrival = tuple[Source, Inbound]
# Channel and the provider's id of the conversation.
Address = tuple[int, str]

as_json = json.JSONEncoder(ensure_ascii=False).encode


class Taken(NamedTuple):
    """An event that is in: for the first time or not, and the case that has a new message by it."""

    channel_id: int
    key: str
    is_new: bool
    case_id: int | None


def columns(source: Source, event: Inbound) -> dict[str, Any]:
    """What both databases' tables hold of an event as it came, by column."""
    return {
        "channel_id": source.id,
        "event_key": event.key,
        "reply_token": event.reply_token,
        "external_id": event.message_id,
        "kind": event.message_kind,
        "text": event.text,
        "payload": as_json(event.payload) if event.payload else None,
        "is_late": event.is_redelivered,
        "quote_token": event.quote_token,
    }


def address(arrival: Arrival) -> Address:
    source, event = arrival
    return source.id, event.conversation_id or ""

"""What came and what became of it, in the words that both databases' writers share."""

import json
from typing import NamedTuple

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


def address(arrival: Arrival) -> Address:
    source, event = arrival
    return source.id, event.conversation_id or ""

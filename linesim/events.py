"""Webhook events in LINE's shapes (webhook.yml). Builds dictionaries; changes and sends nothing."""

from datetime import datetime
from typing import Any

from linesim import clock, ids
from linesim.state import GROUP, Group, Message

Event = dict[str, Any]

STICKER = {"packageId": "446", "stickerId": "1988", "stickerResourceType": "STATIC", "keywords": ["hello", "friend", "smile"]}
PLACE = {"title": "Mado counter", "address": "1-2-3 Marunouchi, Chiyoda-ku, Tokyo", "latitude": 35.6812, "longitude": 139.7671}
FILE = {"fileName": "receipt.txt", "fileSize": 0}
# What each kind of message carries besides its id, type and tokens.
KINDS: dict[str, dict[str, Any]] = {
    "text": {},
    "sticker": STICKER,
    "image": {"contentProvider": {"type": "line"}},
    "video": {"contentProvider": {"type": "line"}, "duration": 4000},
    "audio": {"contentProvider": {"type": "line"}, "duration": 1000},
    "file": FILE,
    "location": PLACE,
}
# LINE: audio, files and places can't be quoted.
QUOTABLE = {"text", "sticker", "image", "video"}


def user_source(user_id: str) -> dict[str, str]:
    return {"type": "user", "userId": user_id}


def group_source(group: Group, user_id: str | None = None) -> dict[str, str]:
    key = "groupId" if group.kind == GROUP else "roomId"
    source = {"type": group.kind, key: group.group_id}
    return source | ({"userId": user_id} if user_id else {})


def event(kind: str, source: dict[str, str], at: datetime, **rest: Any) -> Event:
    """The common part of every event, with what is special to its kind."""
    return {
        "type": kind,
        **rest,
        "webhookEventId": ids.event_id(),
        "deliveryContext": {"isRedelivery": False},
        "timestamp": clock.milliseconds(at),
        "source": source,
        "mode": "active",
    }


def message_content(message: Message) -> dict[str, Any]:
    """A customer's message as the webhook shows it; properties without a value are left out."""
    content = {"id": message.id, "type": message.kind, **message.body}
    if message.quote_token:
        content["quoteToken"] = message.quote_token
    if message.read_token:
        content["markAsReadToken"] = message.read_token
    return content


def message_event(message: Message, source: dict[str, str], reply_token: str) -> Event:
    content = message_content(message)
    return event("message", source, message.sent_at, message=content, replyToken=reply_token)


def edited_event(message: Message, source: dict[str, str], reply_token: str) -> Event:
    """LINE sends no mark-as-read token with an edit, and only text is ever edited."""
    content = message_content(message)
    content.pop("markAsReadToken", None)
    return event("messageEdited", source, clock.now(), message=content, replyToken=reply_token)

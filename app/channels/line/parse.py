"""LINE webhook bodies to our words: tolerant, our own, from the raw JSON.

The SDK's parser throws away what it does not know and refuses whole batches (LINE.md 5.2), so
nothing here trusts a field to be there or to have a type. Shapes: line-openapi's webhook.yml.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from app.channels.base import Inbound, Unreadable
from app.channels.line import contents
from app.channels.line.fields import LONGEST_ID, clean, id_, items, moment, object_, plain, token

# LINE sends a handful; a body of a million bytes could hold the only writer for a minute.
MOST_EVENTS = 1_000
# Each becomes a line and a look-up; who adds a crowd at once shall not fill the chat with it.
MOST_MEMBERS = 50
SOURCE_IDS = {"user": "userId", "group": "groupId", "room": "roomId"}


class BadBody(ValueError):
    """A body that is no LINE webhook at all."""


def body(raw: bytes) -> list[Any]:
    """The events of a verified body, as JSON gave them. Raise BadBody for what is no webhook."""
    try:
        parsed = _loaded(raw)
    except (ValueError, RecursionError) as problem:
        raise BadBody("not JSON") from problem
    events = parsed.get("events") if isinstance(parsed, dict) else None
    if not isinstance(events, list):
        raise BadBody("no list of events")
    if len(events) > MOST_EVENTS:
        raise BadBody("more events than LINE sends at once")
    return events


def _loaded(raw: bytes) -> Any:
    """Numbers too long for Python are none: they must not cost their neighbours the whole batch."""
    try:
        return json.loads(raw)
    except ValueError:
        return json.loads(raw, parse_int=lambda digits: int(digits) if len(digits) < 40 else None)


def event(raw_event: Any, *, sticker_pictures: bool = False) -> Inbound | Unreadable:
    """One event in our words; what can't be read keeps its bytes and says why.

    `sticker_pictures` is the channel's option: pictures of stickers are files then.
    """
    try:
        if not isinstance(raw_event, dict):
            raise TypeError("an event is not an object")
        inbound = _event(raw_event)
        return _with_picture(inbound) if sticker_pictures else inbound
    except Exception as problem:  # whatever was sent: kept, shown, never a crash
        reason = f"{type(problem).__name__}: {problem}"[:300]
        return Unreadable(_key(raw_event), as_bytes(raw_event), reason)


def kept(raw: bytes, *, sticker_pictures: bool = False) -> list[Inbound | Unreadable]:
    """A kept-back event, tried again."""
    return [event(_loaded(raw), sticker_pictures=sticker_pictures)]


def as_bytes(raw_event: Any) -> bytes:
    """One event of a batch as bytes of its own, for keeping."""
    return json.dumps(raw_event, ensure_ascii=True).encode()


def _event(event: dict[str, Any]) -> Inbound:
    source = object_(event.get("source"))
    conversation_kind = source.get("type") if source.get("type") in SOURCE_IDS else None
    conversation_id = id_(source.get(SOURCE_IDS[conversation_kind])) if conversation_kind else None
    describe = _KINDS.get(plain(event.get("type")), _other)
    if describe is _message and conversation_id is None:
        raise ValueError("a message from a source that is not known")
    return Inbound(
        key=_key(event),
        occurred_at=moment(event.get("timestamp")),
        conversation_kind=conversation_kind,
        conversation_id=conversation_id,
        sender_id=id_(source.get("userId")),
        reply_token=token(event.get("replyToken")),
        is_redelivered=object_(event.get("deliveryContext")).get("isRedelivery") is True,
        **describe(event),
    )


def _with_picture(inbound: Inbound) -> Inbound:
    if inbound.kind != "message" or inbound.message_kind != "sticker":
        return inbound
    found = contents.files("sticker", inbound.payload or {}, sticker_pictures=True)
    return replace(inbound, files=found)


def _message(event: dict[str, Any]) -> dict[str, Any]:
    message = event.get("message")
    if not isinstance(message, dict):
        raise TypeError("a message event without a message")
    kind = plain(message.get("type"))[:20] or "unknown"
    album_key, album_place = contents.album(message)
    return {
        "kind": "message",
        "message_id": id_(message.get("id")),
        "message_kind": kind,
        "text": contents.text(kind, message),
        "payload": clean(message),
        "quoted_id": id_(message.get("quotedMessageId")),
        "quote_token": contents.quote_token(message),
        "album_key": album_key,
        "album_place": album_place,
        "files": contents.files(kind, message),
    }


def _edited(event: dict[str, Any]) -> dict[str, Any]:
    """The same message anew; of one that names none there is nothing to change."""
    described = _message(event)
    if described["message_id"] is None:
        return _other(event)
    about = ("message_id", "message_kind", "text", "payload", "quote_token")
    return {"kind": "edited"} | {name: described[name] for name in about}


def _unsent(event: dict[str, Any]) -> dict[str, Any]:
    message_id = id_(object_(event.get("unsend")).get("messageId"))
    return {"kind": "unsent", "message_id": message_id} if message_id else _other(event)


def _followed(event: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "followed"}


def _unfollowed(event: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "unfollowed"}


def _joined(event: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "joined", "message_kind": "join", "payload": {}}


def _left(event: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "left", "message_kind": "leave", "payload": {}}


def _members(field: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def describe(event: dict[str, Any]) -> dict[str, Any]:
        members = items(object_(event.get(field)).get("members"), MOST_MEMBERS)
        ids = [id_(object_(member).get("userId")) for member in members]
        kind = "member_joined" if field == "joined" else "member_left"
        return {"kind": "line", "message_kind": kind, "member_ids": tuple(filter(None, ids))}

    return describe


def _postback(event: dict[str, Any]) -> dict[str, Any]:
    postback = object_(event.get("postback"))
    return {
        "kind": "activity",
        "message_kind": "postback",
        "text": contents.postback(postback),
        "payload": clean(postback),
    }


def _other(event: dict[str, Any]) -> dict[str, Any]:
    """Anything LINE invents: kept as a line that names its type where a chat is active."""
    kind = plain(event.get("type"))[:40] or "unknown"
    return {"kind": "line", "message_kind": "unknown", "text": kind, "payload": clean(event)}


def _ignored(event: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "ignored"}


_KINDS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "message": _message,
    "messageEdited": _edited,
    "unsend": _unsent,
    "follow": _followed,
    "unfollow": _unfollowed,
    "join": _joined,
    "leave": _left,
    "memberJoined": _members("joined"),
    "memberLeft": _members("left"),
    "postback": _postback,
    "delivery": _ignored,
    "activated": _ignored,
    "deactivated": _ignored,
    "botSuspended": _ignored,
    "botResumed": _ignored,
    "module": _ignored,
}


def _key(event: Any) -> str:
    """webhookEventId, else type and message id, else a hash (S6)."""
    if isinstance(event, dict):
        if own := id_(event.get("webhookEventId")):
            return own
        message_id = id_(object_(event.get("message")).get("id"))
        if message_id:
            return f"{plain(event.get('type'))[:20]}:{message_id}"[:LONGEST_ID]
    return "sha256:" + hashlib.sha256(as_bytes(event)).hexdigest()

"""Signed LINE webhooks as bytes ready to be written to a socket, every event of them new."""

import base64
import hashlib
import hmac
import itertools
import json
import random
import uuid
from collections.abc import Iterator, Sequence

from bench import words

TOKEN = "bench-channel-token"
SECRET = "bench-channel-secret-0123456789ab"
KEY = "0123456789abcdef0123456789abcdef"


def user_id(number: int) -> str:
    return f"U{number:032x}"


def webhooks(users: Iterator[str], count: int, *, port: int, events: int = 1) -> list[bytes]:
    """`count` requests with `events` text events each, written by the next of `users`."""
    rng = random.Random(7)
    bodies = [
        [_text_event(next(users), words.question(rng, number), number) for _ in range(events)]
        for number in range(count)
    ]
    return [_request(port, body) for body in bodies]


def text(user: str, said: str, number: int, *, port: int) -> bytes:
    """One request with one text event."""
    return _request(port, [_text_event(user, said, number)])


def known_users(count: int) -> Iterator[str]:
    """Those whose chats are active in a seeded database, over and over."""
    return itertools.cycle(user_id(number) for number in range(1, count + 1))


def new_users() -> Iterator[str]:
    """People nobody has heard of."""
    return (f"U{uuid.uuid4().hex}" for _ in itertools.count())


def _text_event(user: str, said: str, number: int) -> dict[str, object]:
    return {
        "type": "message",
        "mode": "active",
        "timestamp": 1795424400000 + number,
        "source": {"type": "user", "userId": user},
        "webhookEventId": uuid.uuid4().hex,
        "deliveryContext": {"isRedelivery": False},
        "replyToken": uuid.uuid4().hex,
        "message": {
            "id": str(uuid.uuid4().int)[:18],
            "type": "text",
            "quoteToken": uuid.uuid4().hex,
            "text": said,
        },
    }


def _request(port: int, events: Sequence[dict[str, object]]) -> bytes:
    body = json.dumps(
        {"destination": "U" + "d" * 32, "events": events}, ensure_ascii=False
    ).encode()
    mac = base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()
    head = (
        f"POST /line/webhook/{KEY} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        "User-Agent: LineBotWebhook/2.0\r\nContent-Type: application/json; charset=utf-8\r\n"
        f"x-line-signature: {mac}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body

"""Signed posts to a LINE webhook, and the bodies to post."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import transaction
from app.channels.line import webhook
from app.channels.line.credentials import Credentials
from app.extensions import db
from app.models import Channel
from tests.conftest import fresh_id

KEY = "0123456789abcdef0123456789abcdef"
SECRET = "8c570fa6dd201bb328f1c1eac23a96d8"
PAYLOADS = Path(__file__).parent / "payloads"


def connected_line(key: str = KEY, **fields: Any) -> Channel:
    """A LINE channel with a known key and secret."""
    values = {"name": "Shop", "state": "connected", "kind": "line"} | fields
    with transaction.writing():
        channel = Channel(key=key, key_hash=webhook.key_hash(key), **values)
        Credentials(token="token", secret=SECRET, channel_id="1").keep(channel)
        db.session.add(channel)
    return channel


def signature(raw: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), raw, hashlib.sha256)).decode()


def post(client: FlaskClient, body: Any, *, key: str = KEY, **headers: str) -> TestResponse:
    """Post a body (bytes as they are, anything else as JSON), signed unless told otherwise."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signed = {"x-line-signature": signature(raw), "content-type": "application/json"}
    return client.post(
        f"/line/webhook/{key}",
        data=raw,
        headers=signed | {name.replace("_", "-"): value for name, value in headers.items()},
    )


def text_event(text: str = "hello", *, user: str = "U" + "a" * 32, **fields: Any) -> dict[str, Any]:
    event = {
        "type": "message",
        "mode": "active",
        "timestamp": 1795424400000,
        "source": {"type": "user", "userId": user},
        "webhookEventId": fresh_id(),
        "deliveryContext": {"isRedelivery": False},
        "replyToken": fresh_id(),
        "message": {"id": fresh_id(), "type": "text", "text": text, "quoteToken": "q"},
    }
    return event | fields


def batch(*events: Any) -> dict[str, Any]:
    return {"destination": "U" + "d" * 32, "events": list(events)}


def real_bodies() -> list[Path]:
    """Every callback-shaped body of the collection."""
    index = json.loads((PAYLOADS / "index.json").read_text())["items"]
    return [PAYLOADS / item["file"] for item in index if item["shape"] == "callback"]


def with_fresh_ids(body: dict[str, Any]) -> dict[str, Any]:
    """The same events, none of which was ever seen."""
    for event in body["events"]:
        event["webhookEventId"] = fresh_id()
        if isinstance(event.get("message"), dict) and event.get("type") == "message":
            event["message"]["id"] = fresh_id()
    return body

"""POST /line/webhook/<key>: verify the raw bytes, take in, commit, answer.

LINE allows two seconds. Nothing is parsed before the signature holds, and nothing slow happens
here. A database that can't answer gives 503, so that LINE sends it again.
"""

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Request, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from app import intake, transaction
from app.channels.base import Answer
from app.channels.line import parse
from app.channels.line.credentials import Credentials, is_signed_by_any
from app.channels.line.options import Options
from app.clock import now
from app.domain import inbox
from app.domain.channels import key_hash
from app.extensions import csrf, db
from app.models import Channel

LARGEST_BODY = 1_000_000
KEPT_SECONDS = 1.0

blueprint = Blueprint("line_webhook", __name__)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Endpoint:
    """What a webhook call needs of its channel, kept for a second between calls."""

    source: inbox.Source
    state: str
    secrets: tuple[str, ...]
    bot_id: str | None
    sticker_pictures: bool
    read_at: float


_endpoints: dict[str, Endpoint] = {}
_failed_signatures: dict[int, int] = {}
_ignored_calls: dict[int, int] = {}
_seen_channels: dict[int, Any] = {}
_lock = threading.Lock()


@blueprint.post("/line/webhook/<key>")
def receive(key: str) -> ResponseReturnValue:
    """A call that is not plain, on Flask's own way; the others come to `answer` straight."""
    return answer(key, request)


def answer(key: str, call: Request) -> Answer:
    """200 when every event is stored or kept back; see S3, S5 and S6 for the others."""
    try:
        return _receive(key, call)
    except SQLAlchemyError as problem:
        log.error("webhook not stored: %s", type(problem).__name__)
        transaction.release()
        return {"error": "not stored, send it again"}, 503


receive._own_transaction = True  # type: ignore[attr-defined]
csrf.exempt(blueprint)


def forget(channel: Channel) -> None:
    """Drop what is kept of a channel, after its form was saved."""
    if channel.key_hash:
        _endpoints.pop(channel.key_hash, None)


def forgive(channel: Channel) -> None:
    """Drop the wrong signatures counted under a secret that was replaced."""
    with _lock:
        _failed_signatures.pop(channel.id, None)


def flush_counters() -> None:
    """Write what was counted in memory; called every 10 s in a writing transaction (S5)."""
    with _lock:
        failed, ignored = dict(_failed_signatures), dict(_ignored_calls)
        seen = dict(_seen_channels)
        _failed_signatures.clear(), _ignored_calls.clear(), _seen_channels.clear()
    for channel_id, count in failed.items():
        db.session.execute(
            update(Channel)
            .where(Channel.id == channel_id)
            .values(
                failed_signature_count=Channel.failed_signature_count + count,
                failed_signature_at=now(),
            )
        )
    for channel_id, count in ignored.items():
        db.session.execute(
            update(Channel)
            .where(Channel.id == channel_id)
            .values(ignored_count=Channel.ignored_count + count)
        )
    for channel_id, moment in seen.items():
        db.session.execute(
            update(Channel).where(Channel.id == channel_id).values(last_event_at=moment)
        )


def has_counted() -> bool:
    return bool(_failed_signatures or _ignored_calls or _seen_channels)


def _receive(key: str, call: Request) -> Answer:
    endpoint = _endpoint(key)
    if endpoint is None:
        return {"error": "unknown webhook"}, 404
    if call.headers.get("Content-Encoding", "identity") != "identity":
        return {"error": "send the body as it is, not compressed"}, 415
    raw = _body(call)
    if raw is None:
        return {"error": "a body may have 1 MB at most"}, 413
    if endpoint.state == "draft" and not endpoint.secrets:
        return _answer_draft(endpoint, raw)
    signature = call.headers.get("x-line-signature", "").encode("utf-8", "surrogateescape")
    if not is_signed_by_any(endpoint.secrets, raw, signature):
        _count(_failed_signatures, endpoint.source.id)
        return {"error": "the signature does not fit"}, 401
    if endpoint.state == "disabled":
        _count(_ignored_calls, endpoint.source.id)
        return {}, 200
    return _take_in(endpoint, raw)


def _take_in(endpoint: Endpoint, raw: bytes) -> Answer:
    try:
        events = parse.body(raw)
    except parse.BadBody as problem:
        return {"error": str(problem)}, 400
    if endpoint.state == "draft":
        _note_call(endpoint)
    if events and endpoint.state == "draft":
        return {"error": "this channel is not connected yet"}, 503
    if events:
        with _lock:
            _seen_channels[endpoint.source.id] = now()
        _store(endpoint, events)
    return {}, 200


def _store(endpoint: Endpoint, events: list[Any]) -> None:
    pictured = endpoint.sticker_pictures
    batch = [parse.event(event, sticker_pictures=pictured) for event in events]
    raw = lambda: [parse.as_bytes(event) for event in events]  # noqa: E731 - made when one fails
    intake.store(intake.Call(endpoint.source, batch, raw=raw))


def _answer_draft(endpoint: Endpoint, raw: bytes) -> Answer:
    """S3: nothing is stored before the secret is known; the form shows that a call came."""
    _note_call(endpoint)
    try:
        has_events = bool(parse.body(raw))
    except parse.BadBody:
        return {"error": "no webhook body"}, 400
    return ({"error": "this channel has no secret yet"}, 503) if has_events else ({}, 200)


def _note_call(endpoint: Endpoint) -> None:
    with transaction.writing():
        db.session.execute(
            update(Channel).where(Channel.id == endpoint.source.id).values(called_at=now())
        )


def _body(call: Request) -> bytes | None:
    """At most 1 MB of raw bytes, or None. A length that is announced is not even read."""
    if (call.content_length or 0) > LARGEST_BODY:
        return None
    raw = call.stream.read(LARGEST_BODY + 1)
    return None if len(raw) > LARGEST_BODY else raw


def _endpoint(key: str) -> Endpoint | None:
    hashed = key_hash(key)
    kept = _endpoints.get(hashed)
    if kept and time.monotonic() - kept.read_at < KEPT_SECONDS:
        return kept
    channel = db.session.scalar(
        select(Channel).where(Channel.key_hash == hashed, Channel.kind == "line")
    )
    db.session.rollback()
    if channel is None or channel.state == "deleted":
        _endpoints.pop(hashed, None)
        return None
    endpoint = Endpoint(
        source=inbox.Source.of(channel),
        state=channel.state,
        secrets=Credentials.of(channel).accepted_secrets(),
        bot_id=channel.external_id,
        sticker_pictures=Options.of(channel).sticker_pictures,
        read_at=time.monotonic(),
    )
    _endpoints[hashed] = endpoint
    return endpoint


def _count(counter: dict[int, int], channel_id: int) -> None:
    with _lock:
        counter[channel_id] = counter.get(channel_id, 0) + 1

"""Kept-back events: those that could not be taken in, with their bytes and what was wrong (S6).

They are rows of receipts. Trying one again is for `inbox`; how often, and until when, is said here.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from app.clock import now
from app.domain.upsert import insert
from app.extensions import db
from app.models import Channel, Receipt

RETRY_AFTER = timedelta(seconds=30)
MOST_ATTEMPTS = 5

_KEPT = insert(Receipt.__table__).on_conflict_do_nothing()


class BadEvent(Exception):
    """An event that the channel's parser could not read; the text is its reason."""


def keep(channel_id: int, key: str, body: bytes, problem: Exception) -> None:
    """Keep an event that failed, to be tried again."""
    values: dict[str, Any] = {
        "channel_id": channel_id,
        "event_key": key,
        "received_at": now(),
        "error": _reason(problem),
        "raw": body,
        "attempts": 1,
        "due_at": now() + RETRY_AFTER,
    }
    db.session.connection().execute(_KEPT, values)


def failed_again(receipt: Receipt, problem: Exception) -> None:
    """After five tries it stays, visible to admins."""
    receipt.attempts += 1
    receipt.error = _reason(problem)
    receipt.due_at = None if receipt.attempts >= MOST_ATTEMPTS else now() + RETRY_AFTER


def due(*, limit: int = 20) -> Sequence[Receipt]:
    """Failed events whose next try is due."""
    query = select(Receipt).where(Receipt.due_at <= now()).order_by(Receipt.due_at).limit(limit)
    return db.session.scalars(query).all()


def of_channel(channel: Channel, *, limit: int = 50) -> Sequence[Receipt]:
    """Failed events of a channel, newest first, for its admins."""
    query = select(Receipt).where(Receipt.channel_id == channel.id, Receipt.error.is_not(None))
    return db.session.scalars(query.order_by(Receipt.id.desc()).limit(limit)).all()


def find(channel: Channel, receipt_id: int) -> Receipt | None:
    return db.session.scalar(
        select(Receipt).where(
            Receipt.id == receipt_id,
            Receipt.channel_id == channel.id,
            Receipt.error.is_not(None),
        )
    )


def counts() -> dict[int, int]:
    """How many events are kept back, by channel id."""
    query = select(Receipt.channel_id, func.count()).where(Receipt.error.is_not(None))
    return dict(db.session.execute(query.group_by(Receipt.channel_id)).all())


def given_up_count() -> int:
    """How many are not tried any more, and wait for an admin; of channels that are still there."""
    query = select(func.count()).select_from(Receipt).join(Channel, Channel.id == Receipt.channel_id)
    is_given_up = (Receipt.error.is_not(None), Receipt.raw.is_not(None), Receipt.due_at.is_(None))
    return db.session.scalar(query.where(*is_given_up, Channel.state != "deleted")) or 0


def about(channel_id: int, message_id: str) -> Iterator[Receipt]:
    """Those of a channel whose bytes name this message of the provider's."""
    query = select(Receipt).where(Receipt.channel_id == channel_id, Receipt.raw.is_not(None))
    for receipt in db.session.scalars(query).all():
        if _has_id(_parsed(receipt.raw or b""), message_id):
            yield receipt


def _has_id(value: Any, id_: str) -> bool:
    """Whether some object in this JSON is called this."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if str(one.get("id")) == id_:
                return True
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return False


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _reason(problem: Exception) -> str:
    if isinstance(problem, BadEvent):
        return str(problem)
    return f"{type(problem).__name__}: {problem}"[:500]

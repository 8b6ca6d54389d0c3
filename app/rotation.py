"""Encrypting everything that is kept anew with the newest key, beside the running Mado.

It goes through each place in portions, each a short transaction of its own. What the newest key made
already is left alone, so a run that was killed goes on with the next one; and a row that somebody
changed in between keeps what they wrote. What no key reads is counted and left as it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import InvalidToken
from sqlalchemy import Column, Text, literal, select, type_coerce, update

from app import encryption, transaction
from app.domain import webhook_calls
from app.extensions import db
from app.models import Agent, Attachment, Channel, Setting

PORTION = 200


@dataclass(frozen=True)
class Place:
    """A column of encrypted text, and whom it belongs to in words; `only` is the row, where it is one."""

    words: str
    column: Column[Any]
    only: str | None = None

    @property
    def key(self) -> Column[Any]:
        return next(iter(self.column.table.primary_key))


PLACES = (
    Place("Tokens and secrets of channels", Channel.__table__.c.credentials),
    Place("Webhook addresses of channels", Channel.__table__.c.key),
    Place("Links of sent files", Attachment.__table__.c.public_token),
    Place("Second factors", Agent.__table__.c.totp_seed),
    Place("The secret of webhook calls", Setting.__table__.c.value, only=webhook_calls.KEPT_AS),
)


@dataclass
class Count:
    """How many of a place were encrypted anew, were of the newest key already, or can't be read."""

    renewed: int = 0
    newest: int = 0
    unreadable: int = 0


def rotate() -> Iterator[tuple[Place, Count]]:
    """Encrypt all of it anew; after each place what came of it."""
    for place in PLACES:
        yield place, _rotate(place)


def _rotate(place: Place) -> Count:
    count, last = Count(), None
    while True:
        with transaction.writing():
            rows = _portion(place, last)
            for key, kept in rows:
                _renew(place, key, kept, count)
        if len(rows) < PORTION:
            return count
        last = rows[-1][0]


def _portion(place: Place, last: Any) -> list[tuple[Any, str]]:
    """The next rows as they are kept: nothing decrypts them on the way."""
    kept = type_coerce(place.column, Text)
    query = select(place.key, kept).where(place.column.is_not(None)).order_by(place.key)
    if place.only is not None:
        query = query.where(place.key == place.only)
    if last is not None:
        query = query.where(place.key > last)
    return [(key, text) for key, text in db.session.execute(query.limit(PORTION))]


def _renew(place: Place, key: Any, kept: str, count: Count) -> None:
    if encryption.is_newest(kept):
        count.newest += 1
        return
    try:
        renewed = literal(encryption.encrypt(encryption.decrypt(kept)), Text)
    except InvalidToken:
        count.unreadable += 1
        return
    is_as_read = (place.key == key, type_coerce(place.column, Text) == kept)
    statement = update(place.column.table).where(*is_as_read).values({place.column: renewed})
    count.renewed += db.session.execute(statement).rowcount  # type: ignore[attr-defined]

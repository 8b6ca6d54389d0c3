"""Settings of the whole installation: their names, defaults, and what they accept."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select

from app.domain import events
from app.domain.agents import Refused
from app.domain.upsert import insert
from app.extensions import db
from app.models import Agent, Setting

LONGEST_INACTIVITY_MINUTES = 1440
LARGEST_FILE_MEGABYTES = 200
MEGABYTE = 1_000_000
SECOND_FACTOR = "sign_in.second_factor"


def inactivity_minutes(text: str) -> int:
    """Whole minutes from 1 to 1440 (S19). Raise Refused with what to type instead."""
    text = text.strip()
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= LONGEST_INACTIVITY_MINUTES):
        raise Refused("Minutes must be a whole number from 1 to 1440.")
    return int(text)


def largest_megabytes(text: str) -> int:
    """Whole megabytes from 1 to 200. Raise Refused with what to type instead."""
    text = text.strip()
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= LARGEST_FILE_MEGABYTES):
        raise Refused("Megabytes must be a whole number from 1 to 200.")
    return int(text)


def yes_or_no(text: str) -> int:
    if text.strip().lower() not in ("0", "1", "no", "yes", "off", "on"):
        raise Refused("Say yes or no.")
    return int(text.strip().lower() in ("1", "yes", "on"))


def who_must(text: str) -> int:
    """0, 1 or 2. Raise Refused with what to say instead."""
    if text.strip() not in ("0", "1", "2"):
        raise Refused("Say 0 (nobody), 1 (admins) or 2 (everybody).")
    return int(text)


@dataclass(frozen=True)
class Known:
    """One setting: its default, how text becomes its value, and its meaning."""

    default: int
    parse: Callable[[str], int]
    meaning: str


KNOWN = {
    "chats.inactivity_minutes": Known(
        10, inactivity_minutes, "A chat ends after this many minutes without a message."
    ),
    "chats.put_back_abandoned": Known(
        1, yes_or_no, "A waiting chat goes back to New when its agent's page is gone for 2 minutes."
    ),
    "media.largest_mb": Known(
        50, largest_megabytes, "Larger files of messages, in megabytes, are neither fetched nor sent."
    ),
    SECOND_FACTOR: Known(
        0, who_must, "Who must use a second factor to sign in: 0 nobody, 1 admins, 2 everybody."
    ),
}


def get(name: str) -> int:
    """The value now. Raise KeyError for an unknown name."""
    known = KNOWN[name]
    kept = db.session.scalar(select(Setting.value).where(Setting.name == name))
    return known.parse(kept) if kept is not None else known.default


def put(name: str, text: str, *, by: Agent | None = None) -> int:
    """Check and keep a value. Raise KeyError for an unknown name, Refused for a bad value."""
    value = KNOWN[name].parse(text)
    old = get(name)
    statement = insert(Setting).values(name=name, value=str(value))
    db.session.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"value": str(value)})
    )
    if value != old:
        events.record("setting.changed", by=by, name=name, old=old, new=value)
    return value

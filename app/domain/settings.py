"""Settings of the whole installation: their names, defaults, and what they accept."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from app.domain import events, hot
from app.domain.agents import Refused
from app.domain.upsert import insert
from app.extensions import db
from app.models import Agent, Setting

LONGEST_INACTIVITY_MINUTES = 1440
LARGEST_FILE_MEGABYTES = 200
MEGABYTE = 1_000_000
LONGEST_OPENING_MINUTES = 60
MOST_GIVEN = 100
INACTIVITY = "chats.inactivity_minutes"
PUT_BACK = "chats.put_back_abandoned"
LARGEST_FILE = "media.largest_mb"
GIVES_OUT = "chats.given_out"
GIVEN_MINUTES = "chats.given_minutes"
GIVEN_AT_ONCE = "chats.given_at_once"
SECOND_FACTOR = "sign_in.second_factor"

KEPT = hot.Statement(
    select(Setting.__table__.c.value).where(Setting.__table__.c.name == bindparam("name"))
)


def inactivity_minutes(text: str) -> int:
    """Whole minutes from 1 to 1440 (S19). Raise Refused with what to type instead."""
    return _whole(text, 1, LONGEST_INACTIVITY_MINUTES, "Minutes must be a whole number from 1 to 1440.")


def largest_megabytes(text: str) -> int:
    """Whole megabytes from 1 to 200. Raise Refused with what to type instead."""
    return _whole(text, 1, LARGEST_FILE_MEGABYTES, "Megabytes must be a whole number from 1 to 200.")


def opening_minutes(text: str) -> int:
    """Whole minutes from 1 to 60. Raise Refused with what to type instead."""
    return _whole(text, 1, LONGEST_OPENING_MINUTES, "Minutes must be a whole number from 1 to 60.")


def most_given(text: str) -> int:
    """A whole number from 0 to 100. Raise Refused with what to type instead."""
    return _whole(text, 0, MOST_GIVEN, "Chats must be a whole number from 0 to 100; 0 sets no limit.")


def _whole(text: str, least: int, most: int, otherwise: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and least <= int(text[:6]) <= most):
        raise Refused(otherwise)
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
    INACTIVITY: Known(
        10, inactivity_minutes, "A chat ends after this many minutes without a message."
    ),
    PUT_BACK: Known(
        1, yes_or_no, "A waiting chat goes back to New when its agent's page is gone for 2 minutes."
    ),
    GIVES_OUT: Known(0, yes_or_no, "Each new chat is given to the agent who is there and has the fewest."),
    GIVEN_MINUTES: Known(
        2, opening_minutes, "A chat that was given out goes on to the next after this many minutes unopened."
    ),
    GIVEN_AT_ONCE: Known(
        5, most_given, "Who has this many chats is given no more; 0 sets no limit."
    ),
    LARGEST_FILE: Known(
        50, largest_megabytes, "Larger files of messages, in megabytes, are neither fetched nor sent."
    ),
    SECOND_FACTOR: Known(
        0, who_must, "Who must use a second factor to sign in: 0 nobody, 1 admins, 2 everybody."
    ),
}


def get(name: str) -> int:
    """The value now. Raise KeyError for an unknown name."""
    known, text = KNOWN[name], kept(name)
    return known.parse(text) if text is not None else known.default


def kept(name: str) -> str | None:
    """The text that is kept under any name; every message and every new chat asks for some."""
    found: str | None = hot.value(KEPT, name=name)
    return found


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

"""Single fields of LINE's JSON, read tolerantly: what is missing or of a wrong type is nothing.

Nothing here trusts a field to be there, and nothing raises.
"""

from datetime import UTC, datetime
from typing import Any

from app.clock import now
from app.domain.characters import storable

LONGEST_TEXT = 20_000
LONGEST_ID = 100
LONGEST_NAME = 255
LONGEST_ADDRESS = 2_000


def plain(value: Any) -> str:
    """Text normalised once at entry."""
    return storable(value) if isinstance(value, str) else ""


def words(value: Any, longest: int = 300) -> str:
    """One short line of text."""
    return " ".join(plain(value)[: longest * 4].split())[:longest]


def filename(value: Any) -> str:
    """The last part of a path, without characters that nobody sees (T6)."""
    last = plain(value)[-4 * LONGEST_NAME :].replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(one for one in last if one.isprintable()).strip()[:LONGEST_NAME]


def object_(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def items(value: Any, most: int = 200) -> list[Any]:
    return value[:most] if isinstance(value, list) else []


def id_(value: Any) -> str | None:
    """An id as text; a number is taken too, anything else is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**30 else ""
    cleaned = plain(value)
    return cleaned if 0 < len(cleaned) <= LONGEST_ID else None


def whole(value: Any, most: int) -> int | None:
    """A whole number from 0 to `most`."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and 0 <= value <= most else None


def degrees(value: Any, most: float) -> float | None:
    """A coordinate that lies on Earth."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and -most <= value <= most else None


def token(value: Any) -> str | None:
    """A reply token; LINE's old "Verify" sent dummies of one character."""
    found = plain(value)
    is_dummy = not found.strip("0") or not found.strip("f")
    return None if is_dummy or len(found) > 300 else found


def moment(value: Any) -> datetime:
    """LINE's milliseconds; our clock where they can't be a time of ours."""
    if isinstance(value, int | float) and 0 < value < 4_102_444_800_000:
        return datetime.fromtimestamp(value / 1000, UTC)
    return now()


def clean(value: Any, depth: int = 0) -> Any:
    """A copy that every database can keep, however deep or long the original."""
    if isinstance(value, str):
        return plain(value)[:LONGEST_TEXT]
    if depth > 20 or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, dict):
        return {plain(key)[:100]: clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item, depth + 1) for item in value[:200]]
    return value

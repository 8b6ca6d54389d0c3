"""What the account sent besides text, as a phone shows it: media it fetches itself, and cards.

A phone fetches what it shows from the address it was told, when it shows it; so does this page, as
long as the address is on this machine. Any other host is never asked: there is a link instead.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Where this page may fetch from, in the words of a content policy, which knows no IPv6 addresses.
SOURCES = "http://127.0.0.1:* http://localhost:*"
MOST_LINES = 20


@dataclass(frozen=True)
class Received:
    """One medium or card. `shown` and `preview` are addresses that the page fetches, else empty."""

    shown: str = ""
    preview: str = ""
    link: str = ""
    lines: tuple[str, ...] = ()
    seconds: int | None = None


def of(body: dict[str, Any]) -> Received:
    original, preview = _text(body.get("originalContentUrl")), _text(body.get("previewImageUrl"))
    duration = body.get("duration")
    return Received(
        shown=original if is_near(original) else "",
        preview=preview if is_near(preview) else "",
        link=original or _first_link(body.get("contents")),
        lines=tuple(_texts(body.get("contents")))[:MOST_LINES],
        seconds=round(duration / 1000) if isinstance(duration, int | float) else None,
    )


def is_near(url: str) -> bool:
    """Whether the address is on this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname in LOOPBACK


def _texts(part: Any) -> list[str]:
    """Every text of a flex container, in its order."""
    if isinstance(part, list):
        return [text for one in part for text in _texts(one)]
    if not isinstance(part, dict):
        return []
    own = [part["text"]] if part.get("type") == "text" and isinstance(part.get("text"), str) else []
    return own + [text for name in ("header", "body", "footer", "contents") for text in _texts(part.get(name))]


def _first_link(part: Any) -> str:
    if isinstance(part, list):
        return next(filter(None, map(_first_link, part)), "")
    if not isinstance(part, dict):
        return ""
    action = part.get("action")
    own = _text(action.get("uri")) if isinstance(action, dict) else ""
    return own if own.startswith(("http://", "https://")) else _first_link(list(part.values()))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

"""What a LINE message of each type brings: words to read, files to fetch, its place among others.

Shapes: LINE.md 1.4. It refuses to say how anything is shown; that is rendering.py's.
"""

from collections.abc import Callable
from typing import Any

from app.channels.base import InboundFile
from app.channels.line.fields import (
    LONGEST_ADDRESS,
    LONGEST_TEXT,
    filename,
    id_,
    items,
    object_,
    plain,
    whole,
    words,
)
from app.channels.line.runs import runs

LARGEST_SIZE = 2**63 - 1
LONGEST_DURATION = 2**31 - 1
MOST_KEYWORDS = 3
LONGEST_TOKEN = 1_000
# Where LINE's own shop shows stickers; documented nowhere, so nothing breaks without it (LINE.md 6).
STICKER = "https://stickershop.line-scdn.net/stickershop/v1/sticker/{id}/android/sticker.png"
FILE_KINDS = frozenset({"image", "video", "audio", "file"})


def text(kind: str, message: dict[str, Any]) -> str:
    """What can be read of a message; empty where there is nothing."""
    read = _TEXTS.get(kind)
    return read(message)[:LONGEST_TEXT] if read else ""


def files(
    kind: str, message: dict[str, Any], *, sticker_pictures: bool = False
) -> tuple[InboundFile, ...]:
    """What is to be fetched; `url` where LINE's content API does not hold it."""
    if kind == "sticker" and sticker_pictures:
        return _sticker_picture(plain(message.get("stickerId")))
    if kind not in FILE_KINDS:
        return ()
    one = InboundFile(
        kind=kind,
        filename=filename(message.get("fileName")),
        size=whole(message.get("fileSize"), LARGEST_SIZE),
        duration_ms=whole(message.get("duration"), LONGEST_DURATION),
        url=_external_url(object_(message.get("contentProvider"))),
    )
    return (one,)


def album(message: dict[str, Any]) -> tuple[str | None, int | None]:
    """The set a picture belongs to, and its place; index may be missing (LINE.md 1.4)."""
    set_ = object_(message.get("imageSet"))
    key = id_(set_.get("id"))
    return key, whole(set_.get("index"), 10_000) if key else None


def quote_token(message: dict[str, Any]) -> str | None:
    """Texts, stickers, pictures and videos can be quoted (LINE.md 1.4)."""
    found = plain(message.get("quoteToken"))
    return found if 0 < len(found) <= LONGEST_TOKEN else None


def postback(postback: dict[str, Any]) -> str:
    """What somebody chose: the button's data, and a date or time that was picked with it."""
    params = object_(postback.get("params"))
    picked = [words(params.get(name), 40) for name in ("date", "time", "datetime")]
    return " · ".join(part for part in (words(postback.get("data")), *picked) if part)


def _sticker_picture(sticker_id: str) -> tuple[InboundFile, ...]:
    is_number = sticker_id.isascii() and sticker_id.isdigit() and len(sticker_id) <= 20
    return (InboundFile("image", url=STICKER.format(id=sticker_id)),) if is_number else ()


def _external_url(provider: dict[str, Any]) -> str | None:
    url = plain(provider.get("originalContentUrl"))
    is_one = provider.get("type") == "external" and 0 < len(url) <= LONGEST_ADDRESS
    return url if is_one else None


def _text(message: dict[str, Any]) -> str:
    return "".join(run.text for run in runs(message))


def _sticker(message: dict[str, Any]) -> str:
    """What is written on it; else some of the words that LINE finds it by."""
    if written := words(message.get("text")):
        return written
    keywords = [words(one, 60) for one in items(message.get("keywords"))]
    return ", ".join([one for one in keywords if one][:MOST_KEYWORDS])


def _file(message: dict[str, Any]) -> str:
    return filename(message.get("fileName"))


def _location(message: dict[str, Any]) -> str:
    lines = (words(message.get("title")), words(message.get("address"), 500))
    return "\n".join(dict.fromkeys(line for line in lines if line))


_TEXTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "text": _text,
    "sticker": _sticker,
    "file": _file,
    "location": _location,
}

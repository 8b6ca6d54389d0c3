"""A stored LINE message as a page shows it: the one place that knows what stands in its payload.

It reads what parse.py once kept, still trusting nothing, and raises for nothing.
"""

from collections.abc import Callable
from typing import Any

from app.channels.base import Place, Run, Shown
from app.channels.line import contents
from app.channels.line.fields import degrees, id_, words
from app.channels.line.runs import runs

MAP = "https://www.google.com/maps/search/?api=1&query={latitude:.6f}%2C{longitude:.6f}"


def show(kind: str, text: str, payload: dict[str, Any]) -> Shown:
    """The message's parts; a type that LINE invented since is named."""
    is_quoting = id_(payload.get("quotedMessageId")) is not None
    if kind in contents.FILE_KINDS:
        return Shown(is_quoting=is_quoting)
    if kind == "text":
        taken_apart = runs(payload) or ((Run(text),) if text else ())
        return Shown(runs=taken_apart, is_quoting=is_quoting)
    describe = _KINDS.get(kind)
    return describe(text, payload, is_quoting) if describe else Shown(unknown=kind)


def _sticker(text: str, payload: dict[str, Any], is_quoting: bool) -> Shown:
    return Shown(sticker=text, is_quoting=is_quoting)


def _location(text: str, payload: dict[str, Any], is_quoting: bool) -> Shown:
    latitude = degrees(payload.get("latitude"), 90)
    longitude = degrees(payload.get("longitude"), 180)
    is_known = latitude is not None and longitude is not None
    return Shown(
        place=Place(
            title=words(payload.get("title")),
            address=words(payload.get("address"), 500),
            map_url=MAP.format(latitude=latitude, longitude=longitude) if is_known else None,
        )
    )


_KINDS: dict[str, Callable[[str, dict[str, Any], bool], Shown]] = {
    "sticker": _sticker,
    "location": _location,
}

"""A LINE text taken apart: its own emoji, who is mentioned, and what stands between.

A LINE emoji is in the text as its word in brackets, or as bare brackets. Where it stands is told
in UTF-16 units, as far as anybody knows; so a slice counts only where it looks like an emoji or a
mention, and is looked for by characters else (LINE.md 1.4).
"""

from collections.abc import Iterator
from typing import Any

from app.channels.base import Run
from app.channels.line.fields import LONGEST_TEXT, items, object_, plain, whole

Slice = tuple[int, int, Run]
NAMELESS = "(emoji)"


def runs(message: dict[str, Any]) -> tuple[Run, ...]:
    """The pieces of a text message in order; joined they are what can be read of it."""
    text = plain(message.get("text"))[:LONGEST_TEXT]
    found: list[Run] = []
    at = 0
    for begin, end, run in sorted(_slices(text, message), key=lambda one: one[:2]):
        if begin < at:
            continue
        found += [Run(text[at:begin]), run]
        at = end
    return tuple(run for run in (*found, Run(text[at:])) if run.text)


def _slices(text: str, message: dict[str, Any]) -> Iterator[Slice]:
    for emoji in items(message.get("emojis")):
        if place := _place(text, object_(emoji), "("):
            word = text[slice(*place)]
            yield (*place, Run(word if word[1:-1].strip() else NAMELESS, "emoji"))
    for mentionee in items(object_(message.get("mention")).get("mentionees")):
        if place := _place(text, object_(mentionee), "@"):
            is_self = object_(mentionee).get("isSelf") is True
            yield (*place, Run(text[slice(*place)], "mention", is_self))


def _place(text: str, entity: dict[str, Any], begins_with: str) -> tuple[int, int] | None:
    index = whole(entity.get("index"), LONGEST_TEXT)
    length = whole(entity.get("length"), LONGEST_TEXT)
    if index is None or not length:
        return None
    for begin, end in (_by_units(text, index, length), (index, index + length)):
        if end <= len(text) and text[begin:end].startswith(begins_with):
            return begin, end
    return None


def _by_units(text: str, index: int, length: int) -> tuple[int, int]:
    """Characters from and to, of a slice told in UTF-16 units; beyond the text where it fits none."""
    if text.isascii():
        return index, index + length
    units = text.encode("utf-16-le")
    if 2 * (index + length) > len(units):
        return 0, len(text) + 1
    before = units[: 2 * index].decode("utf-16-le", "replace")
    inside = units[2 * index : 2 * (index + length)].decode("utf-16-le", "replace")
    return len(before), len(before) + len(inside)

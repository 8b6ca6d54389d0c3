"""Where a text has what was searched for, for a page to mark; no HTML is made here."""

import re
import unicodedata
from collections.abc import Sequence

from app.domain.search.scripts import CONNECTOR, CONNECTORS, INVISIBLE, LETTER_OR_MARK, SEGMENT
from app.domain.search.tokens import INDEXED_LENGTH, QUERY_LENGTH, normal

SHOWN = 160
BEFORE_HIT = 40

# Half-width sound marks join the character before them when they are normalised.
_JOINING = "\uff9e\uff9f"

Part = tuple[str, bool]
Place = tuple[int, int]


def snippet(text: str, q: str, *, length: int = SHOWN) -> list[Part]:
    """Parts of the text around the first hit, each with whether it is a hit; joined they read on.

    `…` stands where the text was cut. A text without a hit is shown from its beginning.
    """
    text = " ".join(text[:INDEXED_LENGTH].split())
    hits = _hits(text, q)
    start = max(0, hits[0][0] - BEFORE_HIT) if hits and len(text) > length else 0
    end = max(start + length, hits[0][1]) if hits else start + length
    parts = [("…", False)] if start else []
    at = start
    for begin, stop in hits:
        if begin >= end:
            break
        parts += [(text[at:begin], False), (text[begin : min(stop, end)], True)]
        at = min(stop, end)
    parts += [(text[at:end], False), ("…" if end < len(text) else "", False)]
    return [part for part in parts if part[0]]


def _hits(text: str, q: str) -> list[Place]:
    """Places in the text, in order, none over another."""
    pattern = _pattern(q)
    if pattern is None:
        return []
    normalised, origin = _normalised(text)
    apart: list[Place] = []
    for match in re.finditer(pattern, normalised):
        begin, stop = origin[match.start()][0], origin[match.end() - 1][1]
        if apart:
            # Two hits may share a character of the text that normalising made two of.
            begin = max(begin, apart[-1][1])
        if begin < stop:
            apart.append((begin, stop))
    return apart


def _pattern(q: str) -> str | None:
    runs = normal(q[: QUERY_LENGTH * 5])[:QUERY_LENGTH].split()
    patterns = [_run_pattern(run) for run in runs if SEGMENT.search(run)]
    return "|".join(sorted(patterns, key=len, reverse=True)) or None


def _run_pattern(run: str) -> str:
    """As tokens.py looks for it: segments in a row, whatever stands between them."""
    patterns = []
    for match in SEGMENT.finditer(run):
        if match.lastindex == 1:
            patterns.append(re.escape(match[1]))
        else:
            joined = "".join(CONNECTOR.split(match[2]))
            patterns.append(
                f"(?<!{LETTER_OR_MARK})" + f"[{CONNECTORS}]?".join(map(re.escape, joined))
            )
    between = rf"(?:(?!{LETTER_OR_MARK}).){{0,8}}?"
    return between.join(patterns)


def _normalised(text: str) -> tuple[str, Sequence[Place]]:
    """The normalised text, and for each of its characters where in the text it came from."""
    whole = normal(text)
    is_even = len(whole) == len(text) and not INVISIBLE.search(text)
    if is_even and unicodedata.is_normalized("NFKC", text):
        return whole, [(at, at + 1) for at in range(len(text))]
    characters: list[str] = []
    origin: list[Place] = []
    for begin, stop in _clusters(text):
        normalised = normal(text[begin:stop])
        characters.append(normalised)
        origin.extend([(begin, stop)] * len(normalised))
    return "".join(characters), origin


def _clusters(text: str) -> list[Place]:
    """A character with the marks that normalising may melt into it."""
    starts = [
        at
        for at, character in enumerate(text)
        if at == 0 or not (unicodedata.combining(character) or character in _JOINING)
    ]
    return list(zip(starts, [*starts, len(text)][1:], strict=True))

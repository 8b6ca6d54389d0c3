"""Text as LINE counts it: UTF-16 units, 5,000 a message object, 5 objects a call.

Source: LINE's reference, "Text message" and "Character counting in a text".
"""

import re

from app.channels.line.graphemes import is_border, last_border
from app.domain.characters import units

LIMIT_UNITS = 5_000
MOST_PARTS = 5
# Where one would pause, the best first: after a paragraph, a line, a sentence, a phrase, a word.
PAUSES = tuple(
    map(re.compile, (r"\n\s*\n", r"\n", r"[。！？｡]+[」』）”’]*|[.!?…]+[”’\")]*\s", r"[、，；：,;:]\s?", r"\s"))
)


def split(text: str) -> list[str]:
    """Parts of at most 5,000 units, cut where one would pause, and never inside a character.

    What people read as one character may be many (an emoji family, a Thai syllable). Where pauses
    would make more parts than a call may have, each part is filled instead: LINE refuses all of
    a call or none. White space at the cuts is left out.
    """
    parts: list[str] = []
    rest = text
    while units(rest) > LIMIT_UNITS:
        fullest = _fullest(rest)
        cut = _pause(rest, fullest)
        if len(parts) + 1 + _fewest(rest[cut:]) > MOST_PARTS:
            cut = fullest
        parts.append(rest[:cut])
        rest = _without_leading_space(rest[cut:])
    return [*parts, rest] if rest or not parts else parts


def _fullest(text: str) -> int:
    """How many characters fit into one part without tearing one."""
    count = 0
    for place, character in enumerate(text):
        count += 2 if character > "\uffff" else 1
        if count > LIMIT_UNITS:
            return last_border(text, place)
    return len(text)


def _fewest(text: str) -> int:
    """How many parts it takes when each is filled; counting stops at what a call takes."""
    count = 0
    while text and count <= MOST_PARTS:
        text = text[_fullest(text) :]
        count += 1
    return count


def _pause(text: str, fullest: int) -> int:
    """The last good place to pause in the second half of what fits."""
    for pattern in PAUSES:
        ends = (found.end() for found in pattern.finditer(text, fullest // 2, fullest))
        place = max((end for end in ends if is_border(text, end)), default=0)
        if place:
            return place
    return fullest


def _without_leading_space(text: str) -> str:
    start = 0
    while start < len(text) and text[start].isspace() and is_border(text, start + 1):
        start += 1
    return text[start:]

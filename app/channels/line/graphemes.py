"""Where a text may be cut without tearing what people read as one character (L5).

Python's standard library cannot segment text, but to cut it one needs less: to know a place where a
cut is certainly harmless. This is stricter than Unicode's clusters (UAX #29) and never looser: Thai
and Lao vowels stay with the consonant they are written before, and nothing is cut after a virama.
"""

import unicodedata

ZERO_WIDTH_JOINER = "\u200d"
REGIONAL = range(0x1F1E6, 0x1F200)
MODIFIERS = range(0x1F3FB, 0x1F400)
TAGS = range(0xE0000, 0xE1000)
HANGUL_FIRST = (range(0x1100, 0x1160), range(0xA960, 0xA97D))
HANGUL_LATER = (range(0x1160, 0x1200), range(0xD7B0, 0xD800))
HANGUL_SYLLABLES = (range(0xAC00, 0xD7A4),)
# Letters by category, parts of the character before them: Thai and Lao AM, halfwidth voiced marks.
FOLLOWING = frozenset("\u200c\u0e33\u0eb3\uff9e\uff9f")
# Written before the letter they belong to: Thai and Lao vowels, number signs, a few Indic marks.
LEADING = frozenset("เแโใไເແໂໃໄ\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0d4e\u0890\u0891\u08e2")
VIRAMA_CLASS = 9


def is_border(text: str, place: int) -> bool:
    """Whether nothing that belongs together stands on both sides of this place."""
    if place <= 0 or place >= len(text):
        return True
    before, after = text[place - 1], text[place]
    if before == "\r" and after == "\n":
        return False
    if before in "\r\n":
        return True
    if before == ZERO_WIDTH_JOINER or before in LEADING or _follows(after):
        return False
    if unicodedata.combining(before) == VIRAMA_CLASS:
        return False
    if _is_regional(before) and _is_regional(after):
        return _regionals_before(text, place) % 2 == 0
    return not _is_one_syllable(before, after)


def last_border(text: str, place: int) -> int:
    """The last such place up to this one; this one itself where there is none."""
    return next((at for at in range(place, 0, -1) if is_border(text, at)), place)


def _follows(character: str) -> bool:
    code = ord(character)
    return (
        character in FOLLOWING
        or character == ZERO_WIDTH_JOINER
        or code in MODIFIERS
        or code in TAGS
        or unicodedata.category(character).startswith("M")
    )


def _is_regional(character: str) -> bool:
    return ord(character) in REGIONAL


def _regionals_before(text: str, place: int) -> int:
    """How many regional indicators stand right before: two make a flag."""
    start = place
    while start and _is_regional(text[start - 1]):
        start -= 1
    return place - start


def _is_one_syllable(before: str, after: str) -> bool:
    """Whether two Hangul letters are written as one block."""
    if _is_in(after, HANGUL_LATER):
        return _is_in(before, HANGUL_FIRST + HANGUL_LATER + HANGUL_SYLLABLES)
    return _is_in(before, HANGUL_FIRST) and _is_in(after, HANGUL_FIRST + HANGUL_SYLLABLES)


def _is_in(character: str, blocks: tuple[range, ...]) -> bool:
    return any(ord(character) in block for block in blocks)

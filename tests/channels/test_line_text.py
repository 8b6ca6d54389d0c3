"""Long texts become as few messages as LINE takes in one call, and no character is torn (L5)."""

import random
import unicodedata

import pytest

from app.channels.line.graphemes import is_border
from app.channels.line.text import LIMIT_UNITS, MOST_PARTS, split, units

LONG = {
    "short lines": ("a" * 2999 + "\n") * 8,
    "words": ("word " * 5_000)[:25_000],
    "one word": "a" * 25_000,
    "lines at the limit": ("a" * 2600 + "\n") * 9 + "b" * 1_000,
    "emoji beyond the BMP": "😀" * 12_500,
}
ONE_CHARACTER = {
    "surrogate pair": "😀",
    "family": "👨‍👩‍👧‍👦",
    "skin tone": "👍🏽",
    "flag": "🇯🇵",
    "flag of tags": "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "keycap": "1️⃣",
    "heart with its variation": "❤️",
    "combining accent": "e\u0301",
    "two marks": "a\u0323\u0302",
    "voiced kana": "か\u3099",
    "halfwidth voiced kana": "ｶﾞ",
    "Thai vowel and tone": "กี่",
    "Thai vowel before": "เก้า"[:3],
    "Thai am": "น้ำ",
    "Lao vowel before": "ໄກ່",
    "Hangul jamo": "\u1112\u1161\u11ab",
    "Devanagari conjunct": "क्षि",
}
LETTERS = [*ONE_CHARACTER.values(), *"ab.! \n。、?", "word ", "カナ", "\r\n", "\u3000", "ครับ "]


def random_text(seed: int) -> str:
    """Up to as much as a call takes, in one script mixed with all others."""
    chosen = random.Random(seed)
    return "".join(chosen.choices(LETTERS, k=chosen.randint(1, 6_000)))


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_long_text_never_needs_more_parts_than_a_call_takes(text):
    parts = split(text)
    assert len(parts) <= MOST_PARTS
    assert max(map(units, parts)) <= LIMIT_UNITS
    assert squeezed("".join(parts)) == squeezed(text)


@pytest.mark.parametrize("seed", range(60))
def test_any_text_comes_back_from_parts_that_fit_and_tear_nothing(seed):
    text = random_text(seed)

    parts = split(text)

    assert squeezed("".join(parts)) == squeezed(text)
    assert max(map(units, parts)) <= LIMIT_UNITS
    assert all(parts)
    assert [part for part in parts if unicodedata.category(part[0]).startswith("M")] == []
    assert [part[-2:] for part in parts if part[-1] in "\u200d\u0e40\u0e44"] == []


@pytest.mark.parametrize("character", ONE_CHARACTER.values(), ids=ONE_CHARACTER)
@pytest.mark.parametrize("shift", range(5))
def test_what_reads_as_one_character_is_in_one_part(character, shift):
    text = "x" * shift + character * (6_000 // units(character))

    first, second = split(text)

    assert first[shift:].replace(character, "") == ""
    assert second.replace(character, "") == ""


@pytest.mark.parametrize("character", ONE_CHARACTER.values(), ids=ONE_CHARACTER)
def test_a_border_is_around_a_character_and_nowhere_in_it(character):
    text = f"a{character}b"

    borders = [place for place in range(len(text) + 1) if is_border(text, place)]

    assert borders == [0, 1, len(text) - 1, len(text)]


def test_two_flags_are_cut_between_them_only():
    assert [place for place in range(5) if is_border("🇯🇵🇹🇭", place)] == [0, 2, 4]


def test_a_character_longer_than_a_message_is_cut_all_the_same():
    parts = split("a" + "\u0301" * 6_000)

    assert [units(part) for part in parts] == [5_000, 1_001]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a" * 3000 + "\n" + "b" * 3000, ["a" * 3000 + "\n", "b" * 3000]),
        ("a" * 3000 + "\n\n" + "b" * 1000 + "\n" + "c" * 3000, ["a" * 3000 + "\n\n", "b" * 1000 + "\n" + "c" * 3000]),
        ("a" * 3000 + ". b " + "c" * 3000, ["a" * 3000 + ". ", "b " + "c" * 3000]),
        ("あ" * 3000 + "。う、" + "い" * 3000, ["あ" * 3000 + "。", "う、" + "い" * 3000]),
        ("ก" * 3000 + " " + "ข" * 3000, ["ก" * 3000 + " ", "ข" * 3000]),
    ],
    ids=["line", "paragraph", "sentence", "Japanese sentence", "Thai phrase"],
)
def test_a_long_text_is_cut_where_one_would_pause(text, parts):
    assert split(text) == parts

"""Characters as people read them, and texts that are made to be slow."""

import time
import unicodedata

import pytest

from app.domain.characters import PIECE, compatible


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize(
    "words",
    ["ｶﾞｷﾞｸﾞ", "がぎぐ", "각갂", "ก้ำเก็บ", "Ａ１！", "e\u0301n\u0303", "ﬁлй́", "漢字 and words "],
)
def test_long_text_is_normalised_as_a_whole(words: str, before: int) -> None:
    text = "x" * before + words * PIECE
    assert compatible(text) == unicodedata.normalize("NFKC", text)


@pytest.mark.parametrize(
    "flood",
    ["\u0301\u0316" * 10_000, "\u0301" * 10_000 + "\u0316" * 10_000, "\u0f73" * 10_000],
    ids=["in turn", "one after another", "hidden"],
)
def test_flood_of_marks_takes_no_time(flood: str) -> None:
    """F23, T28: as a whole it took seconds to be put in order."""
    began = time.thread_time()
    compatible(flood)
    assert time.thread_time() - began < 0.2

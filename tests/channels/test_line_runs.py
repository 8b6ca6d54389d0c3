"""LINE texts taken apart, wherever their emoji and mentions are said to stand."""

import pytest

from app.channels.base import Run
from app.channels.line.runs import runs

WORDS = {
    "an emoji in a word": (
        {"text": "hi (hello)!", "emojis": [{"index": 3, "length": 7}]},
        (Run("hi "), Run("(hello)", "emoji"), Run("!")),
    ),
    "a bare emoji": (
        {"text": "() ok", "emojis": [{"index": 0, "length": 2}]},
        (Run("(emoji)", "emoji"), Run(" ok")),
    ),
    "after a picture of two units": (
        {"text": "😀(hi)", "emojis": [{"index": 2, "length": 4}]},
        (Run("😀"), Run("(hi)", "emoji")),
    ),
    "counted in characters": (
        {"text": "😀(hi)", "emojis": [{"index": 1, "length": 4}]},
        (Run("😀"), Run("(hi)", "emoji")),
    ),
    "a mention and the bot itself": (
        {
            "text": "@Yuki @Shop hi",
            "mention": {
                "mentionees": [
                    {"index": 6, "length": 5, "type": "user", "isSelf": True},
                    {"index": 0, "length": 5, "type": "user", "userId": "U1"},
                ]
            },
        },
        (
            Run("@Yuki", "mention"),
            Run(" "),
            Run("@Shop", "mention", is_self=True),
            Run(" hi"),
        ),
    ),
}
ODD = {
    "beyond the end": {"index": 90, "length": 5},
    "longer than the text": {"index": 0, "length": 999},
    "where no emoji is": {"index": 1, "length": 2},
    "negative": {"index": -4, "length": 2},
    "without length": {"index": 0},
    "of no length": {"index": 0, "length": 0},
    "as words": {"index": "0", "length": "5"},
    "a list": [],
    "true": {"index": True, "length": True},
}


@pytest.mark.parametrize(("message", "expected"), WORDS.values(), ids=WORDS)
def test_text_is_taken_apart(message, expected):  # L1
    assert runs(message) == expected


@pytest.mark.parametrize("slice_", ODD.values(), ids=ODD)
def test_slice_that_fits_nothing_leaves_the_text_as_it_is(slice_):  # L1
    message = {"text": "(hello) 😀", "emojis": [slice_], "mention": {"mentionees": [slice_]}}

    assert runs(message) == (Run("(hello) 😀"),)


def test_slices_over_each_other_lose_no_text():  # L1
    slices = [{"index": 0, "length": 7}, {"index": 0, "length": 3}, {"index": 2, "length": 2}]

    assert "".join(run.text for run in runs({"text": "(hello) x", "emojis": slices})) == "(hello) x"

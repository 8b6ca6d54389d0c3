"""How what a condition sees is compared with what the rule says: pure functions of both.

Texts are compared as people read them: without regard to case, width or composition. There are no
regular expressions: a badly made one could hold everybody up (T28).
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from app.domain import characters
from app.domain.search.scripts import UNSPACED, WORD
from app.models import PRIORITIES

Comparison = Callable[[Any, Any], bool]

_WORD = re.compile(WORD)
_UNSPACED = re.compile(f"[{UNSPACED}]")


def equals(seen: Any, value: Any) -> bool:
    return seen == value


def differs(seen: Any, value: Any) -> bool:
    return seen != value


def includes(seen: Sequence[Any], value: Any) -> bool:
    return value in seen


def at_least(seen: int | None, value: int) -> bool:
    return seen is not None and seen >= value


def less_than(seen: int | None, value: int) -> bool:
    return seen is not None and seen < value


def as_urgent(seen: str, value: str) -> bool:
    return PRIORITIES.index(seen) >= PRIORITIES.index(value)


def contains_all(seen: Sequence[int], value: Sequence[int]) -> bool:
    return set(value) <= set(seen)


def contains_any(seen: Sequence[int], value: Sequence[int]) -> bool:
    return not set(value).isdisjoint(seen)


def contains_none(seen: Sequence[int], value: Sequence[int]) -> bool:
    return set(value).isdisjoint(seen)


def text_is(seen: str, value: str) -> bool:
    return folded(seen) == folded(value)


def text_contains(seen: str, value: str) -> bool:
    return folded(value) in folded(seen)


def text_lacks(seen: str, value: str) -> bool:
    return not text_contains(seen, value)


def text_starts(seen: str, value: str) -> bool:
    return folded(seen).startswith(folded(value))


def has_any_word(seen: str, value: str) -> bool:
    """Whether one of the words stands in the text; inside it where its script has no spaces."""
    text = folded(seen)
    words = set(_WORD.findall(text))
    wanted = [word for part in value.split(",") for word in folded(part).split()]
    return any(word in (text if _UNSPACED.search(word) else words) for word in wanted)


def of_any(passes: Comparison) -> Comparison:
    """The comparison, holding when it holds for any of several texts."""
    return lambda seen, value: any(passes(one, value) for one in seen)


@lru_cache(maxsize=256)
def folded(text: str) -> str:
    """Without what people do not see as a difference, on one line.

    A pass of many rules asks for the same few texts again and again.
    """
    return " ".join(characters.compatible(text).casefold().split())

"""A page as a browser asks for it, and whether it shows what it must."""

import html
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from bench import load

PAGE = 50
_TAG = re.compile(r"<[^>]*>")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Asked:
    """What all of them are asked for: an order's number that one case names, a word that many do, a case
    like most, and one with many messages."""

    order: str
    word: str
    case: int
    long: int


@dataclass(frozen=True)
class View:
    """The requests that make up one page; `shown` reads from the last answer what it shows.

    A list and a search show cases: {number: subject}. An opened case shows texts: its whole page.
    """

    requests: tuple[bytes, ...]
    shown: Callable[[bytes], dict[int, str] | str]


def whole(page: bytes) -> str:
    return page.decode()


def refuse_other_list(
    shown: dict[int, str], wanted: Sequence[int], subject: Callable[[int], str]
) -> None:
    """A list must show these cases in this order, each with its subject."""
    if list(shown) != list(wanted):
        raise load.UnexpectedAnswer(f"cases {list(shown)[:5]}... instead of {list(wanted)[:5]}...")
    _refuse_other_subjects(shown, subject)


def refuse_other_hits(
    shown: dict[int, str], hits: Collection[int], subject: Callable[[int], str]
) -> None:
    """A search must show as many of these cases as the page holds, and no others."""
    if strangers := [number for number in shown if number not in hits]:
        raise load.UnexpectedAnswer(f"no hits, but shown: {strangers[:5]}")
    if len(shown) != min(PAGE, len(hits)):
        raise load.UnexpectedAnswer(f"{len(shown)} cases shown of {len(hits)} hits")
    _refuse_other_subjects(shown, subject)


def refuse_other_texts(shown: str, texts: Iterable[str]) -> None:
    """An opened case must show every message."""
    shown = _plain(shown)
    for said in texts:
        if _plain(html.escape(said)) not in shown:
            raise load.UnexpectedAnswer(f"a message is not on the page: {said!r}")


def _refuse_other_subjects(shown: dict[int, str], subject: Callable[[int], str]) -> None:
    for number, said in shown.items():
        if _plain(said) != _plain(html.escape(subject(number))):
            raise load.UnexpectedAnswer(
                f"case {number} is shown as {said!r}, not {subject(number)!r}"
            )


def _plain(page: str) -> str:
    """Words without tags and spaces, which each of them sets in its own way."""
    return _SPACE.sub("", html.unescape(_TAG.sub("", page)))

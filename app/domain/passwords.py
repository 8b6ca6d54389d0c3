"""Passwords: what is accepted, and hashing that can't be used to exhaust the machine.

Argon2id with 19 MiB, two passes, one lane; at most two at a time, whoever comes then waits. Text
is put in Unicode's composed form (NFC), so that the same word typed on another system is the same
password; nothing is cut off or trimmed. Verify outside any transaction: it takes tens of ms.
"""

import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from app.domain.agents import Refused

SHORTEST = 12
LONGEST = 256
FEWEST_CHARACTERS = 5
LONG_ENOUGH_WITHOUT_CONTEXT = 8
OUR_WORDS = ("mado", "helpdesk")
AT_ONCE = 2
LONGEST_WAIT_SECONDS = 10

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_seats = threading.BoundedSemaphore(AT_ONCE)


class Busy(Exception):
    """So many sign in at this moment that hashing would take too long, or memory is short."""


def check(password: str, *, about: Iterable[str] = ()) -> None:
    """Raise Refused with what to do when this password is too easy.

    `about` are words an attacker would try first: the agent's name and email address.
    """
    if len(password) < SHORTEST:
        raise Refused(f"Use {SHORTEST} characters or more. A few unrelated words work well.")
    if len(password) > LONGEST:
        raise Refused(f"Use {LONGEST} characters or fewer.")
    plain = _plain(password)
    if len(set(plain)) < FEWEST_CHARACTERS:
        raise Refused("This repeats the same few characters. Use a few unrelated words.")
    if plain in _common() or plain.strip("0123456789!?.*#$@_-") in _common():
        raise Refused("This password is on lists that attackers try. Choose another one.")
    if len(_without(plain, about)) < LONG_ENOUGH_WITHOUT_CONTEXT:
        raise Refused("Apart from a name, address or product there is little left. Add unrelated words.")


def hashed(password: str) -> str:
    """What the database keeps of a password. Raise Busy."""
    with _seat():
        return _hasher.hash(_normal(password))


def is_right(password: str, password_hash: str | None) -> bool:
    """Whether this is the password; without a hash it takes as long and is not. Raise Busy."""
    if len(password) > LONGEST:
        return False
    with _seat():
        try:
            _hasher.verify(password_hash or _nobodys_hash(), _normal(password))
        except (VerifyMismatchError, InvalidHashError):
            return False
        except VerificationError as problem:  # no memory, say: nobody's password is wrong for that
            raise Busy from problem
    return password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


@contextmanager
def _seat() -> Iterator[None]:
    if not _seats.acquire(timeout=LONGEST_WAIT_SECONDS):
        raise Busy
    try:
        yield
    finally:
        _seats.release()


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody has this password")


@cache
def _common() -> frozenset[str]:
    lines = (Path(__file__).parent / "common_passwords.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def _normal(password: str) -> bytes:
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def _plain(password: str) -> str:
    return unicodedata.normalize("NFKC", password).casefold()


def _without(plain: str, about: Iterable[str]) -> str:
    words = {word for text in about for word in re.split(r"[\W_]+", _plain(text)) if len(word) > 2}
    for word in sorted(words.union(OUR_WORDS), key=len, reverse=True):
        plain = plain.replace(word, "")
    return re.sub(r"[\W_]+", "", plain)

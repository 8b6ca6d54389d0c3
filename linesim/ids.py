"""Ids in LINE's shapes.

Ids of people and groups come from their names, so that a restarted simulator knows the same people.
Everything that happens (messages, events, tokens) gets ids that never repeat, because Mado keeps them.
"""

import hashlib
import itertools
import secrets
import threading

from linesim import clock

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

_last_message_id = 0
_message_id_lock = threading.Lock()


def user_id(name: str) -> str:
    return "U" + _digest("user", name)


def group_id(name: str) -> str:
    return "C" + _digest("group", name)


def room_id(name: str) -> str:
    return "R" + _digest("room", name)


def message_id() -> str:
    """18 digits, above 2**53 like LINE's, rising also across restarts."""
    global _last_message_id
    with _message_id_lock:
        moment = clock.milliseconds(clock.now()) * 100_000
        _last_message_id = max(moment, _last_message_id + 1)
        return str(_last_message_id)


def event_id() -> str:
    """A ULID: 48 bits of time and 80 of chance, in Crockford's alphabet."""
    number = clock.milliseconds(clock.now()) << 80 | secrets.randbits(80)
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def reply_token() -> str:
    return secrets.token_hex(16)


def opaque_token() -> str:
    """For quote tokens, mark-as-read tokens and stateless access tokens."""
    return secrets.token_urlsafe(48)


def free_name(name: str, taken: set[str]) -> str:
    """`name`, or "name (2)" and so on when somebody is called so already."""
    names = itertools.chain([name], (f"{name} ({n})" for n in itertools.count(2)))
    return next(candidate for candidate in names if candidate not in taken)


def _digest(kind: str, name: str) -> str:
    return hashlib.blake2b(f"linesim/{kind}/{name}".encode(), digest_size=16).hexdigest()

"""How often something may be tried: sliding windows in this process's memory.

Tries are counted before the expensive work, so that a flood never reaches it. It slows guessing
down; it never ends a session, so whoever is signed in stays signed in. Every process counts for
itself, and a restart forgets.
"""

import ipaddress
import threading
import time
from collections import deque
from collections.abc import Callable
from math import ceil

MOST_KEYS = 20_000


class TooMany(Exception):
    """Tried too often. `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many tries. Try again in {minutes(retry_after)}.")
        self.retry_after = retry_after


class Throttle:
    """At most `limit` tries of one key in `seconds`."""

    def __init__(
        self, limit: int, seconds: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        self._tries: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def count(self, key: str) -> None:
        """Count a try. Raise TooMany, without counting, when there is none left."""
        moment = self._clock()
        with self._lock:
            tries = self._recent(key, moment)
            if len(tries) >= self._limit:
                raise TooMany(max(1, ceil(tries[0] + self._seconds - moment)))
            tries.append(moment)

    def uncount(self, key: str) -> None:
        """Take the newest try back: it succeeded."""
        with self._lock:
            tries = self._tries.get(key)
            if tries:
                tries.pop()

    def forget(self, key: str) -> None:
        """Start again for this key."""
        with self._lock:
            self._tries.pop(key, None)

    def clear(self) -> None:
        with self._lock:
            self._tries.clear()

    def _recent(self, key: str, moment: float) -> deque[float]:
        # Out and in again: the dict stays in order of use, so the first keys are the stalest.
        tries = self._tries.pop(key, None) or deque(maxlen=self._limit)
        while tries and tries[0] <= moment - self._seconds:
            tries.popleft()
        self._tries[key] = tries
        while len(self._tries) > MOST_KEYS:
            del self._tries[next(iter(self._tries))]
        return tries


def network_of(address: str) -> str:
    """What is counted as one network address: an IPv6 customer has a whole /64 to try from."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4 or parsed.ipv4_mapped:
        return address
    return str(ipaddress.IPv6Network((int(parsed), 64), strict=False))


def minutes(seconds: int) -> str:
    """A waiting time as people say it."""
    if seconds < 60:
        return "a minute" if seconds > 30 else "half a minute"
    count = ceil(seconds / 60)
    return f"{count} minutes" if count > 1 else "a minute"

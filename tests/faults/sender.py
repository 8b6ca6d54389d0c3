"""LINE's side of the webhooks: numbered events, several times each, redelivered until a 2xx.

Events go out in windows: every one of a window stands in it several times, the window is shuffled
and cut into calls of one to ten events, and several calls are under way at once. What is not
answered with 2xx within LINE's two seconds is called again, marked as redelivered. An event counts
as acknowledged at the first 2xx for any of its copies, and that moment is kept. With a rate no call goes
out before its moment, and none waits for another's answer while there are connections.
"""

import http.client
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Any
from urllib.parse import urlsplit

from linesim.webhooks import ANSWER_SECONDS
from tests.channels.line_posts import text_event
from tests.processes.visits import signed

COPIES = 3
WINDOW = 60
MOST_IN_A_CALL = 10
CONNECTIONS = 8
# LINE waits longer before it tries again; what is to be seen is the same.
AGAIN_SECONDS = 0.05
# Answers that take longer, and those that never came, are worth to be told with what went on meanwhile.
LATE_SECONDS = 1.0
# How there came to be no status.
UNANSWERED, CUT_OFF = "no answer", "no connection"

Event = dict[str, Any]


@dataclass(frozen=True)
class Late:
    """A call that took long: from when until when, by the clock that does not step, and what came of it."""

    began: float
    ended: float
    answer: int | str


def numbered(number: int) -> Event:
    """One that anybody can make and find again."""
    return text_event(f"event {number}")


class Sender:
    """`make(number)` gives an event; the same number may be asked for only once. `rate` counts first
    copies a second."""

    def __init__(
        self,
        hook: str,
        count: int,
        make: Callable[[int], Event],
        chance: Random,
        *,
        copies: int = COPIES,
        connections: int = CONNECTIONS,
        rate: float = math.inf,
    ) -> None:
        self._host, self._path = urlsplit(hook).netloc, urlsplit(hook).path
        self.count, self._make, self._chance = count, make, chance
        self._copies, self._rate = copies, rate
        self._began = self._due = 0.0
        self.acknowledged: dict[int, float] = {}
        self.answers: Counter[int | str] = Counter()
        # Of an answer, or of waiting in vain for one; a call that was cut off came to no answer.
        self.slowest = 0.0
        self.late: list[Late] = []
        self._lock = threading.Lock()
        self._progress = threading.Condition()
        self._calls = self._cut(self._windows())
        self._threads = [
            threading.Thread(target=self._work, daemon=True) for _ in range(connections)
        ]

    @property
    def took(self) -> float:
        """Seconds from the start to the last acknowledgement."""
        return max(self.acknowledged.values()) - self._began

    def start(self) -> None:
        self._began, self._due = time.time(), time.monotonic()
        for thread in self._threads:
            thread.start()

    def join(self, seconds: float) -> None:
        """Wait until every event is acknowledged."""
        by = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, by - time.monotonic()))
            assert not thread.is_alive(), f"{len(self.acknowledged)} of {self.count} acknowledged"

    def wait_for(self, count: int, seconds: float) -> None:
        """Wait until so many events are acknowledged."""
        with self._progress:
            arrived = self._progress.wait_for(lambda: len(self.acknowledged) >= count, seconds)
        assert arrived, f"{len(self.acknowledged)} of {count} acknowledged in {seconds} s"

    def _windows(self) -> Iterator[list[tuple[int, Event]]]:
        numbers = iter(range(self.count))
        while window := [(n, self._make(n)) for n in islice(numbers, WINDOW)]:
            copies = window * self._copies
            self._chance.shuffle(copies)
            yield copies

    def _cut(self, windows: Iterator[list[tuple[int, Event]]]) -> Iterator[list[tuple[int, Event]]]:
        for window in windows:
            left = iter(window)
            while call := list(islice(left, self._chance.randint(1, MOST_IN_A_CALL))):
                yield call

    def _work(self) -> None:
        connection = http.client.HTTPConnection(self._host, timeout=ANSWER_SECONDS)
        while call := self._next():
            while not self._is_taken(connection, call):
                threading.Event().wait(AGAIN_SECONDS)
                again = {"deliveryContext": {"isRedelivery": True}}
                call = [(number, event | again) for number, event in call]
        connection.close()

    def _next(self) -> list[tuple[int, Event]] | None:
        with self._lock:
            call, due = next(self._calls, None), self._due
            self._due += len(call or ()) / self._copies / self._rate
        threading.Event().wait(max(0.0, due - time.monotonic()))
        return call

    def _is_taken(
        self, connection: http.client.HTTPConnection, call: list[tuple[int, Event]]
    ) -> bool:
        began = time.monotonic()
        answer = self._post(connection, *signed(*(event for _, event in call)))
        moment, ended = time.time(), time.monotonic()
        with self._progress:
            self.answers[answer] += 1
            if answer != CUT_OFF:
                self.slowest = max(self.slowest, ended - began)
            if ended - began > LATE_SECONDS or answer == UNANSWERED:
                self.late.append(Late(began, ended, answer))
            if answer == 200:
                for number, _ in call:
                    self.acknowledged.setdefault(number, moment)
                self._progress.notify_all()
        return answer == 200

    def _post(
        self, connection: http.client.HTTPConnection, raw: bytes, headers: dict[str, str]
    ) -> int | str:
        """The status, or how there came to be none."""
        try:
            connection.request("POST", self._path, raw, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except TimeoutError:
            connection.close()
            return UNANSWERED
        except (OSError, http.client.HTTPException):
            connection.close()
            return CUT_OFF

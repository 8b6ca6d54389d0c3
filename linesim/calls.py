"""The log of every HTTP call in both directions: what LINE's support would never give you."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from linesim import clock

KEPT = 500
TO_LINE, FROM_LINE = "api", "webhook"


@dataclass
class Call:
    """One call. `status` is None when nobody answered. Access tokens and secrets are never in it."""

    number: int
    at: datetime
    direction: str
    name: str
    method: str
    path: str
    status: int | None
    milliseconds: int
    request: Any = None
    answer: Any = None
    request_id: str = ""
    retry_key: str = ""
    note: str = ""

    @property
    def went_well(self) -> bool:
        return self.status is not None and self.status < 400

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"at": self.at.isoformat()}


class CallLog:
    """The last calls, oldest first."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._calls: deque[Call] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._number = 0
        self._on_change = on_change

    def record(self, **fields: Any) -> Call:
        with self._lock:
            self._number += 1
            call = Call(self._number, clock.now(), **fields)
            self._calls.append(call)
        self._on_change()
        return call

    def entries(self, *, after: int = 0, name: str | None = None) -> list[Call]:
        with self._lock:
            calls = list(self._calls)
        return [call for call in calls if call.number > after and name in (None, call.name)]

    def event(self, event_id: str) -> dict[str, Any] | None:
        """The newest event of this id that was sent."""
        sent = (call for call in reversed(self.entries()) if call.direction == FROM_LINE)
        events = (event for call in sent for event in (call.request or {}).get("events", []))
        return next((event for event in events if event.get("webhookEventId") == event_id), None)

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()
        self._on_change()

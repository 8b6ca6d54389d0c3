"""The wake-up between processes: Redis pub/sub where REDIS_URL is set, else nothing.

It carries no facts. Losing a wake costs the second until the next look; Redis being slow, gone
or stopped costs requests nothing, because only the bus's own threads talk to it.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

TIMEOUT_SECONDS = 2.0
AGAIN_SECONDS = 1.0
# Anybody may ask for the state, and a Redis that hangs holds the asking thread.
STATE_KEPT_SECONDS = 1.0
TOPIC = "mado:wake"

log = logging.getLogger(__name__)


class Bus:
    """Publishes that there are new events, and calls `on_wake` when another process says so."""

    def __init__(self, url: str | None, *, on_wake: Callable[[], None], topic: str = TOPIC) -> None:
        self._url, self._on_wake, self._topic = url, on_wake, topic
        self._due = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._state, self._asked_at = "unreachable", float("-inf")
        self._speaker: threading.Thread | None = None
        self._listener: threading.Thread | None = None

    def publish(self) -> None:
        """Tell the others, soon; never waits."""
        if self._url:
            self._due.set()
            self._ensure_speaker()

    def start(self) -> None:
        """Begin to listen."""
        with self._lock:
            if self._url and self._listener is None:
                self._listener = self._thread(self._listen, "bus-listener")

    def stop(self) -> None:
        self._stopping.set()
        self._due.set()

    def state(self) -> str:
        """`none` without REDIS_URL, else whether Redis answers right now."""
        if not self._url:
            return "none"
        if time.monotonic() - self._asked_at > STATE_KEPT_SECONDS:
            self._state, self._asked_at = self._ask(), time.monotonic()
        return self._state

    def _ask(self) -> str:
        try:
            with self._connect() as client:
                client.ping()
        except Exception:  # whatever it is, Redis does not answer
            return "unreachable"
        return "connected"

    def _ensure_speaker(self) -> None:
        if self._speaker is None:
            with self._lock:
                if self._speaker is None:
                    self._speaker = self._thread(self._speak, "bus-speaker")

    def _thread(self, run: Callable[[], None], name: str) -> threading.Thread:
        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        return thread

    def _connect(self) -> Any:
        import redis

        return redis.Redis.from_url(
            self._url or "",
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
        )

    def _speak(self) -> None:
        client = self._connect()
        while not self._stopping.is_set():
            self._due.wait()
            self._due.clear()
            try:
                client.publish(self._topic, "1")
            except Exception as problem:  # a wake-up only: the others look every second
                log.warning("Redis did not take a wake-up: %s", type(problem).__name__)
                self._stopping.wait(AGAIN_SECONDS)

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                self._hear()
            except Exception as problem:
                log.warning("Redis is not heard: %s", type(problem).__name__)
                self._stopping.wait(AGAIN_SECONDS)

    def _hear(self) -> None:
        with self._connect() as client, client.pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe(self._topic)
            self._on_wake()
            while not self._stopping.is_set():
                if channel.get_message(timeout=1.0):
                    self._on_wake()

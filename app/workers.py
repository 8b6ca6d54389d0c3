"""Threads that do due work when woken, and one that looks every second in case a wake was lost.

The database is the queue: a worker only asks "is there a piece for me?" and does it. Any number
of processes may run them.
"""

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import Select, select

from app import transaction
from app.extensions import db

LOOK_EVERY_SECONDS = 1.0
AFTER_FAILURE_SECONDS = 2.0
# About as long as a reply may take, which is waited for anyway.
STOP_SECONDS = 10.0
OWNER = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}"

Queue = Callable[[], Select[Any]]

log = logging.getLogger(__name__)


def backoff(attempts: int, seconds: Sequence[float]) -> timedelta:
    """How long to wait after so many tries; the last wait is that of all later ones."""
    return timedelta(seconds=seconds[min(max(attempts, 1), len(seconds)) - 1])


class Worker:
    """One thread that calls `work` until it answers False, then waits to be woken, or for `every` seconds."""

    def __init__(
        self,
        app: Flask,
        name: str,
        work: Callable[[], bool],
        *,
        every: float | None = LOOK_EVERY_SECONDS,
    ) -> None:
        self._app, self._name, self._work, self._every = app, name, work, every
        self._woken = threading.Event()
        self.is_stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; after a fork, never before."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def wake(self) -> None:
        self._woken.set()

    def end_soon(self) -> None:
        """Begin no further piece; whoever has several tells all of them before waiting for one."""
        self.is_stopping = True
        self._woken.set()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Finish the piece at hand and end, waiting so long for it."""
        self.end_soon()
        if self._thread:
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self.is_stopping:
            self._woken.wait(self._every)
            self._woken.clear()
            try:
                with self._app.app_context():
                    while not self.is_stopping and self._work():
                        pass
                    transaction.release()
            except Exception:  # a thread that looks after a queue must outlive a bad moment
                log.exception("%s failed; looking again", self._name)
                threading.Event().wait(AFTER_FAILURE_SECONDS)


class Lookout:
    """One thread that asks for all queues at once whether anything is due, and wakes who does it.

    A dozen threads that each ask for themselves are most of what a Mado costs that has nothing to do.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._watched: dict[Queue, list[Worker]] = {}
        self._worker = Worker(app, "lookout", self._look)
        self.start = self._worker.start
        self.end_soon, self.stop = self._worker.end_soon, self._worker.stop

    def sleeper(self, name: str, work: Callable[[], bool], *queues: Queue) -> Worker:
        """A worker that sleeps until it is woken."""
        return self.watch(Worker(self._app, name, work, every=None), *queues)

    def watch(self, worker: Worker, *queues: Queue) -> Worker:
        """Wake this worker as long as one of these queries finds something."""
        for queue in queues:
            self._watched.setdefault(queue, []).append(worker)
        return worker

    def _look(self) -> bool:
        found = db.session.execute(select(*(queue().exists() for queue in self._watched))).one()
        transaction.release()
        for is_due, workers in zip(found, self._watched.values(), strict=True):
            for worker in workers if is_due else ():
                worker.wake()
        return False

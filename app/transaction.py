"""Transactions: who may write, and what happens around a commit.

A request that may not change anything reads in a read-only transaction, or in none where each
statement sees the newest anyway (ADR 16); every other one, and every background job, says so
first. `commit()` is the only commit: rules see the fresh events, everything becomes visible
together, and then whoever waits is woken. It refuses to swallow a failed commit: nothing is woken
and the caller gets the exception.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app import counters
from app.extensions import OUTAGES, db, is_writing

Listener = Callable[[], None]

_listeners: dict[str, list[Listener]] = {}
_preparations: list[Listener] = []


def commit() -> None:
    """Let rules see what happened, make all of it visible, then wake those who wait for it."""
    for prepare in _preparations:
        prepare()
    info = db.session.info
    waiting, counted = info.pop("wakes", ()), info.pop("counted", ())
    db.session.commit()
    is_writing.set(False)
    counters.count(counted)
    for topic in waiting:
        for wake in _listeners.get(topic, ()):
            wake()


def start_writing() -> None:
    """End what this context was reading; its next statement begins a writing transaction."""
    _give_back()
    is_writing.set(True)


def release() -> None:
    """Give everything back before slow work: no lock is held and no connection kept."""
    _give_back()
    is_writing.set(False)


@contextmanager
def writing() -> Iterator[None]:
    """A whole writing transaction for a background job; commits at the end, rolls back on errors."""
    start_writing()
    try:
        yield
        commit()
    finally:
        release()


def _give_back() -> None:
    # Who asked the database nothing has no session, and needs none made to be rolled back.
    if db.session.registry.has():
        session = db.session()
        try:
            session.rollback()
        except OUTAGES:  # the connection broke, and what was begun on it is gone with it
            session.invalidate()
        session.info.clear()


def wake_after_commit(topic: str) -> None:
    """Remember that this transaction made work of this kind: events, deliveries or lookups."""
    db.session.info.setdefault("wakes", set()).add(topic)


def count(name: str, **labels: str) -> None:
    """Count it once this transaction is committed, and not at all if it never is."""
    db.session.info.setdefault("counted", []).append(counters.series(name, **labels))


def before_commit(preparation: Listener) -> None:
    """Call this before every commit, inside its transaction; what it raises prevents the commit."""
    if preparation not in _preparations:
        _preparations.append(preparation)


def on_commit(topic: str, listener: Listener) -> None:
    """Call this after every commit that made such work. It must be quick and not raise."""
    listeners = _listeners.setdefault(topic, [])
    if listener not in listeners:
        listeners.append(listener)

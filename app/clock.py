"""The one place time comes from: `now()`, aware and UTC. It refuses to localise; templates do."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_told: ContextVar[datetime | None] = ContextVar("told", default=None)


def now() -> datetime:
    """The present moment, aware, UTC, microseconds."""
    return _told.get() or datetime.now(UTC)


@contextmanager
def telling_of(moment: datetime) -> Iterator[None]:
    """Let what is done in this context happen at a moment of the past: how demo data is told."""
    token = _told.set(moment)
    try:
        yield
    finally:
        _told.reset(token)

"""How often something may be tried: sliding windows, counted in the database.

So every process counts for all of them, and a restart forgets nothing. It slows guessing down; it
never ends a session, so whoever is signed in stays signed in. What was refused is not counted and
writes nothing. People type passwords where their address belongs, so what is counted stands in the
database as a mark alone. What may be tried how often stands in `limits`.
"""

import ipaddress
from datetime import timedelta
from math import ceil

from sqlalchemy import delete, func, insert, or_, select

from app import encryption
from app.clock import now
from app.extensions import db
from app.models import Try

TRYING = 0x74727973  # our own among PostgreSQL's advisory locks
# Tries are kept for so long, so no window may be longer.
LONGEST = timedelta(hours=1)
PORTION = 1000

_TRIES = Try.__table__


class TooMany(Exception):
    """Tried too often. `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many tries. Try again in {minutes(retry_after)}.")
        self.retry_after = retry_after


class Throttle:
    """At most `limit` tries of one key in `seconds`; `name` tells its keys from those of others.

    All but `check` belong into a writing transaction of the caller's.
    """

    def __init__(self, name: str, limit: int, seconds: float) -> None:
        if seconds > LONGEST.total_seconds():
            raise ValueError("Tries are kept for an hour.")
        self._name = name
        self._limit = limit
        self._window = timedelta(seconds=seconds)

    def check(self, key: str) -> None:
        """Raise TooMany when there is no try left. Reads only."""
        self._check(self._mark(key))

    def count(self, key: str) -> None:
        """Count a try. Raise TooMany, without counting, when there is none left.

        Who tries the same at the same moment waits for the commit, which should come at once.
        """
        mark = self._mark(key)
        if db.session.get_bind().dialect.name == "postgresql":
            turn = int(mark[:8], 16) - 2**31
            db.session.execute(select(func.pg_advisory_xact_lock(TRYING, turn)))
        self._check(mark)
        db.session.execute(insert(_TRIES).values(key=mark, tried_at=now()))

    def uncount(self, key: str) -> None:
        """Take the newest try back that nobody else is taking back: it succeeded."""
        tries = select(Try.id).where(Try.key == self._mark(key))
        newest = tries.order_by(Try.tried_at.desc()).limit(1).with_for_update(skip_locked=True)
        db.session.execute(delete(_TRIES).where(_TRIES.c.id == newest.scalar_subquery()))

    def forget(self, key: str) -> None:
        """Start again for this key."""
        db.session.execute(delete(_TRIES).where(_TRIES.c.key == self._mark(key)))

    def _mark(self, key: str) -> str:
        return encryption.mark(f"{self._name} {key}")

    def _check(self, mark: str) -> None:
        moment = now()
        # Tries of a clock that was ahead of ours count as well, but not for ever.
        is_recent = (Try.tried_at > moment - self._window, Try.tried_at < moment + self._window)
        query = select(Try.tried_at).where(Try.key == mark, *is_recent)
        tries = db.session.scalars(query.order_by(Try.tried_at.desc()).limit(self._limit)).all()
        if len(tries) == self._limit:
            wait = min(tries[-1] + self._window - moment, self._window)
            raise TooMany(ceil(wait.total_seconds()))


def forget_old() -> int:
    """Delete a portion of the tries that no window reaches any more; how many."""
    moment = now()
    is_old = or_(Try.tried_at <= moment - LONGEST, Try.tried_at >= moment + LONGEST)
    ids = select(Try.id).where(is_old).limit(PORTION)
    return db.session.execute(delete(_TRIES).where(_TRIES.c.id.in_(ids))).rowcount


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

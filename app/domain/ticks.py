"""When the sweeps last ran: some scheduler holds the clock's lease while they do."""

from datetime import datetime, timedelta

from sqlalchemy import select

from app.domain import hot
from app.models import Lease

NAME = "clock"
LEASE = timedelta(seconds=8)
UNTIL = hot.Statement(select(Lease.until).where(Lease.name == NAME))


def latest() -> datetime | None:
    """When some scheduler last held the clock."""
    until = hot.value(UNTIL)
    return until - LEASE if until else None

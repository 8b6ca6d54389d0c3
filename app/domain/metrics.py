"""Numbers of the whole installation, for whoever watches it: what was counted, and what waits.

Every process adds what it counted, so each of them can tell of all. What waits is asked when somebody
wants to know, from the indexes of the queues. It waits since it was queued: a try that failed makes
nothing younger.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, literal, select, union_all

from app.clock import now
from app.domain.upsert import insert
from app.extensions import db
from app.models import (
    Attachment,
    Conversation,
    Delivery,
    Identity,
    Metric,
    Notification,
    PasswordRequest,
    Receipt,
    WebhookCall,
)

# Who has not said anything for so long has died.
STALE_AFTER = timedelta(seconds=40)
# By name: the column that is filled while something waits, and the moment since when it does. A file
# waits to be fetched since it came, and to be deleted since it was taken away; a call that an admin lets
# be made again, since it was ordered first.
QUEUES: tuple[tuple[str, Any, Any], ...] = (
    ("deliveries", Delivery.due_at, Delivery.queued_at),
    ("downloads", Attachment.due_at, func.coalesce(Attachment.revoked_at, Attachment.created_at)),
    ("look_ups", Identity.lookup_due_at, Identity.lookup_due_at),
    ("look_ups_of_groups", Conversation.lookup_due_at, Conversation.lookup_due_at),
    ("mails", Notification.mail_due_at, Notification.created_at),
    ("password_mails", PasswordRequest.due_at, PasswordRequest.asked_at),
    ("webhook_calls", WebhookCall.due_at, WebhookCall.created_at),
    ("kept_back", Receipt.due_at, Receipt.received_at),
)
# Everybody known is looked up again once a day: only those whose time has come wait for something, and
# since then. Who is no friend yet is asked about day after day, so "since they came" would tell nothing.
DAILY = {"look_ups", "look_ups_of_groups"}
_PUT = insert(Metric.__table__)


def add(counts: Mapping[str, float]) -> None:
    """Add to what all processes counted. In one order, so that none waits for another in a circle."""
    if not counts:
        return
    statement = _PUT.on_conflict_do_update(
        index_elements=["series", "process"],
        set_={
            "value": Metric.__table__.c.value + _PUT.excluded.value,
            "told_at": _PUT.excluded.told_at,
        },
    )
    moment = now()
    rows = [
        {"series": one, "process": "", "value": float(counts[one]), "told_at": moment}
        for one in sorted(counts)
    ]
    db.session.connection().execute(statement, rows)


def tell(series: str, value: float, *, process: str) -> None:
    """What one process has right now."""
    statement = _PUT.on_conflict_do_update(
        index_elements=["series", "process"],
        set_={"value": _PUT.excluded.value, "told_at": _PUT.excluded.told_at},
    )
    row = {"series": series, "process": process, "value": float(value), "told_at": now()}
    db.session.connection().execute(statement, row)


def totals() -> dict[str, float]:
    """Every series with its sum over all processes."""
    is_living = (Metric.process == "") | (Metric.told_at > now() - STALE_AFTER)
    query = select(Metric.series, func.sum(Metric.value)).where(is_living).group_by(Metric.series)
    return {series: value for series, value in db.session.execute(query)}


def waiting() -> dict[str, tuple[int, float]]:
    """By queue: how many wait, those to be tried again later included, and the first for how many seconds."""
    moment = now()
    asked = [
        select(literal(name), func.count(), func.min(since)).where(
            due_at <= moment if name in DAILY else due_at.is_not(None)
        )
        for name, due_at, since in QUEUES
    ]
    return {
        name: (count, max(0.0, (moment - first).total_seconds()) if first else 0.0)
        for name, count, first in db.session.execute(union_all(*asked))
    }


def forget_dead() -> None:
    """Forget what processes said that are gone."""
    is_dead = (Metric.process != "") & (Metric.told_at < now() - STALE_AFTER)
    db.session.execute(delete(Metric).where(is_dead))

"""Calls to providers that failed: the newest of each channel, for admins and a provider's support."""

from collections.abc import Sequence

from sqlalchemy import delete, select

from app.channels.base import NotSent
from app.extensions import db
from app.models import CallFailure

KEPT = 50
SHOWN = 5
LONGEST_CALL, LONGEST_ID, LONGEST_REASON = 80, 100, 300


def record(channel_id: int, problem: NotSent) -> None:
    """Keep what is known of it, and forget the oldest. Nothing where no call was made."""
    failed = problem.failed
    if failed is None:
        return
    db.session.add(
        CallFailure(
            channel_id=channel_id,
            call=failed.call[:LONGEST_CALL],
            status=failed.status,
            request_id=(failed.request_id or "")[:LONGEST_ID] or None,
            reason=problem.reason[:LONGEST_REASON],
        )
    )
    db.session.flush()
    of_it = CallFailure.channel_id == channel_id
    ids = select(CallFailure.id).where(of_it).order_by(CallFailure.id.desc())
    oldest = db.session.scalar(ids.offset(KEPT).limit(1))
    if oldest:
        db.session.execute(delete(CallFailure).where(of_it, CallFailure.id <= oldest))


def of_channel(channel_id: int, *, limit: int = SHOWN) -> Sequence[CallFailure]:
    """Newest first."""
    query = select(CallFailure).where(CallFailure.channel_id == channel_id)
    return db.session.scalars(query.order_by(CallFailure.id.desc()).limit(limit)).all()

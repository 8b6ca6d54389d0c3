"""Rows as a queue: which are due, and taking one for a while.

Any number of threads and processes ask; one guarded UPDATE decides who has it. Whoever claims commits
before working on it, and a claim that runs out makes the row due again.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, or_, update

from app.clock import now
from app.extensions import db

# Nobody looked at it: Mado was stopped, or its database copied back to what it was (F34). What lies there may
# have gone out since. Longer than the hour by which a clock may be put on.
TOO_LATE_AFTER = timedelta(hours=2)
TOO_LATE = (
    "It lay for more than two hours, as when Mado did not run, and nothing that old goes out by itself."
    " It may have gone out before."
)


def is_due(due_at: Any, *, longest: timedelta) -> ColumnElement[bool]:
    """Whose time has come. Nothing waits for longer than `longest`, so a due time beyond it was set
    by a clock that has stepped back since (F14)."""
    moment = now()
    return and_(due_at.is_not(None), or_(due_at <= moment, due_at > moment + longest))


def is_too_late(due_at: datetime) -> bool:
    """Whether its time came so long ago that nothing should go out by itself; every try sets a new time."""
    return now() > due_at + TOO_LATE_AFTER


def claim(row: Row[Any], due_at: Any, attempts: Any, *, until: datetime) -> bool:
    """Count a try and take the row for a while. False when somebody was quicker.

    `row` has the id and the due time as they were found; the two columns are the model's.
    """
    model = due_at.class_
    statement = (
        update(model)
        .where(model.id == row.id, due_at == getattr(row, due_at.key))
        .values({due_at: until, attempts: attempts + 1})
        .execution_options(synchronize_session=False)
    )
    return db.session.execute(statement).rowcount == 1

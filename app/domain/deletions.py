"""Deleting cases for good: at an admin's word, or after 30 days in the trash.

A case is gone for everybody at once, its files' bytes with it; its messages, which may be thousands,
and its history follow in portions, because on SQLite nobody else can write meanwhile. The contact
and their other cases stay. SQLite gives the number of a last row to the next one, so the newest case
stays as an empty row, and the newest event stays, until there is a newer one.
"""

import time
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete as remove_rows
from sqlalchemy import exists, func, select, text, update

from app.clock import now
from app.domain import attachments, cases, events, search
from app.domain.agents import Refused
from app.extensions import db
from app.models import (
    DELETED,
    TRASHED,
    Agent,
    Attachment,
    Case,
    Delivery,
    Draft,
    Event,
    Message,
    Notification,
    ReadMark,
    RulePass,
    WebhookCall,
    case_labels,
)

KEPT = timedelta(days=30)
PORTION = 100
PORTION_SECONDS = 0.05


def due_at(case: Case) -> datetime | None:
    """When a case in the trash is deleted for good."""
    return case.trashed_at + KEPT if case.trashed_at else None


def delete(case: Case, *, by: Agent | None) -> None:
    """Nobody sees any of it from the commit on. Raise Refused when it isn't in the trash."""
    cases.lock(case)
    if case.trashed_at is None:
        raise Refused("Move the case to the trash first.")
    if case.deleted_at:
        return
    events.record("case.deleted", by=by, number=case.number)
    case.deleted_at, case.subject = now(), ""
    case.contact_id = case.author_candidate_id = case.assignee_id = None
    db.session.flush()
    attachments.remove_all(case)
    search.remove_case(case.id)
    _untie_messages(case)
    for table in (Notification, WebhookCall, Draft, ReadMark):
        _remove(table, table.case_id == case.id)
    db.session.execute(remove_rows(case_labels).where(case_labels.c.case_id == case.id))


def delete_due(*, limit: int = PORTION) -> int:
    """Delete cases that were in the trash long enough, one portion; how many."""
    until, count = time.monotonic() + PORTION_SECONDS, 0
    is_due = (text(TRASHED), Case.trashed_at <= now() - KEPT, Case.deleted_at.is_(None))
    due = select(Case).where(*is_due).order_by(Case.trashed_at).limit(limit)
    for case in db.session.scalars(due).all():
        count += _delete_if_still(case)
        if time.monotonic() >= until:
            break
    return count


def take_apart() -> bool:
    """Remove a portion of what is left of deleted cases; whether there may be more to remove now."""
    until = time.monotonic() + PORTION_SECONDS
    ids = db.session.scalars(select(Case.id).where(text(DELETED)).order_by(Case.id).limit(PORTION))
    for case_id in ids.all():
        while not _has_files(case_id) and _take_some(case_id):
            if time.monotonic() >= until:
                return True
    return False


def _untie_messages(case: Case) -> None:
    """Nothing of it is sent any more, and nobody reads it as a quote."""
    own = select(Message.id).where(Message.case_id == case.id)
    _remove(Delivery, Delivery.message_id.in_(own))
    quoting = update(Message).where(Message.quoted_id.in_(own), Message.case_id != case.id)
    db.session.execute(
        quoting.values(quoted_id=None).execution_options(synchronize_session=False)
    )


def _delete_if_still(case: Case) -> int:
    """Whoever writes there goes first, and may have taken it out of the trash."""
    if not cases.lock_if_free(case):
        return 0
    due = due_at(case)
    if case.deleted_at or due is None or due > now():
        return 0
    delete(case, by=None)
    return 1


def _has_files(case_id: int) -> bool:
    """Whether bytes are still to be deleted: their names must not go before them."""
    waiting = select(exists().where(Attachment.case_id == case_id, Attachment.due_at.is_not(None)))
    return bool(db.session.scalar(waiting))


def _take_some(case_id: int) -> int:
    parts = (_take_messages, _take_events, _take_passes, _take_row)
    return next((count for take in parts if (count := take(case_id))), 0)


def _take_messages(case_id: int) -> int:
    query = select(Message.id, Message.direction, Message.text).where(Message.case_id == case_id)
    found = db.session.execute(query.order_by(Message.id).limit(PORTION)).all()
    for message in found:
        if message.direction != "system":  # those are not searched
            search.remove_message(message.id, message.text)
    return _remove(Message, Message.id.in_([message.id for message in found]))


def _take_events(case_id: int) -> int:
    newest = select(func.max(Event.id)).scalar_subquery()
    some = select(Event.id).where(Event.case_id == case_id, Event.id < newest).limit(PORTION)
    return _remove(Event, Event.id.in_(db.session.scalars(some).all()))


def _take_passes(case_id: int) -> int:
    some = select(RulePass.id).where(RulePass.case_id == case_id).limit(PORTION)
    return _remove(RulePass, RulePass.id.in_(db.session.scalars(some).all()))


def _take_row(case_id: int) -> int:
    newest = select(func.max(Case.id)).scalar_subquery()
    has_history = exists().where(Event.case_id == case_id)
    return _remove(Case, Case.id == case_id, Case.id < newest, ~has_history)


def _remove(table: Any, *which: Any) -> int:
    """Without the session's help: what hangs on a row goes by the database's own rules."""
    statement = remove_rows(table).where(*which).execution_options(synchronize_session=False)
    return db.session.execute(statement).rowcount

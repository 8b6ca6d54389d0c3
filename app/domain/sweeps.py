"""What time does to chats: quiet ones end, and what an agent left behind goes back to New.

A portion is short, because on SQLite nobody else can write meanwhile. Each chat is asked again under its
lock what the list asked, so that a message that arrives meanwhile wins. Nothing here commits.
"""

import time
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, text, update

from app.clock import now
from app.domain import cases, chats, settings
from app.extensions import db
from app.models import ACTIVE, Agent, Case, Channel, Delivery, Message

PORTION = 100
PORTION_SECONDS = 0.05
ABANDONED_AFTER = timedelta(minutes=2)
PAGE_GONE = "the agent's page is gone"


def end_inactive(*, limit: int = PORTION) -> int:
    """End chats that were quiet too long, one portion; the number ended (S18, S20)."""
    moment, until, ended = now(), time.monotonic() + PORTION_SECONDS, 0
    for condition in _quiet_since(moment):
        query = select(Case).where(text(ACTIVE), condition, *_unguarded(moment))
        quiet = query.order_by(Case.last_activity_at).limit(limit - ended)
        for case in db.session.scalars(quiet).all():
            if is_still(case, query):
                chats.end(case, chats.status_after(case), by=None, cause="inactivity")
                ended += 1
            if ended and time.monotonic() >= until:
                return ended
    return ended


def _quiet_since(moment: datetime) -> list[ColumnElement[bool]]:
    """One condition per distinct number of minutes: the default's, and each channel's own."""
    own = db.session.execute(
        select(Channel.id, Channel.inactivity_minutes).where(
            Channel.inactivity_minutes.is_not(None)
        )
    ).all()
    default = timedelta(minutes=settings.get(settings.INACTIVITY))
    conditions = [
        and_(
            Case.last_activity_at <= moment - default,
            Case.channel_id.not_in([row.id for row in own]),
        )
    ]
    for row in own:
        limit = moment - timedelta(minutes=row.inactivity_minutes)
        conditions.append(and_(Case.channel_id == row.id, Case.last_activity_at <= limit))
    return conditions


def _unguarded(moment: datetime) -> tuple[ColumnElement[bool], ...]:
    """Neither kept open by an agent nor waiting for a reply to go out."""
    return (
        or_(Case.keep_open_until.is_(None), Case.keep_open_until <= moment),
        ~exists().where(
            Message.case_id == Case.id,
            Message.state == "queued",
            Delivery.message_id == Message.id,
            Delivery.conversation_id == Case.conversation_id,
        ),
    )


def is_still(case: Case, query: Select[tuple[Case]]) -> bool:
    """Whether the query that found it finds it under its lock, too.

    Whoever writes in the conversation now goes first: a sweep that waited could wait for a webhook that
    waits for the sweep.
    """
    if not cases.lock_if_free(case):
        return False
    return db.session.scalar(query.with_only_columns(Case.id).where(Case.id == case.id)) is not None


def put_back_abandoned(*, limit: int = PORTION) -> int:
    """Waiting chats whose agent has had no live page for 2 minutes go back to New (S26b)."""
    if not settings.get(settings.PUT_BACK):
        return 0
    limit_at = now() - ABANDONED_AFTER
    query = (
        select(Case)
        .join(Agent, Agent.id == Case.taken_by_id)
        .where(
            text(ACTIVE),
            Case.unanswered_since.is_not(None),
            Case.taken_at <= limit_at,
            or_(Agent.live_at.is_(None), Agent.live_at <= limit_at),
        )
        .limit(limit)
    )
    found = db.session.scalars(query).all()
    return sum(chats.put_back(case, by=None, reason=PAGE_GONE) for case in found if is_still(case, query))


def believe_the_clock() -> int:
    """After the clock stepped back, times that lie ahead of it become now (F14).

    A step forward looks like a machine that slept, and is believed. The number of chats mended.
    """
    moment = now()
    return db.session.execute(
        update(Case)
        .where(text(ACTIVE), Case.last_activity_at > moment + timedelta(seconds=5))
        .values(last_activity_at=moment, keep_open_until=None)
        .execution_options(synchronize_session=False)
    ).rowcount

"""Giving new chats out: each to the agent who is there and has the fewest, where admins want it (H2, U16).

It is the last word of a commit: after people and rules, about what they left untaken. Who does not
open a chat in time loses it to the next; where nobody is left it waits in New, in everybody's sight.
It refuses to touch the assignee, and to take a chat from whoever took it by hand.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import selectinload

from app import transaction
from app.clock import now
from app.domain import access, cases, chats, events, hours, presence, settings, sweeps
from app.domain.upsert import insert
from app.extensions import db
from app.models import ACTIVE, Agent, Case, Event, LastGiven

GIVING = 0x6769766E  # our own among PostgreSQL's advisory locks
PORTION = 500
NEVER = datetime.min.replace(tzinfo=UTC)
UNOPENED, AWAY = "not opened in time", "the agent takes no chats now"
OPENED = ("case.created", "chat.reactivated_by_contact", "chat.reactivated_by_agent")


@dataclass
class Free:
    """Somebody new chats may come to: how many they have, and when they were last given one."""

    agent: Agent
    count: int
    given_at: datetime


def init_app(_app: object) -> None:
    """Let every commit give out what it leaves untaken."""
    transaction.before_commit(give_out_fresh)


def give_out_fresh() -> None:
    """Chats that opened or went back to New in this transaction."""
    if (left := events.take_untaken()) and _is_on():
        _give_out(left)


def give_out_waiting() -> int:
    """Chats in New: since they came somebody may be there, or have room. The number given out."""
    if not _is_on():
        return 0
    waiting = select(Case.id).where(text(ACTIVE), Case.taken_by_id.is_(None))
    return _give_out(db.session.scalars(waiting.order_by(*_longest_first()).limit(PORTION)).all())


def take_back_unopened() -> int:
    """Put back what was given to who does not open it or takes no chats now; the commit gives it on."""
    if not settings.get(settings.GIVES_OUT):
        return 0
    limit_at = now() - timedelta(minutes=settings.get(settings.GIVEN_MINUTES))
    query = (
        select(Case)
        .join(Agent, Agent.id == Case.taken_by_id)
        .where(text(ACTIVE), Case.given_at.is_not(None))
        .where(or_(Case.given_at <= limit_at, ~presence.is_online()))
        .limit(PORTION)
    )
    taken = 0
    for case in db.session.scalars(query).all():
        if sweeps.is_still(case, query):
            reason = UNOPENED if case.given_at and case.given_at <= limit_at else AWAY
            taken += chats.put_back(case, by=None, reason=reason)
    return taken


def _is_on() -> bool:
    return bool(settings.get(settings.GIVES_OUT)) and hours.are_on(now())


def _longest_first() -> tuple:
    return func.coalesce(Case.unanswered_since, Case.last_message_at), Case.id


def _give_out(case_ids: Collection[int]) -> int:
    """One transaction after another, so that two don't both find the same agent idle."""
    if db.session.get_bind().dialect.name == "postgresql":
        db.session.execute(select(func.pg_advisory_xact_lock(GIVING, 0)))
    query = select(Case).where(Case.id.in_(case_ids), text(ACTIVE), Case.taken_by_id.is_(None))
    waiting = db.session.scalars(query.order_by(*_longest_first()).execution_options(populate_existing=True)).all()
    free, most = (_free(), settings.get(settings.GIVEN_AT_ONCE)) if waiting else ([], 0)
    return sum(_give(case, free, most=most) for case in waiting)


def _free() -> list[Free]:
    """Who is online and has room."""
    count = select(func.count()).where(text(ACTIVE), Case.taken_by_id == Agent.id).correlate(Agent)
    query = (
        select(Agent, count.scalar_subquery(), LastGiven.given_at)
        .outerjoin(LastGiven, LastGiven.agent_id == Agent.id)
        .where(presence.is_online())
        .options(selectinload(Agent.groups))
    )
    return [Free(agent, count, at or NEVER) for agent, count, at in db.session.execute(query)]


def _give(case: Case, free: list[Free], *, most: int) -> bool:
    """To its assignee if they are free, else to who has the fewest, and of those who waited longest."""
    able = [one for one in free if access.may_be_given(one.agent, case) and not 0 < most <= one.count]
    declined = _declined(case) if able else frozenset()
    able = [one for one in able if one.agent.id not in declined]
    # Whoever writes in the conversation goes first; the next look finds it again.
    if not able or not cases.lock_if_free(case):
        return False
    chosen = min(
        able, key=lambda one: (one.agent.id != case.assignee_id, one.count, one.given_at, one.agent.id)
    )
    cause = "assignee" if chosen.agent.id == case.assignee_id else "least_busy"
    if not chats.give_out(case, chosen.agent, cause=cause):
        return False
    chosen.count, chosen.given_at = chosen.count + 1, now()
    given = {"given_at": chosen.given_at}
    added = insert(LastGiven).values(agent_id=chosen.agent.id, **given)
    db.session.execute(added.on_conflict_do_update(index_elements=["agent_id"], set_=given))
    return True


def _declined(case: Case) -> frozenset[int]:
    """Whose it was since it opened, and who did not open it or from whom somebody put it back."""
    query = (
        select(Event.type, Event.agent_id, Event.data)
        .where(Event.case_id == case.id, Event.type.in_((*OPENED, "chat.put_back")))
        .order_by(Event.id.desc())
    )
    declined = set()
    for row in db.session.execute(query):
        if row.type in OPENED:
            break
        facts = json.loads(row.data)
        if row.agent_id or facts.get("reason") == UNOPENED:
            declined.add(facts["old"])
    return frozenset(declined)

"""Active chats as agents have them before them: New, Mine and Others, and what lights their icon.

Every page asks for some of these, and every look of the live part.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache

from sqlalchemy import ColumnElement, Select, bindparam, exists, func, or_, select, text

from app.domain import access, cases, hot
from app.domain.access import AUDIENCES, Audience, visible_to
from app.extensions import db
from app.models import ACTIVE, Agent, Case, ReadMark

SHOWN = 200  # of one list, those that wait longest

ANY_NEW = hot.Statement(
    select(Case.__table__.c.id).where(text(ACTIVE), Case.__table__.c.taken_by_id.is_(None)).limit(1)
)
ANY_ANSWERED = hot.Statement(
    select(Case.__table__.c.id)
    .where(
        text(ACTIVE),
        Case.__table__.c.taken_by_id == bindparam("agent_id"),
        Case.__table__.c.last_contact_message_id.is_not(None),
    )
    .limit(1)
)


def incoming(audience: Audience) -> Sequence[Case]:
    """Untaken chats, who waits longest first (S14)."""
    if not hot.finds(ANY_NEW):
        return []
    return db.session.scalars(_new_to(frozenset([audience]), SHOWN)).all()


def incoming_count(audience: Audience, shown: Sequence[Case]) -> int:
    """How many chats are untaken, these and those behind them: counted only where there may be such."""
    if len(shown) < SHOWN:
        return len(shown)
    untaken = (text(ACTIVE), Case.taken_by_id.is_(None), visible_to(audience))
    return db.session.scalars(select(func.count()).select_from(Case).where(*untaken)).one()


def incoming_for(audiences: Collection[Audience]) -> dict[Audience, Sequence[Case]]:
    """The same for each of them: from one query, unless more wait than are shown."""
    found = db.session.scalars(_new_to(frozenset(audiences), SHOWN)).all() if audiences else ()
    if len(found) == SHOWN:
        return {one: incoming(one) for one in audiences}
    return {one: [case for case in found if access.sees(one, case)] for one in audiences}


def mine(agent: Agent) -> Sequence[Case]:
    return _active(visible_to(access.audience_of(agent)), Case.taken_by_id == agent.id)


def others(agent: Agent) -> Sequence[Case]:
    """Chats that somebody else has taken, as far as this agent may see them."""
    audience = access.audience_of(agent)
    return _active(
        visible_to(audience), Case.taken_by_id.is_not(None), Case.taken_by_id != agent.id
    )


def counts(agent: Agent) -> dict[str, int]:
    """How many chats stand in New, Mine and Others, in one query."""
    is_new, is_mine = Case.taken_by_id.is_(None), Case.taken_by_id == agent.id
    row = db.session.execute(
        select(
            func.count().filter(is_new).label("new"),
            func.count().filter(is_mine).label("mine"),
            func.count().label("all"),
        ).where(text(ACTIVE), visible_to(access.audience_of(agent)))
    ).one()
    return {"new": row.new, "mine": row.mine, "others": row.all - row.new - row.mine}


def responses(agent: Agent) -> Sequence[Case]:
    """Chats I have taken with contact messages that no page of mine has shown (S14, S15)."""
    if not hot.finds(ANY_ANSWERED, agent_id=agent.id):
        return []
    seen = exists().where(
        ReadMark.agent_id == agent.id,
        ReadMark.case_id == Case.id,
        ReadMark.message_id >= Case.last_contact_message_id,
    )
    return _active(
        visible_to(access.audience_of(agent)),
        Case.taken_by_id == agent.id,
        Case.last_contact_message_id.is_not(None),
        ~seen,
    )


@lru_cache(maxsize=AUDIENCES)
def _new_to(audiences: frozenset[Audience], limit: int) -> Select[tuple[Case]]:
    return _query(or_(*map(visible_to, audiences)), Case.taken_by_id.is_(None), limit=limit)


def _active(*conditions: ColumnElement[bool]) -> Sequence[Case]:
    return db.session.scalars(_query(*conditions, limit=SHOWN)).all()


def _query(*conditions: ColumnElement[bool], limit: int) -> Select[tuple[Case]]:
    return (
        select(Case)
        .where(text(ACTIVE), *conditions)
        .options(*cases.shown_in_rows())
        .order_by(func.coalesce(Case.unanswered_since, Case.last_message_at), Case.id)
        .limit(limit)
    )

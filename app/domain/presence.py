"""Who is there (H2): online, there without taking chats, or offline.

Agents choose whether new chats are offered to them; that they are there follows from an open live
page within the last two minutes. Nobody's choice hides a chat: what is offered to nobody waits in New.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import selectinload

from app.clock import now
from app.domain import access, events
from app.domain.agents import Refused
from app.extensions import db
from app.models import Agent, Case

ONLINE, NO_CHATS, OFFLINE = STATES = ("online", "no_chats", "offline")
# A page that is open says so every ten seconds.
PRESENT_FOR = timedelta(minutes=2)


def state(agent: Agent) -> str:
    """One of STATES."""
    return _state(agent.live_at, agent.takes_chats)


def states() -> Mapping[int, str]:
    """The state of every active agent, by id."""
    columns = select(Agent.id, Agent.live_at, Agent.takes_chats).where(Agent.is_active)
    return {row.id: _state(row.live_at, row.takes_chats) for row in db.session.execute(columns)}


def is_online() -> ColumnElement[bool]:
    """The condition on Agent under which new chats may come to them."""
    return Agent.is_active & Agent.may_change & Agent.takes_chats & (Agent.live_at > now() - PRESENT_FOR)


def least_busy(case: Case) -> Agent | None:
    """Who has the fewest open cases and chats of those who may have it and are online."""
    is_theirs = or_(Case.assignee_id == Agent.id, Case.taken_by_id == Agent.id)
    is_waiting = and_(Case.status == "open", Case.is_spam.is_(False), Case.trashed_at.is_(None))
    load = select(func.count()).where(is_theirs, is_waiting).correlate(Agent)
    query = select(Agent).where(is_online()).options(selectinload(Agent.groups))
    online = db.session.scalars(query.order_by(load.scalar_subquery(), Agent.id)).all()
    return next((agent for agent in online if access.may_have(agent, case)), None)


def choose(agent: Agent, chosen: str) -> None:
    """Be offered new chats, or not. Raise Refused for what nobody can choose."""
    if chosen not in (ONLINE, NO_CHATS):
        raise Refused("Choose Online or No chats.")
    if agent.takes_chats == (chosen == ONLINE):
        return
    agent.takes_chats = chosen == ONLINE
    db.session.flush()
    events.record("agent.state_chosen", by=agent, agent=agent.id, new=chosen)


def _state(live_at: datetime | None, takes_chats: bool) -> str:
    if live_at is None or live_at <= now() - PRESENT_FOR:
        return OFFLINE
    return ONLINE if takes_chats else NO_CHATS

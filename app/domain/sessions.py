"""Signed-in browsers: the cookie holds a random token, the database its hash.

A session ends at sign-out, with a new password, with its agent, after 12 hours without use and
after 14 days in any case; the server decides, whatever the cookie says. Reading a page must not
write, so its use is noted in memory and flushed by a background job.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.orm import contains_eager

from app.clock import now
from app.domain import events, second_factors, settings, tokens
from app.extensions import db
from app.models import Agent, Session, Setting

IDLE_LIMIT = timedelta(hours=12)
ABSOLUTE_LIMIT = timedelta(days=14)
# A session's use is written at most this often.
USE_IS_WRITTEN_EVERY = timedelta(minutes=1)

# Asked by every request, so it is built once, and asks for the setting along.
_BY_HASH = (
    select(
        Session,
        select(Setting.value).where(Setting.name == settings.SECOND_FACTOR).scalar_subquery(),
    )
    .join(Session.agent)
    .where(Session.token_hash == bindparam("hash"), Agent.is_active.is_(True))
    .options(contains_eager(Session.agent).joinedload(Agent.groups))
)

_used: dict[int, datetime] = {}
_written: dict[int, datetime] = {}


def start(agent: Agent, *, user_agent: str = "", address: str = "") -> str:
    """Sign this agent in and return the token for the cookie."""
    token = tokens.fresh()
    session = Session(
        token_hash=tokens.hashed(token),
        agent_id=agent.id,
        user_agent=user_agent[:200],
        address=address[:60],
    )
    db.session.add(session)
    db.session.flush()
    events.record("session.started", by=agent, session=session.id, address=session.address)
    return token


def refuse(agent: Agent | None, *, address: str) -> None:
    """Record that somebody did not prove to be this agent, or nobody we know; never what they typed."""
    events.record("session.refused", agent=agent.id if agent else None, address=address[:60])


def find(token: str) -> Session | None:
    """The living session with its agent and their groups, in one query; None for all others.

    One that owes a second factor lets its agent set one up, and do nothing else.
    """
    row = db.session.execute(_BY_HASH, {"hash": tokens.hashed(token)}).unique().one_or_none()
    if row is None or not _is_alive(row[0]):
        return None
    found, who_must = row
    found.owes_second_factor = second_factors.is_owed(found.agent, who_must=int(who_must or 0))
    return found


def agents_by_session(session_ids: Collection[int]) -> dict[int, Agent]:
    """Who is behind each of these that still lives: what an open socket's rights follow."""
    query = (
        select(Session)
        .join(Session.agent)
        .where(Session.id.in_(session_ids), Agent.is_active.is_(True))
        .options(contains_eager(Session.agent).selectinload(Agent.groups))
    )
    living = [session for session in db.session.scalars(query) if _is_alive(session)]
    who_must = settings.get(settings.SECOND_FACTOR)
    return {
        session.id: session.agent
        for session in living
        if not second_factors.is_owed(session.agent, who_must=who_must)
    }


def touch(session_id: int) -> None:
    """Note in memory that the session is used: by a request, or by an open live page (H1)."""
    moment = now()
    written = _written.get(session_id)
    if written is None or abs(moment - written) >= USE_IS_WRITTEN_EVERY:
        _used[session_id] = moment


def has_touches() -> bool:
    return bool(_used)


def flush_touches() -> None:
    """Write down the uses noted since the last flush, in the caller's transaction."""
    uses = {session_id: _used.pop(session_id) for session_id in list(_used)}
    if not uses:
        return
    statement = (
        update(Session)
        .where(Session.id == bindparam("session_id"))
        .values(used_at=bindparam("moment"))
        .execution_options(synchronize_session=False)
    )
    # In one order everywhere: processes that flush at the same moment must not block each other.
    rows = [{"session_id": key, "moment": uses[key]} for key in sorted(uses)]
    db.session.connection().execute(statement, rows)
    old = now() - USE_IS_WRITTEN_EVERY
    for session_id in [key for key, moment in _written.items() if moment < old]:
        del _written[session_id]
    _written.update(uses)


def of_agent(agent: Agent) -> Sequence[Session]:
    """The agent's living sessions, last used first."""
    query = (
        select(Session).where(Session.agent_id == agent.id).order_by(Session.used_at.desc())
    )
    return [session for session in db.session.scalars(query) if _is_alive(session)]


def end(session: Session) -> None:
    """Sign this browser out."""
    db.session.execute(delete(Session).where(Session.id == session.id))
    events.record("session.ended", by=session.agent, session=session.id)


def end_others(session: Session) -> int:
    """Sign the agent out everywhere else; how many browsers that were."""
    others = delete(Session).where(Session.agent_id == session.agent_id, Session.id != session.id)
    count = db.session.execute(others).rowcount
    events.record("session.ended", by=session.agent, others_of=session.id)
    return count


def end_all(agent: Agent, *, by: Agent | None = None) -> None:
    """Sign an agent out everywhere, by an admin."""
    db.session.execute(delete(Session).where(Session.agent_id == agent.id))
    events.record("session.ended", by=by, agent=agent.id)


def forget_ended() -> None:
    """Delete what ran out. Uses still in memory are younger than the margin."""
    moment = now()
    idle = moment - IDLE_LIMIT - timedelta(hours=1)
    ran_out = or_(Session.used_at < idle, Session.created_at < moment - ABSOLUTE_LIMIT)
    db.session.execute(delete(Session).where(ran_out))


def _is_alive(session: Session) -> bool:
    moment = now()
    used_at = max(session.used_at, _used.get(session.id, session.used_at))
    return moment - used_at < IDLE_LIMIT and moment - session.created_at < ABSOLUTE_LIMIT



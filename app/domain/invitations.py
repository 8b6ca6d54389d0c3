"""Links by which an agent sets a password: the first one, or a new one.

A link of an admin's works once and for 7 days, and only the newest of an agent works, beside the one that
is mailed to them then; one that the agent asked for works for an hour, beside others, so that nobody can
end a link by asking. Unknown, used, expired and somebody deactivated are one answer, so that a link tells nothing.
"""

from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import joinedload

from app.clock import now
from app.domain import agents, events, tokens
from app.domain.agents import Refused
from app.extensions import db
from app.models import Agent, Invitation

LIFE = timedelta(days=7)
LIFE_ON_REQUEST = timedelta(hours=1)
KEPT_AFTERWARDS = timedelta(days=30)


def create(agent: Agent, *, by: Agent | None) -> str:
    """A new link's token; earlier ones of the agent stop working. Raise Refused."""
    if not agent.is_active:
        raise Refused("This agent is deactivated. Activate them first.")
    agents.forget_links(agent)
    events.record("agent.invited", by=by, agent=agent.id)
    return _add(agent, LIFE)


def create_beside(agent: Agent) -> str:
    """The token of another link, which is mailed to them: no link's token is kept to be mailed."""
    return _add(agent, LIFE)


def create_for_request(agent: Agent) -> str:
    """The token of a link for who forgot the password; it is mailed to them."""
    events.record("agent.password_requested", agent=agent.id)
    return _add(agent, LIFE_ON_REQUEST)


def _add(agent: Agent, life: timedelta) -> str:
    token = tokens.fresh()
    kept = Invitation(token_hash=tokens.hashed(token), agent_id=agent.id, expires_at=now() + life)
    db.session.add(kept)
    db.session.flush()
    return token


def find(token: str) -> Invitation | None:
    """The invitation, while it works."""
    if not token or len(token) > tokens.LONGEST_TOKEN:
        return None
    query = (
        select(Invitation)
        .join(Invitation.agent)
        .where(
            Invitation.token_hash == tokens.hashed(token),
            Invitation.used_at.is_(None),
            Invitation.expires_at > now(),
            Agent.is_active.is_(True),
        )
        .options(joinedload(Invitation.agent))
    )
    return db.session.scalar(query)


def take_up(invitation: Invitation, *, password_hash: str) -> Agent:
    """Set the password. Raise Refused when somebody else took it up at the same moment."""
    taken = db.session.execute(
        update(Invitation)
        .where(Invitation.id == invitation.id, Invitation.used_at.is_(None))
        .values(used_at=now())
    )
    if taken.rowcount != 1:
        raise Refused("This invitation was used already. Sign in with the password it set.")
    agents.set_password(invitation.agent, password_hash)
    events.record("invitation.taken_up", by=invitation.agent, agent=invitation.agent_id)
    return invitation.agent


def waiting() -> dict[int, Invitation]:
    """Links that still work, by agent; of several the one that does for longest."""
    query = select(Invitation).where(Invitation.used_at.is_(None), Invitation.expires_at > now())
    query = query.order_by(Invitation.expires_at)
    return {invitation.agent_id: invitation for invitation in db.session.scalars(query)}


def forget_old() -> None:
    """Delete what ran out or was used long ago."""
    old = now() - KEPT_AFTERWARDS
    db.session.execute(delete(Invitation).where(Invitation.expires_at < old))

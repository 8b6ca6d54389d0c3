"""Random tokens: how they are made and kept, and the bearer tokens of the JSON API.

A token has 256 random bits and is shown once; the database holds its SHA-256 only, which is
enough because nobody can guess the input. Nothing about the agent or the time is inside.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.orm import contains_eager, joinedload

from app.clock import now
from app.domain import events, hot
from app.domain.agents import Refused
from app.extensions import db
from app.models import Agent, ApiToken

RANDOM_BYTES = 32
LONGEST_TOKEN = 200
LONGEST_LIFE_DAYS = 3650
API_PREFIX = "mado_"
# A token's last use is written at most this often: a busy program is not a busy disk.
USE_IS_WRITTEN_EVERY = timedelta(minutes=1)

_used: set[int] = set()

_LIVING = hot.Statement(
    select(ApiToken.id)
    .join(ApiToken.agent)
    .where(
        ApiToken.token_hash == bindparam("hash"),
        Agent.is_active.is_(True),
        or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > bindparam("moment")),
    )
)
_BY_HASH = (
    select(ApiToken)
    .join(ApiToken.agent)
    .where(ApiToken.token_hash == bindparam("hash"), Agent.is_active.is_(True))
    .options(contains_eager(ApiToken.agent).joinedload(Agent.groups))
)


def fresh() -> str:
    """A new token, safe in URLs and cookies."""
    return secrets.token_urlsafe(RANDOM_BYTES)


def hashed(token: str) -> str:
    """What the database keeps of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def create(agent: Agent, *, expires_days: int | None = None, by: Agent | None = None) -> str:
    """A new API token of this agent; the only moment it can be read. Raise Refused."""
    if not agent.is_active:
        raise Refused("This agent is deactivated. Activate them first.")
    if expires_days is not None and not 1 <= expires_days <= LONGEST_LIFE_DAYS:
        raise Refused(f"Days must be a whole number from 1 to {LONGEST_LIFE_DAYS}.")
    token = API_PREFIX + fresh()
    row = ApiToken(
        token_hash=hashed(token),
        agent_id=agent.id,
        last4=token[-4:],
        expires_at=now() + timedelta(days=expires_days) if expires_days else None,
    )
    db.session.add(row)
    db.session.flush()
    events.record("token.created", by=by, agent=agent.id, last4=row.last4)
    return token


def of_agent(agent: Agent) -> Sequence[ApiToken]:
    """Their tokens, oldest first; expired ones too."""
    return db.session.scalars(select(ApiToken).where(ApiToken.agent_id == agent.id).order_by(ApiToken.id)).all()


def everybodys() -> Sequence[ApiToken]:
    """All tokens with their agents, oldest first; expired ones too."""
    return db.session.scalars(select(ApiToken).options(joinedload(ApiToken.agent)).order_by(ApiToken.id)).all()


def revoke(token: ApiToken, *, by: Agent | None) -> None:
    """It opens nothing from now on, for good. Raise Refused when somebody was quicker."""
    gone = db.session.execute(
        delete(ApiToken).where(ApiToken.id == token.id).execution_options(synchronize_session=False)
    )
    if gone.rowcount != 1:
        raise Refused("This token is gone already.")
    events.record("token.revoked", by=by, agent=token.agent_id, last4=token.last4)


def find(token: str) -> ApiToken | None:
    """The living token with its agent and their groups, in one query; None for all others."""
    if not token or len(token) > LONGEST_TOKEN:
        return None
    found = db.session.scalars(_BY_HASH, {"hash": hashed(token)}).unique().one_or_none()
    return found if found and not is_over(found) else None


def is_living(token: str) -> bool:
    """Whether `find` would find it, without reading who is behind it."""
    if not token or len(token) > LONGEST_TOKEN:
        return False
    return hot.finds(_LIVING, hash=hashed(token), moment=now())


def is_over(token: ApiToken) -> bool:
    return token.expires_at is not None and token.expires_at <= now()


def touch(token: ApiToken) -> None:
    """Note in memory that the token is used, because reading must not write.

    A process that is killed forgets some seconds of it.
    """
    if token.used_at is None or abs(now() - token.used_at) >= USE_IS_WRITTEN_EVERY:
        _used.add(token.id)


def has_touches() -> bool:
    return bool(_used)


def flush_touches() -> None:
    """Write down the uses noted since the last flush, in the caller's transaction."""
    used = {_used.pop() for _ in range(len(_used))}
    if used:
        db.session.execute(
            update(ApiToken)
            .where(ApiToken.id.in_(used))
            .values(used_at=now())
            .execution_options(synchronize_session=False)
        )

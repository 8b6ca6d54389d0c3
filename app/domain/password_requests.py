"""Requests for a new password: somebody typed an address on the page for that.

Every one is kept alike, whether an agent has that address or not, and looked at in the background;
so neither words nor time tell who has an account. They live for an hour at most.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, delete, select, update

from app.clock import now
from app.domain import agents, invitations, queues
from app.extensions import db
from app.models import Agent, PasswordRequest
from app.transaction import wake_after_commit

GIVEN_UP_AFTER = timedelta(hours=1)


def add(email: str) -> None:
    """Keep a request for the agent of this address, in small letters, should there be one."""
    moment = now()
    db.session.add(PasswordRequest(email=email, asked_at=moment, due_at=moment))
    db.session.flush()
    wake_after_commit("mails")


def next_due() -> Select[Any]:
    """The query for the request that is due for longest: id, due_at, email, asked_at, attempts."""
    columns = ("id", "due_at", "email", "asked_at", "attempts")
    query = select(*(getattr(PasswordRequest, name) for name in columns))
    due_at = PasswordRequest.due_at
    return query.where(queues.is_due(due_at, longest=GIVEN_UP_AFTER)).order_by(due_at).limit(1)


def claim(request: Row[Any], *, until: datetime) -> bool:
    return queues.claim(request, PasswordRequest.due_at, PasswordRequest.attempts, until=until)


def link_for(request: Row[Any]) -> tuple[Agent, str] | None:
    """Who asked and the token of their link; None, and it is done with, when nobody gets one."""
    agent = agents.by_email(request.email)
    is_late = now() - request.asked_at > GIVEN_UP_AFTER
    if agent is None or not agent.is_active or is_late:
        forget(request)
        return None
    return agent, invitations.create_for_request(agent)


def try_again(request: Row[Any], *, at: datetime) -> None:
    db.session.execute(
        update(PasswordRequest).where(PasswordRequest.id == request.id).values(due_at=at)
    )


def forget(request: Row[Any]) -> None:
    db.session.execute(delete(PasswordRequest).where(PasswordRequest.id == request.id))

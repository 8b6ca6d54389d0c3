"""Requests for a new password: somebody typed an address on the page for that, or an admin made a link.

Those of the page are kept alike, whether an agent has that address or not, and looked at in the background; so neither
words nor time tell who has an account. They live for an hour at most, an admin's for a day, and then say why.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, select, update

from app.clock import now
from app.domain import agents, invitations, queues
from app.extensions import db
from app.models import Agent, PasswordRequest
from app.transaction import wake_after_commit

GIVEN_UP_AFTER = timedelta(hours=1)
ADMINS_GIVEN_UP_AFTER = timedelta(days=1)
TOO_LATE = "Mado did not come to it for a day."


def add(email: str, *, agent: Agent | None = None) -> None:
    """Keep a request for the agent of this address, in small letters, should there be one.

    With an `agent` an admin made a link for them: they are mailed another one, wherever their mails go by then.
    """
    moment = now()
    agent_id = agent.id if agent else None
    db.session.add(PasswordRequest(email=email, agent_id=agent_id, asked_at=moment, due_at=moment))
    db.session.flush()
    wake_after_commit("mails")


def by_agent() -> dict[int, PasswordRequest]:
    """What admins made and is not mailed, or not yet, by agent."""
    query = select(PasswordRequest).where(PasswordRequest.agent_id.is_not(None))
    return {request.agent_id: request for request in db.session.scalars(query) if request.agent_id}


def next_due() -> Select[Any]:
    """The query for the request that is due for longest: id, due_at, email, agent_id, asked_at, attempts, problem."""
    columns = ("id", "due_at", "email", "agent_id", "asked_at", "attempts", "problem")
    query = select(*(getattr(PasswordRequest, name) for name in columns))
    due_at = PasswordRequest.due_at
    return query.where(queues.is_due(due_at, longest=GIVEN_UP_AFTER)).order_by(due_at).limit(1)


def claim(request: Row[Any], *, until: datetime) -> bool:
    return queues.claim(request, PasswordRequest.due_at, PasswordRequest.attempts, until=until)


def link_for(request: Row[Any]) -> tuple[Agent, str] | None:
    """Who gets it and the token of their link; None, and it is done with, when nobody gets one."""
    is_late = now() - request.asked_at > (ADMINS_GIVEN_UP_AFTER if request.agent_id else GIVEN_UP_AFTER)
    agent = _agent_of(request)
    if agent is None or not agent.is_active or is_late:
        give_up(request, problem=request.problem or TOO_LATE)
        return None
    if request.agent_id:
        return agent, invitations.create_beside(agent)
    return agent, invitations.create_for_request(agent)


def _agent_of(request: Row[Any]) -> Agent | None:
    return db.session.get(Agent, request.agent_id) if request.agent_id else agents.by_email(request.email)


def try_again(request: Row[Any], *, at: datetime, problem: str) -> None:
    _put(request, due_at=at, problem=problem)


def give_up(request: Row[Any] | PasswordRequest, *, problem: str) -> None:
    """It is not mailed; an admin who made a link learns why."""
    if request.agent_id:
        _put(request, due_at=None, problem=problem)
    else:
        forget(request)


def give_up_all(*, problem: str) -> int:
    """None of those that wait is mailed. To how many people admins had made them."""
    waiting = db.session.scalars(select(PasswordRequest).where(PasswordRequest.due_at.is_not(None))).all()
    for request in waiting:
        give_up(request, problem=problem)
    return sum(request.agent_id is not None for request in waiting)


def _put(request: Row[Any] | PasswordRequest, **values: Any) -> None:
    db.session.execute(update(PasswordRequest).where(*_is_it(request)).values(values))


def forget(request: Row[Any] | PasswordRequest) -> None:
    db.session.execute(delete(PasswordRequest).where(*_is_it(request)))


def _is_it(request: Row[Any] | PasswordRequest) -> tuple[ColumnElement[bool], ...]:
    """A newer link of an admin's takes this one's row away meanwhile, and SQLite gives its id to the newer."""
    return PasswordRequest.id == request.id, PasswordRequest.asked_at == request.asked_at

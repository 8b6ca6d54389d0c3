"""Agents and groups: finding people, whom a case can be given to, and changes to them.

What each of them may see and change is access.py's to say.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, delete, not_, select, true, update
from sqlalchemy.orm import selectinload

from app.domain import access, events
from app.extensions import db
from app.models import (
    LARGEST_ID,
    Agent,
    ApiToken,
    Case,
    Conversation,
    Group,
    Invitation,
    PasswordRequest,
    Session,
    group_members,
)

_WHO_MAY_HAVE = select(Agent).where(access.WHO_MAY_HAVE).order_by(Agent.name, Agent.id)


class Refused(Exception):
    """A change that may not be made. Its text says why and what to do."""


def find(agent_id: int) -> Agent | None:
    return db.session.get(Agent, agent_id) if 0 < agent_id <= LARGEST_ID else None


def by_email(email: str) -> Agent | None:
    return db.session.scalar(select(Agent).where(Agent.email == normal_email(email)))


def normal_email(email: str) -> str:
    return email.strip().lower()


def everyone() -> Sequence[Agent]:
    query = select(Agent).options(selectinload(Agent.groups)).order_by(Agent.name, Agent.id)
    return db.session.scalars(query).all()


def who_see(case: Case) -> list[Agent]:
    """Active agents who may see the case."""
    return [agent for agent in everyone() if agent.is_active and access.may_see(agent, case)]


def who_may_have(case: Case) -> Sequence[Agent]:
    """Whom the case can be assigned or handed over to, by name."""
    return db.session.scalars(_WHO_MAY_HAVE, {"group_id": case.group_id}).all()


def create(
    email: str,
    *,
    name: str,
    role: str = "agent",
    access: str = "all",
    may_change: bool = True,
    groups: Iterable[Group] = (),
    password_hash: str | None = None,
    by: Agent | None = None,
) -> Agent:
    """A new agent. Raise Refused when the address is taken."""
    if by_email(email):
        raise Refused("An agent with this email address exists already.")
    agent = Agent(
        email=normal_email(email),
        name=name.strip(),
        role=role,
        access=access,
        may_change=may_change or role == "admin",
        groups=list(groups),
        password_hash=password_hash,
    )
    db.session.add(agent)
    db.session.flush()
    events.record("agent.created", by=by, agent=agent.id)
    return agent


def change(
    agent: Agent,
    *,
    name: str,
    email: str,
    role: str,
    access: str,
    may_change: bool,
    is_active: bool,
    groups: Iterable[Group],
    by: Agent,
) -> None:
    """Edit an agent. Raise Refused for a taken address or when no active admin would be left."""
    other = by_email(email)
    if other and other.id != agent.id:
        raise Refused("An agent with this email address exists already.")
    if agent.is_admin and (role != "admin" or not is_active) and is_last_admin(agent):
        raise Refused("This is the last admin. Make somebody else an admin first.")
    agent.name, agent.email, agent.role = name.strip(), normal_email(email), role
    agent.access, agent.may_change = access, may_change or role == "admin"
    agent.is_active, agent.groups = is_active, list(groups)
    db.session.flush()
    if not is_active:
        end_access(agent)
    elif agent.may_change:
        _put_back_hidden(agent)
    else:
        _put_back(agent, true(), reason="agent may only look")
    events.record("agent.changed", by=by, agent=agent.id)


def is_last_admin(agent: Agent) -> bool:
    """Whether nobody else could undo it. Locks the admins: two must not demote each other."""
    admins = select(Agent.id).where(Agent.role == "admin", Agent.is_active.is_(True))
    locked = db.session.scalars(admins.order_by(Agent.id).with_for_update()).all()
    return set(locked) <= {agent.id}


def end_access(agent: Agent) -> None:
    """A deactivated agent's sessions and tokens die, and their chats go back to New."""
    db.session.execute(delete(Session).where(Session.agent_id == agent.id))
    db.session.execute(delete(ApiToken).where(ApiToken.agent_id == agent.id))
    forget_links(agent)
    _put_back(agent, true(), reason="agent deactivated")


def _put_back_hidden(agent: Agent) -> None:
    """Chats they have taken and may not see any more go back to New, to those who may."""
    _put_back(agent, not_(access.visible_to(access.audience_of(agent))), reason="agent can't see it any more")


def _put_back(agent: Agent, condition: ColumnElement[bool], *, reason: str) -> None:
    is_theirs = (Case.taken_by_id == agent.id, condition)
    if db.session.get_bind().dialect.name == "postgresql":  # as every writer of a conversation does
        theirs = select(Conversation.id).where(Conversation.id.in_(select(Case.conversation_id).where(*is_theirs)))
        db.session.execute(theirs.order_by(Conversation.id).with_for_update(key_share=True))
    untied = (
        update(Case)
        .where(*is_theirs)
        .values(taken_by_id=None, taken_at=None, given_at=None)
        .returning(Case.id)
    )
    for case_id in db.session.scalars(untied).all():
        events.record("chat.put_back", case_id=case_id, old=agent.id, reason=reason)


def forget_links(agent: Agent) -> None:
    """Links for a password open nothing any more, and none that an admin made is mailed."""
    # First, because who mails one holds this row while they make its link: that is seen, and goes, below.
    db.session.execute(delete(PasswordRequest).where(PasswordRequest.agent_id == agent.id))
    unused = (Invitation.agent_id == agent.id, Invitation.used_at.is_(None))
    db.session.execute(delete(Invitation).where(*unused))


def set_password(agent: Agent, password_hash: str) -> None:
    """A new password ends every session of the agent, and links that would set another one.

    A second factor stays. The caller starts a fresh session.
    """
    db.session.execute(
        update(Agent).where(Agent.id == agent.id).values(password_hash=password_hash)
    )
    db.session.execute(delete(Session).where(Session.agent_id == agent.id))
    forget_links(agent)
    events.record("agent.password_changed", by=agent, agent=agent.id)


def all_groups() -> Sequence[Group]:
    return db.session.scalars(select(Group).order_by(Group.name)).all()


def groups_with_members() -> Sequence[Group]:
    query = select(Group).options(selectinload(Group.members)).order_by(Group.name)
    return db.session.scalars(query).all()


def groups_of(ids: Iterable[int]) -> list[Group]:
    wanted = set(ids)
    return [group for group in all_groups() if group.id in wanted]


def create_group(name: str, *, by: Agent | None = None) -> Group:
    """A new group. Raise Refused when the name is taken."""
    group = Group(name=_free_group_name(name))
    db.session.add(group)
    db.session.flush()
    events.record("group.created", by=by, group=group.id, name=group.name)
    return group


def change_group(group: Group, *, name: str, members: Iterable[Agent], by: Agent) -> None:
    free, before = _free_group_name(name, besides=group), list(group.members)
    group.name, group.members = free, list(members)
    db.session.flush()
    for agent in before:
        _put_back_hidden(agent)
    events.record("group.changed", by=by, group=group.id, name=group.name)


def _free_group_name(name: str, *, besides: Group | None = None) -> str:
    """Whatever its letters' case: of any script, so not left to SQL."""
    wanted = name.strip().casefold()
    taken = {group.name.casefold() for group in all_groups() if group is not besides}
    if wanted in taken:
        raise Refused("A group with this name exists already.")
    return name.strip()


def delete_group(group: Group, *, by: Agent) -> None:
    """Its cases have no group afterwards and are seen by everybody."""
    db.session.execute(delete(group_members).where(group_members.c.group_id == group.id))
    events.record("group.deleted", by=by, group=group.id, name=group.name)
    db.session.execute(delete(Group).where(Group.id == group.id))
    db.session.expire_all()

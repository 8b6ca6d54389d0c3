"""Who may see what, and who may change it: the one place that decides (H1).

Lists, searches and counts ask with a condition, what is at hand is asked itself, and both say the
same. What an agent may not see does not exist for them; what they may see and not change raises
LooksOnly. It refuses to know how either is told to people.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from sqlalchemy import ColumnElement, Integer, and_, bindparam, exists, false, or_, true

from app.models import Agent, Case, group_members


class LooksOnly(Exception):
    """The agent may see this and change nothing."""


@dataclass(frozen=True, slots=True)
class Audience:
    """What agents must share to be shown the same cases: a level of access, and what it rests on.

    `group_ids` are theirs where they see their groups' cases; `agent_id` is whose cases they see where
    that is all.
    """

    access: str
    group_ids: frozenset[int] = frozenset()
    agent_id: int | None = None


class Placed(Protocol):
    """A case, as far as it says who may see it: the case itself, or a row with these columns."""

    @property
    def group_id(self) -> int | None: ...
    @property
    def assignee_id(self) -> int | None: ...
    @property
    def taken_by_id(self) -> int | None: ...


EVERYTHING = Audience("all")
# So many statements that differ by audience are kept ready: to make one takes longer than to run it.
AUDIENCES = 200

_GROUP_ID = bindparam("group_id", type_=Integer)
# The condition on Agent that `may_have` is of one: for a case of the group `group_id`, which may be None.
WHO_MAY_HAVE = and_(
    Agent.is_active,
    Agent.may_change,
    or_(
        Agent.role == "admin",
        Agent.access != "own_groups",
        _GROUP_ID.is_(None),
        exists().where(
            group_members.c.agent_id == Agent.id,
            group_members.c.group_id == _GROUP_ID,
        ),
    ),
)


def audience_of(agent: Agent) -> Audience:
    if agent.sees_all:
        return EVERYTHING
    if agent.access == "assigned":
        return _audience("assigned", agent_id=agent.id)
    return _audience("own_groups", group_ids=agent.group_ids)


# Those who share an audience share the object, too: a thousand pages are told apart by it at once.
_audience = lru_cache(maxsize=1_000)(Audience)


def visible_to(audience: Audience) -> ColumnElement[bool]:
    """The condition on Case under which this audience sees it; `sees` says the same of one."""
    if audience.access == "all":
        return true()
    if audience.access == "assigned":
        return or_(Case.assignee_id == audience.agent_id, Case.taken_by_id == audience.agent_id)
    groups = audience.group_ids
    return or_(Case.group_id.is_(None), Case.group_id.in_(groups) if groups else false())


def sees(audience: Audience, case: Placed) -> bool:
    if audience.access == "assigned":
        return audience.agent_id in (case.assignee_id, case.taken_by_id)
    return audience.access == "all" or case.group_id is None or case.group_id in audience.group_ids


def may_see(agent: Agent, case: Placed) -> bool:
    return sees(audience_of(agent), case)


def may_have(agent: Agent, case: Placed) -> bool:
    """Whether it can be given to them: who sees only what is theirs sees it from then on.

    WHO_MAY_HAVE says the same to the database.
    """
    is_able = agent.is_active and agent.may_change
    return is_able and (agent.access == "assigned" or may_see(agent, case))


def may_be_given(agent: Agent, case: Placed) -> bool:
    """Whether it can come to them by itself: who sees only what is theirs gets no other groups' so."""
    is_of_theirs = agent.sees_all or case.group_id is None or case.group_id in agent.group_ids
    return is_of_theirs and may_have(agent, case)


def check_change(agent: Agent) -> None:
    """Raise LooksOnly for who may change nothing, whatever they see."""
    if not agent.may_change:
        raise LooksOnly


def offered_to(agent: Agent) -> Audience | None:
    """Whose new chats light an agent's icon; None for who could not answer them, or chose not to (H2)."""
    return audience_of(agent) if agent.may_change and agent.takes_chats else None

"""What is chosen from beside a case: labels, groups, and whom it can be given to, by one statement."""

from dataclasses import dataclass, field

from sqlalchemy import literal_column, select, union_all

from app.domain import hot
from app.domain.access import WHO_MAY_HAVE
from app.models import Agent, Case, Group, Label

Choice = tuple[int, str]

_ALL = hot.Statement(
    union_all(
        select(literal_column("'labels'"), Label.id, Label.name),
        select(literal_column("'agents'"), Agent.id, Agent.name).where(WHO_MAY_HAVE),
        select(literal_column("'groups'"), Group.id, Group.name),
    ).order_by("name", "id")
)


@dataclass(frozen=True)
class Choices:
    """Ids and names, by name."""

    labels: list[Choice] = field(default_factory=list)
    agents: list[Choice] = field(default_factory=list)
    groups: list[Choice] = field(default_factory=list)


def beside(case: Case) -> Choices:
    found = Choices()
    for what, id_, name in hot.read(_ALL, group_id=case.group_id):
        getattr(found, what).append((id_, name))
    return found

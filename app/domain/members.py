"""Who is in a group's conversation, as far as Mado knows: those who wrote.

LINE lists a group's members to few accounts only, so nobody is asked for a list.
"""

from dataclasses import dataclass

from sqlalchemy import func, select

from app.domain import contacts
from app.extensions import db
from app.models import Case, Message

# A busy group has many messages and few people; its page is drawn often.
NEWEST_MESSAGES = 1_000
MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Member:
    """One person of a group: the name, else what the channel calls them."""

    contact_id: int
    name: str
    picture: str | None


def who_wrote(case: Case) -> list[Member]:
    """The author and those who wrote of late, who wrote last first; two queries."""
    recent = (
        select(Message.id, Message.contact_id)
        .where(Message.case_id == case.id, Message.direction == "in")
        .order_by(Message.id.desc())
        .limit(NEWEST_MESSAGES)
        .subquery()
    )
    query = (
        select(recent.c.contact_id)
        .where(recent.c.contact_id.is_not(None))
        .group_by(recent.c.contact_id)
        .order_by(func.max(recent.c.id).desc())
        .limit(MOST_SHOWN)
    )
    ids = list(db.session.scalars(query))
    if case.contact_id and case.contact_id not in ids:
        ids.append(case.contact_id)
    found = contacts.named(ids, case.channel)
    return [Member(id_, found[id_].name, found[id_].picture) for id_ in ids if id_ in found]

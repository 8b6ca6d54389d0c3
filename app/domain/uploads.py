"""Uploads: files that an agent has put into a draft, until a message claims them or they go.

They belong to the agent and the case, so a reload and another tab show them again, and nobody
else can send them (T8). A message claims each of them once. Files on the disk are not touched
here: whoever removes rows is told which stored files nobody names any more.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import Row, bindparam, delete, exists, func, select, update

from app.clock import now
from app.domain import hot
from app.domain.agents import Refused
from app.extensions import db
from app.models import Agent, Attachment, Case, Draft, Message

MOST = 10
KEPT = timedelta(days=1)
ANY_WAITING = hot.Statement(
    select(Attachment.__table__.c.id)
    .where(
        Attachment.__table__.c.case_id == bindparam("case_id"),
        Attachment.__table__.c.agent_id == bindparam("agent_id"),
        Attachment.__table__.c.message_id.is_(None),
    )
    .limit(1)
)


class TooMany(Refused):
    """The draft holds as many files as one can."""


def of_draft(case: Case, agent: Agent) -> Sequence[Attachment]:
    """In the order they were put there."""
    if not hot.finds(ANY_WAITING, case_id=case.id, agent_id=agent.id):
        return []
    query = select(Attachment).where(*_in_draft(case, agent)).order_by(Attachment.id)
    return db.session.scalars(query).all()


def find(case: Case, agent: Agent, upload_id: int) -> Attachment | None:
    """One of the agent's own, not sent yet; None for everything else (T8)."""
    query = select(Attachment).where(*_in_draft(case, agent), Attachment.id == upload_id)
    return db.session.scalar(query)


def chosen(case: Case, agent: Agent, ids: Collection[int]) -> Sequence[Attachment]:
    """Those that a form names. Raise Refused when one of them is not there any more."""
    found = [upload for upload in of_draft(case, agent) if upload.id in ids]
    if len(found) != len(set(ids)):
        raise Refused("A file is not in this draft any more. Reload the page, then send again.")
    return found


def add(upload: Attachment) -> None:
    """Put a stored file into the draft of its case and agent. Raise TooMany."""
    mine = (Attachment.case_id == upload.case_id, Attachment.agent_id == upload.agent_id)
    waiting = select(func.count()).where(*mine, Attachment.message_id.is_(None))
    if (db.session.scalar(waiting) or 0) >= MOST:
        raise TooMany(f"A draft holds {MOST} files. Send these first, or remove some.")
    db.session.add(upload)
    db.session.flush()


def remove(upload: Attachment) -> list[str]:
    """Take it out of the draft; the stored files that go with it."""
    return [key for pair in _delete([upload.id]) for key in pair if key]


def claim(message: Message, ids: Collection[int], *, by: Agent) -> None:
    """Make these uploads the message's files, in the order they were put in. Raise Refused."""
    for place, upload_id in enumerate(sorted(set(ids))):
        won = db.session.execute(
            update(Attachment)
            .where(*_in_draft(message.case, by), Attachment.id == upload_id)
            .values(message_id=message.id, place=place)
        ).rowcount
        if not won:
            raise Refused("A file is not in this draft any more. Reload the page, then send again.")
    db.session.expire(message, ["attachments"])


def ids_of(message: Message) -> list[int]:
    """The files that a message has claimed."""
    query = select(Attachment.id).where(Attachment.message_id == message.id)
    return sorted(db.session.scalars(query))


def forget_old(*, limit: int = 500) -> int:
    """Drop uploads of drafts that nobody touched for a day; how many. Their bytes are strays then."""
    old = now() - KEPT
    touched = exists().where(
        Draft.case_id == Attachment.case_id,
        Draft.agent_id == Attachment.agent_id,
        Draft.updated_at > old,
    )
    query = select(Attachment.id).where(
        Attachment.message_id.is_(None),
        Attachment.agent_id.is_not(None),
        Attachment.created_at <= old,
        ~touched,
    )
    return len(_delete(db.session.scalars(query.limit(limit)).all()))


def _in_draft(case: Case, agent: Agent) -> tuple:
    return (
        Attachment.case_id == case.id,
        Attachment.agent_id == agent.id,
        Attachment.message_id.is_(None),
        Attachment.state == "stored",
    )


def _delete(ids: Sequence[int]) -> Sequence[Row[tuple[str | None, str | None]]]:
    """Guarded: what a message claimed meanwhile stays."""
    return db.session.execute(
        delete(Attachment)
        .where(Attachment.id.in_(ids), Attachment.message_id.is_(None))
        .returning(Attachment.storage_key, Attachment.preview_key)
        .execution_options(synchronize_session=False)
    ).all()

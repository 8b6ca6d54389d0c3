"""Public links: what opens one sent file to a provider and to whoever it hands the address on.

A contact's app fetches a picture when its owner looks, months later perhaps and without signing
in (LINE.md 2.7), so a link lives long and nothing but its token guards it: 256 random bits,
encrypted at rest and found by their hash (T18). An agent can revoke it; what was unsent or
deleted has none.
"""

from collections.abc import Iterable

from sqlalchemy import select

from app.clock import now
from app.domain import events, tokens
from app.domain.agents import Refused
from app.extensions import db
from app.models import Agent, Attachment, Case, Message


def give(files: Iterable[Attachment]) -> None:
    """A token for each that has none yet: a reply that is tried again keeps its addresses."""
    for file in files:
        if file.public_token is None:
            file.public_token = tokens.fresh()
            file.public_token_hash = tokens.hashed(file.public_token)
    db.session.flush()


def find(token: str) -> Attachment | None:
    """The sent file that this token opens; None for everything else, revoked ones too."""
    if len(token) > tokens.LONGEST_TOKEN:
        return None
    query = (
        select(Attachment)
        .join(Message, Message.id == Attachment.message_id)
        .where(
            Attachment.public_token_hash == tokens.hashed(token),
            Attachment.revoked_at.is_(None),
            Attachment.state == "stored",
            Message.direction == "out",
            Message.unsent_at.is_(None),
        )
    )
    return db.session.scalar(query)


def sent_in(case: Case, attachment_id: int) -> Attachment | None:
    """A file of one of the case's replies."""
    query = (
        select(Attachment)
        .join(Message, Message.id == Attachment.message_id)
        .where(
            Attachment.id == attachment_id,
            Attachment.case_id == case.id,
            Message.direction == "out",
        )
    )
    return db.session.scalar(query)


def revoke(file: Attachment, *, by: Agent) -> None:
    """From now on the address opens nothing; who has the file already keeps it."""
    if file.public_token_hash is None or file.message_id is None:
        raise Refused("This file has no public link.")
    if file.revoked_at is not None:
        return
    file.revoked_at = now()
    db.session.flush()
    name = file.filename
    events.record(
        "attachment.revoked", case_id=file.case_id, message_id=file.message_id, by=by, name=name
    )

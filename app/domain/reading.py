"""What a provider shall show as read: the newest message that an agent has opened (S9).

Only where the channel wants it; most providers, and LINE as it is set up at first, are told nothing.
It is told in the background (`app/signals.py`), the newest of each conversation alone.
"""

import json

from sqlalchemy import select, update

from app.channels import registry
from app.clock import now
from app.extensions import db
from app.models import Case, Conversation, Message
from app.transaction import wake_after_commit


def show(case: Case, *, up_to: int | None = None) -> None:
    """Let everything up to this message, else the newest one, be shown as read."""
    adapter = registry.adapter(case.channel.kind)
    if not adapter.marks_read(case.channel):
        return
    payload = _newest_payload(case, up_to)
    token = adapter.read_token(json.loads(payload)) if payload else None
    if token is None:
        return
    changed = db.session.execute(
        update(Conversation)
        .where(
            Conversation.id == case.conversation_id,
            Conversation.read_token.is_distinct_from(token),
        )
        .values(read_token=token, read_due_at=now())
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount:
        wake_after_commit("signals")


def _newest_payload(case: Case, up_to: int | None) -> str | None:
    query = select(Message.payload).where(
        Message.case_id == case.id, Message.direction == "in", Message.payload.is_not(None)
    )
    if up_to is not None:
        query = query.where(Message.id <= up_to)
    return db.session.scalar(query.order_by(Message.id.desc()).limit(1))

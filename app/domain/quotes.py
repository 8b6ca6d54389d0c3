"""Which message another one quotes: found by the provider's id, within one conversation (L4).

It refuses to find anything outside the conversation, and to say what was quoted to somebody who
may not see the case it stands in.
"""

from sqlalchemy import select, text, union_all

from app.domain import access
from app.domain.agents import Refused
from app.domain.upsert import insert
from app.extensions import db
from app.models import RECEIVED, Agent, Case, Message, SentPart

_ADD_PART = insert(SentPart.__table__).on_conflict_do_nothing()


def find(channel_id: int, external_id: str, *, conversation_id: int) -> int | None:
    """The id of the message, a contact's or ours, that the provider calls this."""
    received = select(Message.id).where(
        Message.channel_id == channel_id,
        Message.external_id == external_id,
        text(RECEIVED),
    )
    sent = select(SentPart.message_id).where(
        SentPart.channel_id == channel_id, SentPart.external_id == external_id
    )
    query = (
        select(Message.id)
        .join(Case, Case.id == Message.case_id)
        .where(Message.id.in_(union_all(received, sent)), Case.conversation_id == conversation_id)
    )
    return db.session.scalar(query.limit(1))


def keep_sent(message: Message, external_ids: tuple[str, ...]) -> None:
    """Remember what the provider calls the parts of a reply."""
    place = {"channel_id": message.channel_id, "message_id": message.id}
    rows = [{**place, "external_id": external_id[:100]} for external_id in external_ids]
    if rows:
        db.session.connection().execute(_ADD_PART, rows)


def quotable(case: Case, message_id: int | None) -> Message | None:
    """The message of this case that an agent quotes. Raise Refused when it can't be."""
    if message_id is None:
        return None
    message = db.session.scalar(
        select(Message).where(Message.case_id == case.id, Message.id == message_id)
    )
    if message is None or not message.quote_token:
        raise Refused("This message can't be quoted any more. Take the quote out and send again.")
    return message


def may_read(agent: Agent, message: Message) -> bool:
    """Whether this agent may read what the message quotes: it may stand in an older case."""
    quoted = message.quoted
    if quoted is None:
        return False
    return quoted.case_id == message.case_id or access.may_see(agent, quoted.case)

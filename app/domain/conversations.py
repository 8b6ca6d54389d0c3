"""Groups and rooms as addresses: whether the channel is in them, their name, how many they are.

A channel that is added to a group makes no case, and one that is thrown out at once leaves nothing
but a line in its log (S27, S28): a conversation begins with its first message.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, false, or_, select, update

from app.channels.base import Profile
from app.clock import now
from app.domain import cases, contacts, events
from app.extensions import db
from app.models import Case, Conversation, Message
from app.transaction import wake_after_commit


def enter(channel_id: int, external_id: str, case_id: int | None, *, at: datetime) -> None:
    """The channel is in a group, perhaps again. `at` is the provider's clock."""
    back = {"left_at": None, "lookup_due_at": now(), "lookup_attempts": 0}
    known = _update(channel_id, external_id, _is_news(at), {**back, "presence_told_at": at})
    if known or case_id is None:
        wake_after_commit("lookups")
        place = _place(external_id, known)
        events.record("channel.joined_group", channel_id=channel_id, case_id=case_id, **place)


def leave(channel_id: int, external_id: str, case_id: int | None, *, at: datetime) -> None:
    """The channel is in the group no more: nothing can be sent, and nobody is asked about it."""
    gone = {"left_at": at, "lookup_due_at": None, "presence_told_at": at}
    known = _update(channel_id, external_id, and_(_is_news(at), ~_has_heard_since(case_id, at)), gone)
    if known or case_id is None:
        place = _place(external_id, known)
        events.record("channel.left_group", channel_id=channel_id, case_id=case_id, **place)


def count_again(channel_id: int, external_id: str) -> None:
    """Somebody joined or left: ask how many they are now."""
    is_inside = Conversation.__table__.c.left_at.is_(None)
    _update(channel_id, external_id, is_inside, {"lookup_due_at": now(), "lookup_attempts": 0})
    wake_after_commit("lookups")


def took_profile(conversation: Conversation, profile: Profile) -> None:
    """Keep a group's name and size; unedited subjects follow the name (S32)."""
    if profile.name and profile.name != conversation.name:
        conversation.name = profile.name[:200]
        db.session.flush()
        _rename(conversation)
    if profile.member_count not in (None, conversation.member_count):
        conversation.member_count = profile.member_count
        db.session.flush()
        for case in _cases_of(conversation, limit=1):
            events.record("conversation.counted", case_id=case.id, new=profile.member_count)


def _rename(conversation: Conversation) -> None:
    for case in _cases_of(conversation):
        cases.refresh_subject(case)
        contacts.index(case)
        events.record("contact.named", case_id=case.id, conversation=conversation.id)


def _cases_of(conversation: Conversation, limit: int | None = None) -> list[Case]:
    query = select(Case).where(Case.conversation_id == conversation.id)
    return list(db.session.scalars(query.order_by(Case.id.desc()).limit(limit)))


def _is_news(at: datetime) -> ColumnElement[bool]:
    """Events may come in another order than they happened: what is older than the newest is over (F13)."""
    told_at = Conversation.__table__.c.presence_told_at
    return or_(told_at.is_(None), told_at <= at)


def _has_heard_since(case_id: int | None, at: datetime) -> ColumnElement[bool]:
    """Whoever hears what a group says is in it."""
    if case_id is None:
        return false()
    table = Message.__table__
    return exists().where(
        table.c.case_id == case_id, table.c.direction == "in", table.c.sent_at > at
    )


def _place(external_id: str, known: Row[Any] | None) -> dict[str, str]:
    """A group as logs name it: the channel's id, and the name if it was ever known."""
    return {"group": external_id} | ({"name": known.name} if known and known.name else {})


def _update(
    channel_id: int, external_id: str, condition: Any, values: dict[str, Any]
) -> Row[Any] | None:
    """The conversation that was changed, None where there was none to change."""
    statement = (
        update(Conversation.__table__)
        .where(
            Conversation.__table__.c.channel_id == channel_id,
            Conversation.__table__.c.external_id == external_id,
            condition,
        )
        .values(**values)
        .returning(Conversation.__table__.c.name)
    )
    return db.session.connection().execute(statement).first()

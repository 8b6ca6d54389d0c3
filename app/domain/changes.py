"""What a contact did to a message afterwards: took it back, or wrote it anew (L3).

Either may come before its message; then it waits as an EarlyChange. Of several edits the newest by
the provider's clock stays, whatever the order they come in, and nothing comes back after an
unsend. Neither counts as writing: no chat is reactivated and nothing lights up.
"""

import dataclasses
import json
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, select, text, update

from app.channels.base import Inbound
from app.domain import attachments, cases, contacts, events, search
from app.domain.upsert import insert
from app.extensions import db
from app.models import RECEIVED, Case, EarlyChange, Message


def take_back(channel_id: int, event: Inbound) -> Message | None:
    """Blank a message in every place that holds it. None when it has not come yet."""
    message = _find(channel_id, event)
    if message is None:
        _keep(channel_id, event)
        return None
    if message.unsent_at is None:
        _blank(message, event.occurred_at)
        events.record("message.unsent", case_id=message.case_id, message_id=message.id)
    return message


def rewrite(channel_id: int, event: Inbound) -> None:
    """Show a message's newest text; an older edit, or one after an unsend, changes nothing."""
    message = _find(channel_id, event)
    if message is None:
        _keep(channel_id, event)
        return
    if message.unsent_at or (message.edited_at and message.edited_at >= event.occurred_at):
        return
    old = message.text
    message.payload = json.dumps(event.payload, ensure_ascii=False) if event.payload else None
    message.edited_at, message.quote_token = event.occurred_at, event.quote_token
    _put_text(message, event.text)
    _forget(message.case, old)
    events.record("message.edited", case_id=message.case_id, message_id=message.id)


def early(channel_id: int, event: Inbound) -> tuple[Inbound, dict[str, datetime]]:
    """The event as it is after what came before it, and the moments its message must bear."""
    about = _about(channel_id, event.message_id)
    found = {change.kind: change for change in db.session.scalars(select(EarlyChange).where(about))}
    if not found:
        return event, {}
    db.session.execute(delete(EarlyChange).where(about))
    if unsent := found.get("unsent"):
        blank = {"text": "", "payload": None, "files": (), "quote_token": None}
        return dataclasses.replace(event, **blank), {"unsent_at": unsent.occurred_at}
    edited = found["edited"]
    payload = json.loads(edited.payload) if edited.payload else None
    newer = dataclasses.replace(
        event,
        text=edited.text,
        payload=payload,
        quote_token=edited.quote_token or event.quote_token,
    )
    return newer, {"edited_at": edited.occurred_at}


def mark(message_id: int, moments: dict[str, datetime]) -> None:
    """Write down that a message came edited or unsent."""
    db.session.execute(update(Message).where(Message.id == message_id).values(moments))


def forget_early(before: datetime) -> None:
    """Changes whose message never came, and after all that time won't."""
    db.session.execute(delete(EarlyChange).where(EarlyChange.occurred_at < before))


def _find(channel_id: int, event: Inbound) -> Message | None:
    query = select(Message).where(
        Message.channel_id == channel_id,
        Message.external_id == event.message_id,
        text(RECEIVED),
    )
    return db.session.scalar(
        query.with_for_update(of=Message).execution_options(populate_existing=True)
    )


def _keep(channel_id: int, event: Inbound) -> None:
    about = _about(channel_id, event.message_id)
    if event.kind == "unsent":
        db.session.execute(delete(EarlyChange).where(about, EarlyChange.kind == "edited"))
    elif db.session.scalar(
        select(EarlyChange.kind).where(about, EarlyChange.kind == "unsent").limit(1)
    ):
        return
    values = {
        "occurred_at": event.occurred_at,
        "text": event.text if event.kind == "edited" else "",
        "payload": json.dumps(event.payload, ensure_ascii=False) if event.payload else None,
        "quote_token": event.quote_token,
    }
    added = insert(EarlyChange).values(
        channel_id=channel_id, external_id=event.message_id, kind=event.kind, **values
    )
    db.session.execute(
        added.on_conflict_do_update(
            index_elements=["channel_id", "external_id", "kind"],
            set_=values,
            where=EarlyChange.occurred_at < event.occurred_at,
        )
    )


def _about(channel_id: int, external_id: str | None) -> ColumnElement[bool]:
    return and_(EarlyChange.channel_id == channel_id, EarlyChange.external_id == external_id)


def _blank(message: Message, moment: datetime) -> None:
    old = message.text
    message.unsent_at = moment
    message.payload = message.quote_token = None
    _put_text(message, "")
    attachments.remove(message.id)
    _forget(message.case, old)


def _put_text(message: Message, text: str) -> None:
    """The text, and the search index with it: that must be told exactly what it was given."""
    old, message.text = message.text, text
    db.session.flush()
    search.remove_message(message.id, old)
    if text:
        search.add_message(message.id, message.case_id, text)


def _forget(case: Case, old: str) -> None:
    """A subject made of the old text follows, and history keeps no copy of it."""
    was = cases.shortened(old)
    if not was:
        return
    if not case.subject_is_edited and case.subject == was:
        cases.refresh_subject(case)
        contacts.index(case)
    events.forget(case, was, instead=cases.automatic_subject(case))

"""The way in: provider events become messages, chats and facts, each exactly once (S6).

This is the hot path, so it speaks Core, not the ORM: one statement per table touched. The receipt
comes first and decides; a duplicate ends there. It refuses to commit, and to know any provider.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.engine import Connection

from app import counters, transaction
from app.channels import registry
from app.channels.base import Inbound, Unreadable
from app.clock import now
from app.columns import Moment
from app.domain import (
    attachments,
    cases,
    changes,
    contacts,
    conversations,
    events,
    hot,
    kept_events,
    places,
    quotes,
    search,
)
from app.domain.places import Place, Source
from app.domain.rules import book, engine
from app.domain.upsert import insert
from app.extensions import OUTAGES, db
from app.models import (
    RECEIVED,
    Case,
    Channel,
    Contact,
    Message,
    Receipt,
)

TAKEN_BACK = "The contact took this message back, so nothing of it is kept."
BATCHES = 0x6D61646F  # our own among PostgreSQL's advisory locks
_as_json = json.JSONEncoder(ensure_ascii=False).encode
CHANGE_KINDS = frozenset({"edited", "unsent"})
SHOWN_KINDS = frozenset({"line", "activity", "joined", "left"})

_TURN = select(func.pg_advisory_xact_lock(BATCHES, bindparam("channel_id")))
_RECEIPT = hot.Statement(
    insert(Receipt.__table__).on_conflict_do_nothing(),
    *("channel_id", "event_key", "conversation_id", "received_at", "reply_token", "attempts"),
)
_MESSAGE = hot.Insertion(
    insert(Message.__table__).on_conflict_do_nothing(),
    *("case_id", "channel_id", "direction", "kind", "text", "contact_id", "is_automatic"),
    *("external_id", "payload", "sent_at", "received_at", "is_late"),
    *("quoted_id", "quote_token", "album_key", "album_place"),
)
_KNOWN = hot.Statement(
    select(Message.__table__.c.id).where(
        Message.__table__.c.channel_id == bindparam("channel_id"),
        Message.__table__.c.external_id == bindparam("message_id"),
        text(RECEIVED),
    )
)
_AT = bindparam("at", type_=Moment)
MESSAGE_ARRIVED = hot.Statement(
    update(Case.__table__)
    .where(Case.__table__.c.id == bindparam("case_id"))
    .values(
        last_message_at=_AT,
        last_activity_at=_AT,
        last_message_id=bindparam("message_id"),
        last_contact_message_id=bindparam("message_id"),
        last_contact_at=_AT,
        unanswered_since=func.coalesce(Case.__table__.c.unanswered_since, _AT),
    )
)


def receive(source: Source, batch: Sequence[Inbound | Unreadable]) -> None:
    """Take in a batch inside the current transaction; raise when any event of it fails."""
    wait_for_turns({source.id} if is_about_several(batch) else ())
    rule = events.take_fresh if book.is_empty() else engine.run_fresh
    for event in batch:
        _take_in(source, event)
        rule()


def receive_each(source: Source, batch: Sequence[Inbound | Unreadable], raw: list[bytes]) -> None:
    """The same after a failure: each event in its own savepoint, the bad ones kept back (S6).

    `raw` holds each event's bytes. A database that is locked or gone still raises: nothing was
    taken in and the provider shall send it again.
    """
    wait_for_turns({source.id} if is_about_several(batch) else ())
    for event, body in zip(batch, raw, strict=True):
        try:
            with db.session.begin_nested():
                _take_in(source, event)
                engine.run_fresh()
        except OUTAGES:
            raise
        except Exception as problem:  # the poison is kept with its reason, its neighbours live
            events.take_fresh()
            kept_events.keep(source.id, event.key, body, problem)
            transaction.count(counters.INTAKE, outcome="kept_back")


def retry_kept_back(receipt: Receipt) -> bool:
    """Try one kept-back event again; after five tries it stays, visible to admins."""
    channel = db.session.get_one(Channel, receipt.channel_id)
    problem = _again(channel, receipt.raw or b"")
    if problem:
        kept_events.failed_again(receipt, problem)
    else:
        receipt.error = receipt.raw = receipt.due_at = None
    return problem is None


def _again(channel: Channel, raw: bytes) -> Exception | None:
    """Take a kept-back event in; what is still wrong with it."""
    parse = registry.kind(channel.kind).retry
    try:
        if parse is None:
            raise RuntimeError("this kind of channel can't read kept-back events")
        with db.session.begin_nested():
            for event in parse(channel, raw):
                _take_in(Source.of(channel), event, has_receipt=True)
                engine.run_fresh()
    except OUTAGES:
        raise
    except Exception as problem:
        return problem
    return None


def _take_in(source: Source, event: Inbound | Unreadable, *, has_receipt: bool = False) -> None:
    if isinstance(event, Unreadable):
        raise kept_events.BadEvent(event.error)
    connection = hot.connection()
    place = places.find(connection, source, event) if event.conversation_id else None
    if not (has_receipt or _is_new(connection, source, event, place)):
        transaction.count(counters.INTAKE, outcome="redelivered")
        return
    if event.kind == "message" and event.conversation_id:
        _add_message(connection, source, event, place or places.make(source, event))
    elif event.kind in ("followed", "unfollowed") and event.sender_id:
        channel = db.session.get_one(Channel, source.id)
        is_blocked, at = event.kind == "unfollowed", event.occurred_at
        contacts.set_blocked(channel, event.sender_id, is_blocked=is_blocked, at=at)
    elif event.kind in CHANGE_KINDS and event.message_id:
        _change(source, event, place)
    elif event.kind in SHOWN_KINDS and event.conversation_id:
        _add_line(source, event, place)
    transaction.count(counters.INTAKE, outcome="taken_in")


def is_about_several(batch: Sequence[Inbound | Unreadable]) -> bool:
    """Whether it writes in several conversations."""
    if len(batch) < 2:
        return False
    return len({event.conversation_id for event in batch if isinstance(event, Inbound)}) > 1


def wait_for_turns(channel_ids: Collection[int]) -> None:
    """Who writes in several conversations of a channel goes one after another: none waits in a circle."""
    connection = hot.connection()
    if connection.dialect.name == "postgresql":
        for channel_id in sorted(channel_ids):
            connection.execute(_TURN, {"channel_id": channel_id})


def _is_new(connection: Connection, source: Source, event: Inbound, place: Place | None) -> bool:
    added = _RECEIPT.count(
        connection,
        channel_id=source.id,
        event_key=event.key,
        conversation_id=place.id if place else None,
        received_at=now(),
        reply_token=event.reply_token,
        attempts=0,
    )
    return added == 1


def _add_message(connection: Connection, source: Source, event: Inbound, place: Place) -> None:
    if place.chat_state != "active" and _is_known(source, event):
        return
    moment = now()
    if place.has_left:  # whoever hears what a group says now is in it
        conversations.enter(source.id, event.conversation_id or "", place.case_id, at=event.occurred_at)
    moments: dict[str, datetime] = {}
    if place.has_early_change:
        event, moments = changes.early(source.id, event)
    sender = _sender_of(source, event, place)
    if _continues(source, place):
        case_id = place.case_id or 0
        is_reactivated = place.chat_state == "ended"
    else:
        case_id, is_reactivated = _open_case(source, event, place, sender, moment), False
    message_id = _write(
        connection,
        source,
        event,
        case_id,
        "in",
        moment,
        contact_id=sender,
        external_id=event.message_id,
        quoted_id=_quoted(source, event, place),
    )
    if message_id is None:
        return
    if moments:
        changes.mark(message_id, moments)
    if is_reactivated:
        _reactivate(case_id, place, sender)
    MESSAGE_ARRIVED.count(connection, case_id=case_id, at=moment, message_id=message_id)
    if event.text:
        search.add_message(message_id, case_id, event.text)
    if event.files:
        attachments.expect(message_id, case_id, event.files)
    events.record("message.received", case_id=case_id, message_id=message_id)


def _write(
    connection: Connection,
    source: Source,
    event: Inbound,
    case_id: int,
    direction: str,
    moment: datetime,
    *,
    contact_id: int | None = None,
    external_id: str | None = None,
    quoted_id: int | None = None,
) -> int | None:
    """The new message's id, or None when this message of the provider's is there already."""
    return _MESSAGE.id(
        connection,
        case_id=case_id,
        channel_id=source.id,
        direction=direction,
        kind=event.message_kind,
        text=event.text,
        contact_id=contact_id,
        is_automatic=False,
        external_id=external_id,
        payload=_as_json(event.payload) if event.payload else None,
        sent_at=event.occurred_at,
        received_at=moment,
        is_late=event.is_redelivered,
        quoted_id=quoted_id,
        quote_token=event.quote_token,
        album_key=event.album_key,
        album_place=event.album_place,
    )


def _is_known(source: Source, event: Inbound) -> bool:
    """Whether this message came before under another event: it must not reopen anything (S6)."""
    if event.message_id is None:
        return False
    return hot.finds(_KNOWN, channel_id=source.id, message_id=event.message_id)


def _quoted(source: Source, event: Inbound, place: Place) -> int | None:
    if event.quoted_id is None:
        return None
    return quotes.find(source.id, event.quoted_id, conversation_id=place.id)


def _sender_of(source: Source, event: Inbound, place: Place) -> int | None:
    if not place.is_group:
        return place.contact_id
    return places.contact_of(source, event.sender_id) if event.sender_id else None


def _continues(source: Source, place: Place) -> bool:
    """Whether a contact's message goes on in the newest case (S25) or opens a new one (S26)."""
    if place.case_id is None:
        return False
    if place.chat_state == "active":
        return True
    if place.is_spam or place.is_trashed:
        return False
    return place.status != "closed" or source.reactivates_closed


def _open_case(
    source: Source, event: Inbound, place: Place, sender: int | None, moment: datetime
) -> int:
    is_chat = registry.adapter(source.kind).is_chat
    case = Case(
        channel_id=source.id,
        conversation_id=place.id,
        contact_id=sender,
        subject=_first_subject(source, event, place, sender),
        chat_state="active" if is_chat else "none",
        group_id=source.group_id,
        created_at=moment,
        last_message_at=moment,
        last_activity_at=moment,
    )
    db.session.add(case)
    db.session.flush()
    contacts.index(case)
    events.record("case.created", case_id=case.id)
    if is_chat:
        events.leave_untaken(case.id)
    return case.id


def _first_subject(source: Source, event: Inbound, place: Place, sender: int | None) -> str:
    adapter = registry.adapter(source.kind)
    if event.subject:
        return cases.shortened(event.subject)
    if place.is_group:
        return place.name or adapter.unnamed(place.kind, event.conversation_id)
    shortened = cases.shortened(event.text) if event.message_kind == "text" else ""
    contact = db.session.get(Contact, sender) if sender else None
    name = contacts.shown_name(contact, source.kind, event.sender_id)
    return shortened or cases.chat_with(adapter.label, name)


def _reactivate(case_id: int, place: Place, sender: int | None) -> None:
    """S25: the same case, active and untaken again, its status open.

    In a group somebody else may have written: they become the author once an agent selects it (S31).
    """
    is_other = place.is_group and sender != place.author_id
    db.session.connection().execute(
        update(Case.__table__)
        .where(Case.__table__.c.id == case_id)
        .values(
            chat_state="active",
            status="open",
            status_changed_at=now() if place.status != "open" else Case.__table__.c.status_changed_at,
            ended_at=None,
            keep_open_until=None,
            taken_by_id=None,
            taken_at=None,
            author_candidate_id=sender if is_other else None,
        )
    )
    if place.status != "open":
        events.record("case.status_changed", case_id=case_id, old=place.status, new="open")
    events.record("chat.reactivated_by_contact", case_id=case_id)


def _add_line(source: Source, event: Inbound, place: Place | None) -> None:
    """A system line in an active chat; it opens none (S8)."""
    _note_presence(source, event, place)
    if place is None or place.chat_state != "active" or place.case_id is None:
        return
    for member_id in event.member_ids or (None,):
        _write_line(source, event, place.case_id, member_id)
    if event.kind == "activity":
        db.session.connection().execute(
            update(Case.__table__)
            .where(Case.__table__.c.id == place.case_id)
            .values(last_activity_at=now())
        )


def _write_line(source: Source, event: Inbound, case_id: int, member_id: str | None) -> None:
    """Whom a line tells of is looked up like who writes, so that names show here too (S33)."""
    about = places.contact_of(source, member_id) if member_id else None
    told = replace(event, text=member_id) if member_id else event
    connection = db.session.connection()
    message_id = _write(connection, source, told, case_id, "system", now(), contact_id=about)
    events.record("line.added", case_id=case_id, message_id=message_id)


def _note_presence(source: Source, event: Inbound, place: Place | None) -> None:
    group_id, case_id = event.conversation_id or "", place.case_id if place else None
    if event.kind == "joined":
        conversations.enter(source.id, group_id, case_id, at=event.occurred_at)
    elif event.kind == "left":
        conversations.leave(source.id, group_id, case_id, at=event.occurred_at)
    elif event.member_ids:
        conversations.count_again(source.id, group_id)


def _change(source: Source, event: Inbound, place: Place | None) -> None:
    """About an earlier message; where nobody ever wrote, its place is made: there both wait (L3)."""
    if place is None and event.conversation_id:
        places.make(source, event)
    if event.kind == "edited":
        changes.rewrite(source.id, event)
    else:
        changes.take_back(source.id, event)
        _empty_kept_back(source, event.message_id or "")


def _empty_kept_back(source: Source, message_id: str) -> None:
    """What failed before it was taken back comes in as unsent, or at least loses its bytes (L3)."""
    for receipt in kept_events.about(source.id, message_id):
        raw = receipt.raw or b""
        receipt.raw = receipt.due_at = None
        db.session.flush()
        problem = _again(db.session.get_one(Channel, source.id), raw)
        receipt.error = TAKEN_BACK if problem else None

"""The messages of a case as readers see them: page by page, and what changed since they looked.

Whoever shows messages reads them here, with all that is shown of each.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, bindparam, select, union_all
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql.base import ExecutableOption

from app.domain import events, hot
from app.extensions import db
from app.models import LARGEST_ID, Attachment, Case, Event, Identity, Message

Messages = Select[tuple[Message]]

PAGE = 50
# How many events an open page catches up on at once; after a long sleep it asks again.
CHANGES = 500
_EVENTS = Event.__table__.c
NEWEST_EVENT = hot.Statement(
    select(_EVENTS.id)
    .where(
        _EVENTS.case_id == bindparam("case_id"), *(_EVENTS.type != one for one in sorted(events.UNORDERED))
    )
    .order_by(_EVENTS.id.desc())
    .limit(1)
)
ANY_FILE = hot.Statement(
    select(Attachment.__table__.c.id)
    .where(Attachment.__table__.c.case_id == bindparam("case_id"))
    .limit(1)
)
_ALBUM = selectinload(Message.album).selectinload(Message.attachments)
_QUOTED = joinedload(Message.quoted).options(
    joinedload(Message.case), joinedload(Message.contact), joinedload(Message.agent)
)


def _with_all_shown(query: Messages) -> tuple[Messages, Messages]:
    """The query twice, for `_read`: for a case without files, and for one with."""
    of_case = query.where(Message.case_id == bindparam("case_id"))
    without_files = of_case.options(joinedload(Message.contact), joinedload(Message.agent))
    return without_files, without_files.options(selectinload(Message.attachments))


_IDS = bindparam("ids", expanding=True)
_ONE = _with_all_shown(select(Message).where(Message.id == bindparam("id")))
_NEWEST = _with_all_shown(
    select(Message)
    .where(Message.id.between(bindparam("since"), bindparam("until")))
    .order_by(Message.id.desc())
    .limit(bindparam("limit"))
)
_AFTER = _with_all_shown(
    select(Message)
    .where(Message.id > bindparam("after"))
    .order_by(Message.id)
    .limit(bindparam("limit"))
)
_ALBUMS = select(Message.album_key).where(Message.id.in_(_IDS), Message.album_key.is_not(None))
# Bubbles of these messages, those that quote them, and the albums they belong to. Gathered first: by OR
# SQLite reads all that the case has, however long it is.
_SHOWING = _with_all_shown(
    select(Message)
    .where(
        Message.id.in_(
            union_all(
                select(Message.id).where(Message.id.in_(_IDS)),
                select(Message.id).where(Message.quoted_id.in_(_IDS)),
                select(Message.id).where(
                    Message.case_id == bindparam("case_id"), Message.album_key.in_(_ALBUMS)
                ),
            )
        )
    )
    .order_by(Message.id)
)


def newest(
    case: Case, *, limit: int = PAGE, before: int | None = None, since: int = 0
) -> list[Message]:
    """The last messages of a case, oldest first; `before` pages backwards by id, down to `since`."""
    until = LARGEST_ID if before is None else before - 1
    return _named(_read(case, _NEWEST, since=since, until=until, limit=limit))[::-1]


def after(case: Case, message_id: int, *, limit: int) -> Sequence[Message]:
    """Messages in the order they came, for readers that page forwards."""
    return _read(case, _AFTER, after=message_id, limit=limit)


@dataclass(frozen=True)
class Changes:
    """What an open page lacks: bubbles new and changed, why, and where the page stands afterwards."""

    messages: list[Message]
    types: frozenset[str]
    cursor: int
    has_more: bool


def changed_since(case: Case, event_id: int) -> Changes:
    """Messages that the next CHANGES events after this one tell of, oldest first.

    With them the types of those events, where the page stands, and whether there may be more. This is
    the one way a bubble enters an open page (DESIGN, Live). What is recorded without a lock moves no
    page on, and is told again for a while, because it may come late.
    """
    read = db.session.execute(
        select(Event.id, Event.message_id, Event.type)
        .where(Event.case_id == case.id, Event.id > event_id - events.overlap())
        .order_by(Event.id)
        .limit(CHANGES)
    ).all()
    recorded = [row for row in read if row.id > event_id or row.type in events.UNORDERED]
    ids = {row.message_id for row in recorded if row.message_id}
    has_more = len(read) == CHANGES
    passed = [row.id for row in recorded if has_more or row.type not in events.UNORDERED]
    return Changes(
        messages=_named(_read(case, _SHOWING, ids=list(ids))) if ids else [],
        types=frozenset(row.type for row in recorded),
        cursor=max(passed, default=event_id),
        has_more=has_more,
    )


def cursor_of(case: Case) -> int:
    """The id of the case's newest event that has its place: what `changed_since` starts from."""
    return hot.value(NEWEST_EVENT, case_id=case.id) or 0


def find(case: Case, message_id: int) -> Message | None:
    found = _read(case, _ONE, id=message_id)
    return found[0] if found else None


def _read(case: Case, either: tuple[Messages, Messages], **given: object) -> list[Message]:
    """Those of the case, with all that is shown of them; what only some have is read where one has it."""
    has_files = hot.finds(ANY_FILE, case_id=case.id)
    found = list(db.session.scalars(either[has_files], {**given, "case_id": case.id}))
    for message in found:
        if not has_files:
            set_committed_value(message, "attachments", [])
        if not message.album_key:
            set_committed_value(message, "album", [])
    _add_to([one for one in found if one.state == "queued"], joinedload(Message.delivery))
    _add_to([one for one in found if one.album_key], _ALBUM)
    _add_to([one for one in found if one.quoted_id], _QUOTED)
    return found


def _add_to(some: Sequence[Message], what: ExecutableOption) -> None:
    if some:
        query = select(Message).where(Message.id.in_([one.id for one in some])).options(what)
        db.session.scalars(query).all()


def _named(found: list[Message]) -> list[Message]:
    """The same, with what channels call those of the people who have no name (S33)."""
    senders = (one.contact for message in found for one in (message, message.quoted) if one)
    unnamed = {contact for contact in senders if contact and not contact.name}
    if unnamed:
        query = select(Identity).where(Identity.contact_id.in_([one.id for one in unnamed]))
        called = db.session.scalars(query.order_by(Identity.id)).all()
        for contact in unnamed:
            own = [identity for identity in called if identity.contact_id == contact.id]
            set_committed_value(contact, "identities", own)
    return found

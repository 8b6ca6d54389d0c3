"""Cases: finding them, opening one by hand, and changing status, assignee, group and subject."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from sqlalchemy import (
    Select,
    and_,
    bindparam,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.orm import defer, joinedload, load_only, selectinload

from app.channels import registry
from app.clock import now
from app.domain import access, by_hand, contacts, events, hot, narrowing, search
from app.domain.access import AUDIENCES, Audience, visible_to
from app.domain.agents import Refused
from app.domain.narrowing import UNFILTERED, Filters
from app.domain.search import Cursor
from app.extensions import db
from app.models import (
    ACTIVE,
    LARGEST_ID,
    PRIORITIES,
    STATUSES,
    Agent,
    Case,
    Channel,
    Contact,
    Conversation,
    Group,
    Identity,
    Message,
)

SUBJECT_LENGTH = 60
LONGEST_SUBJECT = 200
PAGE = 50
WITH_LABELS = selectinload(Case.labels)

_MANUAL_CHANNEL = (
    select(Channel)
    .where(Channel.kind == "manual")
    .order_by(Channel.id)
    .limit(1)
    .options(defer(Channel.key), defer(Channel.credentials))
)
ANY_ACTIVE = hot.Statement(
    select(Case.__table__.c.id).where(
        Case.__table__.c.conversation_id == bindparam("conversation_id"), text(ACTIVE)
    )
)
_SNIPPETS = (
    select(Message)
    .where(Message.id.in_(bindparam("ids", expanding=True)))
    .options(
        load_only(Message.case_id, Message.direction, Message.kind, Message.text, Message.unsent_at)
    )
)


@dataclass(frozen=True)
class Page:
    """Some cases and where the next ones begin; None at the end."""

    cases: list[Case]
    next: Cursor | None


def listed(
    audience: Audience,
    filters: Filters = UNFILTERED,
    *,
    chat: str | None = None,
    q: str = "",
    before: Cursor | None = None,
    limit: int = PAGE,
) -> Page:
    """A page of cases, last message first (S10).

    `filters` and `chat` as in narrowing.py. `q` searches number, subject, contact and every message.
    """
    condition = and_(narrowing.condition(filters, chat), visible_to(audience))
    if q.strip():
        found = search.find_cases(q, condition=condition, before=before, limit=limit)
        return Page(_in_order(found.case_ids), found.next)
    query = select(Case).where(condition).options(*shown_in_lists(), WITH_LABELS)
    if before:
        query = query.where(
            tuple_(Case.last_message_at, Case.id) < tuple_(before.last_message_at, before.case_id)
        )
    query = query.order_by(Case.last_message_at.desc(), Case.id.desc()).limit(limit + 1)
    rows = list(db.session.scalars(query).all())
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(rows, Cursor(rows[-1].last_message_at, rows[-1].id) if more else None)


def snippets(cases: Sequence[Case]) -> dict[int, Message]:
    """The last message of each case, by case id, in one query."""
    ids = [case.last_message_id for case in cases if case.last_message_id]
    found = db.session.scalars(_SNIPPETS, {"ids": ids}).all() if ids else []
    return {message.case_id: message for message in found}


def visible(number: int, audience: Audience) -> Case | None:
    """The case with this number, None when it isn't there or not for these eyes."""
    if not 0 < number <= LARGEST_ID:
        return None
    return db.session.scalar(_visible(audience), {"number": number})


def lock(case: Case) -> Case:
    """Make every other writer of this conversation wait, and see its latest state.

    PostgreSQL locks the conversation's row, so that ids within it are in commit order; on SQLite
    the whole writing transaction has the database to itself already.
    """
    hold(case)
    db.session.refresh(case)
    return case


def hold(case: Case) -> None:
    """The same for who knows enough of its state."""
    _hold(case, waits=True)


def lock_if_free(case: Case) -> bool:
    """The same without waiting: False while somebody else writes in the conversation."""
    if not _hold(case, waits=False):
        return False
    db.session.refresh(case)
    return True


def open_by_hand(
    *,
    subject: str,
    text_: str,
    contact_name: str,
    by: Agent | None,
    group: Group | None = None,
) -> Case:
    """A mail-like case that an agent or a program writes down: the "manual" channel."""
    channel = _manual_channel()
    written = by_hand.Written(
        channel=channel,
        group_id=group.id if group else channel.group_id,
        name=contact_name.strip()[:200] or None,
        subject=one_line(subject) or shortened(text_),
        subject_is_edited=bool(subject.strip()),
        text=text_,
        at=now(),
    )
    case = by_hand.write(hot.connection(), written, by=by)
    if by and access.may_have(by, case) and not access.may_see(by, case):
        assign(case, by, by=by)  # who sees only what is theirs would lose what they have just written
    return case


def set_status(case: Case, status: str, *, by: Agent | None, **cause: str) -> None:
    if status not in STATUSES:
        raise Refused("Status is open, pending or closed.")
    if case.status == status:
        return
    old, case.status, case.status_changed_at = case.status, status, now()
    db.session.flush()
    events.record("case.status_changed", case_id=case.id, by=by, old=old, new=status, **cause)


def set_priority(case: Case, priority: str, *, by: Agent | None) -> None:
    if priority not in PRIORITIES:
        raise Refused("Priority is low, normal, high or urgent.")
    if case.priority == priority:
        return
    old, case.priority = case.priority, priority
    db.session.flush()
    events.record("case.priority_changed", case_id=case.id, by=by, old=old, new=priority)


def set_spam(case: Case, *, is_spam: bool, by: Agent | None) -> None:
    """Spam is in no list that doesn't ask for it, and a contact's next message begins a new case (S26)."""
    if is_spam and case.is_active_chat:
        raise Refused("End the chat first.")
    if case.is_spam == is_spam:
        return
    case.is_spam = is_spam
    db.session.flush()
    if is_spam:
        events.record("case.marked_spam", case_id=case.id, by=by)
    else:
        events.record("case.unmarked_spam", case_id=case.id, by=by)


def set_trashed(case: Case, *, is_trashed: bool, by: Agent | None) -> None:
    """The same of the trash; what lies there for long is deleted for good (deletions.py)."""
    if is_trashed and case.is_active_chat:
        raise Refused("End the chat first.")
    if (case.trashed_at is not None) == is_trashed:
        return
    if case.deleted_at:
        raise Refused("This case was deleted for good.")
    case.trashed_at = now() if is_trashed else None
    db.session.flush()
    if is_trashed:
        events.record("case.trashed", case_id=case.id, by=by)
    else:
        events.record("case.restored", case_id=case.id, by=by)


def assign(case: Case, assignee: Agent | None, *, by: Agent | None) -> None:
    """Make somebody responsible, or nobody. Raise Refused when they couldn't see the case."""
    if assignee and not access.may_have(assignee, case):
        raise Refused("This agent can't see the case, or may only look. Change its group or their access first.")
    new = assignee.id if assignee else None
    if case.assignee_id == new:
        return
    old, case.assignee_id = case.assignee_id, new
    db.session.flush()
    db.session.expire(case, ["assignee"])
    events.record("case.assigned", case_id=case.id, by=by, old=old, new=new)


def move(case: Case, group: Group | None, *, by: Agent | None) -> None:
    """Give the case to another group; who can't see it there is untied from it."""
    new = group.id if group else None
    if case.group_id == new:
        return
    old, case.group_id = case.group_id, new
    db.session.flush()
    db.session.expire(case, ["group"])
    events.record("case.group_changed", case_id=case.id, by=by, old=old, new=new)
    if case.assignee and not access.may_see(case.assignee, case):
        assign(case, None, by=by)
    if case.taken_by and not access.may_see(case.taken_by, case):
        taker, case.taken_by_id, case.taken_at, case.given_at = case.taken_by_id, None, None, None
        db.session.flush()
        db.session.expire(case, ["taken_by"])
        reason = "moved to another group"
        events.record("chat.put_back", case_id=case.id, by=by, old=taker, reason=reason)


def set_subject(case: Case, subject: str, *, by: Agent | None) -> None:
    """An agent's own subject, which stays. An empty one gives it back to the name (S32)."""
    old = case.subject
    case.subject_is_edited = bool(subject.strip())
    case.subject = one_line(subject) or automatic_subject(case)
    db.session.flush()
    if case.subject != old:
        contacts.index(case)
        events.record(
            "case.subject_changed", case_id=case.id, by=by, old=old, new=case.subject
        )


def refresh_subject(case: Case) -> None:
    """Let an unedited subject follow the name it is made of."""
    if case.subject_is_edited:
        return
    # Guarded, because an agent may be editing it at this moment: theirs is kept (S32).
    db.session.execute(
        update(Case)
        .where(Case.id == case.id, Case.subject_is_edited.is_(False))
        .values(subject=automatic_subject(case))
        .execution_options(synchronize_session=False)
    )
    db.session.refresh(case)


def automatic_subject(case: Case) -> str:
    """A group's name; else the first text, shortened; else "LINE chat with <name>" (S32)."""
    adapter = registry.adapter(case.channel.kind)
    conversation = case.conversation
    if conversation.is_group:
        return conversation.name or adapter.unnamed(conversation.kind, conversation.external_id)
    first = db.session.scalar(
        select(Message.text)
        .where(Message.case_id == case.id, Message.direction == "in", Message.kind == "text")
        .order_by(Message.id)
        .limit(1)
    )
    return shortened(first or "") or chat_with(adapter.label, contacts.author_name(case))


def chat_with(label: str, name: str) -> str:
    return f"{label} chat with {name}"


def one_line(subject: str) -> str:
    """A subject as somebody wrote it, as long as the column takes."""
    return " ".join(subject.split())[:LONGEST_SUBJECT]


def shortened(subject: str, length: int = SUBJECT_LENGTH) -> str:
    """One line of at most `length` characters, cut at a word where there is one."""
    line = " ".join(subject.split())
    if len(line) <= length:
        return line
    cut = line[: length - 1]
    space = cut.rfind(" ")
    return (cut[:space] if space > length // 2 else cut).rstrip() + "…"


def active_in(conversation_id: int) -> Case | None:
    """The conversation's active chat: at most one, the database says so (S26a)."""
    if not hot.finds(ANY_ACTIVE, conversation_id=conversation_id):
        return None
    return db.session.scalar(
        select(Case).where(Case.conversation_id == conversation_id, text(ACTIVE))
    )


def _hold(case: Case, *, waits: bool) -> bool:
    if db.session.get_bind().dialect.name != "postgresql":
        return True
    query = select(Conversation.id).where(Conversation.id == case.conversation_id)
    return db.session.scalar(query.with_for_update(key_share=True, skip_locked=not waits)) is not None


@cache
def shown_in_lists() -> tuple:
    """What rows of lists need of other tables: to be loaded with them."""
    return (
        joinedload(Case.contact),
        joinedload(Case.conversation).joinedload(Conversation.identity),
        # Their secrets would be decrypted once for every row.
        joinedload(Case.channel).options(defer(Channel.key), defer(Channel.credentials)),
        joinedload(Case.assignee).load_only(Agent.name),
        joinedload(Case.taken_by).load_only(Agent.name),
        joinedload(Case.group),
    )


@lru_cache(maxsize=AUDIENCES)
def _visible(audience: Audience) -> Select[tuple[Case]]:
    query = select(Case).where(
        Case.id == bindparam("number"), Case.deleted_at.is_(None), visible_to(audience)
    )
    return query.options(*shown_in_lists())


@cache
def shown_in_rows() -> tuple:
    """The same for lists of chats, and of all tables only what a line says and who may see it.

    Every page and every look of the live part reads these, and a row of all columns takes thrice as long.
    """
    return (
        load_only(
            *(Case.channel_id, Case.conversation_id, Case.contact_id, Case.group_id, Case.assignee_id),
            *(Case.taken_by_id, Case.priority, Case.unanswered_since, Case.keep_open_until),
            *(Case.last_message_id, Case.last_message_at, Case.last_activity_at),
        ),
        joinedload(Case.contact).load_only(Contact.name, Contact.picture),
        joinedload(Case.conversation).options(
            load_only(Conversation.kind, Conversation.name, Conversation.external_id, Conversation.identity_id),
            joinedload(Conversation.identity).load_only(Identity.contact_id, Identity.external_id),
        ),
        joinedload(Case.channel).load_only(Channel.kind, Channel.name, Channel.inactivity_minutes),
        joinedload(Case.taken_by).load_only(Agent.name),
    )


def _in_order(ids: Sequence[int]) -> list[Case]:
    query = select(Case).where(Case.id.in_(ids)).options(*shown_in_lists(), WITH_LABELS)
    found = {case.id: case for case in db.session.scalars(query).all()}
    return [found[case_id] for case_id in ids if case_id in found]


def _manual_channel() -> Channel:
    """The channel that cases written by hand belong to."""
    found = db.session.scalars(_MANUAL_CHANNEL).first()
    if found:
        return found
    channel = Channel(kind="manual", name="Written by hand", state="connected")
    db.session.add(channel)
    db.session.flush()
    return channel

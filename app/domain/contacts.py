"""Contacts and what channels call them: found or made when they write, named later.

Names come from look-ups after the commit (S34); until then a contact is shown by the channel's id.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Row, Select, and_, bindparam, or_, select, union, update

from app.channels import registry
from app.channels.base import Profile
from app.clock import now
from app.domain import cases, events, search
from app.domain.access import AUDIENCES, Audience, visible_to
from app.extensions import db
from app.models import Case, Channel, Contact, Conversation, Identity, Message
from app.transaction import wake_after_commit


def shown_name(contact: Contact | None, channel_kind: str, external_id: str | None) -> str:
    """The name, else what the channel's kind calls somebody it can't name."""
    if contact and contact.name:
        return contact.name
    return registry.adapter(channel_kind).unnamed("user", external_id)


Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Named:
    """A contact as people read them on one channel, and the file of their picture."""

    name: str
    picture: str | None


def named(ids: Iterable[int], channel: Channel) -> dict[int, Named]:
    """Contacts by id, each by name or by what this channel calls them (S33); one query."""
    wanted = set(ids)
    if not wanted:
        return {}
    on_channel = and_(Identity.contact_id == Contact.id, Identity.channel_id == channel.id)
    query = (
        select(Contact.id, Contact.name, Contact.picture, Identity.external_id)
        .outerjoin(Identity, on_channel)
        .where(Contact.id.in_(wanted))
        .order_by(Identity.id.desc())
    )
    unnamed = registry.adapter(channel.kind).unnamed
    return {
        row.id: Named(row.name or unnamed("user", row.external_id), row.picture)
        for row in db.session.execute(query)
    }


def names(ids: Iterable[int]) -> dict[int, str]:
    """Contacts by id as people read them, wherever they write; one query, none for nobody."""
    wanted = set(ids)
    query = (
        select(Contact.id, Contact.name, Channel.kind, Identity.external_id)
        .outerjoin(Identity, Identity.contact_id == Contact.id)
        .outerjoin(Channel, Channel.id == Identity.channel_id)
        .where(Contact.id.in_(wanted))
        .order_by(Identity.id.desc())
    )
    found = db.session.execute(query) if wanted else ()
    return {row.id: row.name or _unnamed(row.kind, row.external_id) for row in found}


def found(text: str, *, limit: int = 8) -> list[tuple[int, str]]:
    """Contacts of whose name, or of whose id at a channel, this is a part; ids and names."""
    if not text.strip():
        return []
    is_meant = or_(
        Contact.name.icontains(text.strip(), autoescape=True),
        Identity.external_id == text.strip(),
    )
    query = select(Contact.id, Contact.name).outerjoin(Identity).where(is_meant).distinct()
    ids = [row.id for row in db.session.execute(query.order_by(Contact.name, Contact.id).limit(limit))]
    named = names(ids)
    return [(id_, named[id_]) for id_ in ids]


def author_name(case: Case) -> str:
    """Whom the case belongs to, as people read it: a name, else the channel's id."""
    if case.contact and case.contact.name:
        return case.contact.name
    identity = identity_of(case)
    return shown_name(case.contact, case.channel.kind, identity.external_id if identity else None)


def latest_writer(case: Case) -> str:
    """Whoever of the contacts wrote last, in a group not always the author."""
    message_id = case.last_contact_message_id
    message = db.session.get(Message, message_id) if message_id else None
    if message is None or message.contact_id in (None, case.contact_id):
        return author_name(case)
    return named([message.contact_id or 0], case.channel)[message.contact_id or 0].name


def _unnamed(kind: str | None, external_id: str | None) -> str:
    return registry.adapter(kind).unnamed("user", external_id) if kind else external_id or "–"


def title_of(case: Case) -> str:
    """Whom a list row is about: a group's name, else the author's (S14, S32)."""
    conversation = case.conversation
    if conversation.is_group:
        adapter = registry.adapter(case.channel.kind)
        return conversation.name or adapter.unnamed(conversation.kind, conversation.external_id)
    return author_name(case)


def identity_of(case: Case) -> Identity | None:
    """What the case's channel calls its author; no query where the conversation is theirs."""
    if case.contact_id is None:
        return None
    own = case.conversation.identity
    if own and own.contact_id == case.contact_id:
        return own
    return db.session.scalar(
        select(Identity)
        .where(Identity.contact_id == case.contact_id, Identity.channel_id == case.channel_id)
        .order_by(Identity.id)
        .limit(1)
    )


def history(contact: Contact, audience: Audience, *, limit: int = 10) -> Sequence[Row]:
    """The contact's newest cases that this audience may see, active chats included (S10).

    Of each its id, subject, status, chat_state, is_spam, trashed_at and last_message_at.
    """
    return db.session.execute(_history(audience, limit), {"contact_id": contact.id}).all()


@lru_cache(maxsize=AUDIENCES)
def _history(audience: Audience, limit: int) -> Select:
    shown = (Case.subject, Case.status, Case.chat_state, Case.is_spam, Case.trashed_at)
    return (
        select(Case.id, *shown, Case.last_message_at)
        .where(Case.contact_id == bindparam("contact_id"), visible_to(audience))
        .order_by(Case.last_message_at.desc(), Case.id.desc())
        .limit(limit)
    )


def took_name(identity: Identity, profile: Profile, *, at: datetime | None = None) -> None:
    """Keep what the provider said of a person and let it show everywhere."""
    contact = identity.contact
    identity.looked_up_at = at or now()
    identity.picture_url = profile.picture_url
    contact.language = profile.language or contact.language
    if profile.name and profile.name != contact.name:
        old, contact.name = contact.name, profile.name[:200]
        db.session.flush()
        for case in _cases_showing(contact):
            if case.contact_id == contact.id:
                cases.refresh_subject(case)
                index(case)
            events.record("contact.named", case_id=case.id, contact=contact.id, old=old)
    db.session.flush()


def ask_for_names_again(channel: Channel) -> None:
    """Look up everybody who has no name yet: there is a new way to learn it (S33)."""
    is_nameless = Identity.contact_id.in_(select(Contact.id).where(Contact.name.is_(None)))
    db.session.execute(
        update(Identity)
        .where(Identity.channel_id == channel.id, is_nameless)
        .values(lookup_due_at=now(), lookup_attempts=0)
        .execution_options(synchronize_session=False)
    )
    wake_after_commit("lookups")


def group_of(identity: Identity) -> Place | None:
    """Kind and id of the group or room that this person wrote in last, if the channel is in one."""
    query = (
        select(Conversation.kind, Conversation.external_id)
        .join(Case, Case.conversation_id == Conversation.id)
        .join(Message, Message.case_id == Case.id)
        .where(
            Message.contact_id == identity.contact_id,
            Conversation.channel_id == identity.channel_id,
            Conversation.kind.in_(("group", "room")),
            Conversation.left_at.is_(None),
        )
        .order_by(Message.id.desc())
        .limit(1)
    )
    found = db.session.execute(query).first()
    return (found.kind, found.external_id) if found else None


def set_blocked(channel: Channel, external_id: str, *, is_blocked: bool, at: datetime) -> None:
    """A person blocked or unblocked the channel (S8). Unknown people are no business of ours.

    `at` is the provider's clock: what is older than the newest of both is over (F13).
    """
    query = select(Identity).where(
        Identity.channel_id == channel.id, Identity.external_id == external_id
    )
    identity = db.session.scalar(
        query.with_for_update(of=Identity).execution_options(populate_existing=True)
    )
    if identity is None or (identity.block_told_at and identity.block_told_at > at):
        return
    identity.block_told_at = at
    identity.blocked_at = (identity.blocked_at or now()) if is_blocked else None
    if not is_blocked:
        identity.lookup_due_at, identity.lookup_attempts = now(), 0
        wake_after_commit("lookups")
    db.session.flush()
    kind = "contact.blocked" if is_blocked else "contact.followed"
    for case_id in db.session.scalars(
        select(Case.id).where(Case.contact_id == identity.contact_id, Case.chat_state == "active")
    ).all():
        events.record(kind, case_id=case_id, contact=identity.contact_id)
    events.record(kind, channel_id=channel.id, contact=identity.contact_id)


def index(case: Case) -> None:
    """Put the case's own words into the search index."""
    identity = identity_of(case)
    search.put_case(
        case.id,
        case.subject,
        case.contact.name or "" if case.contact else "",
        case.conversation.name or "",
        identity.external_id if identity and case.contact and not case.contact.name else "",
    )


def _cases_showing(contact: Contact) -> Sequence[Case]:
    """Cases on whose pages the contact's name stands, as author or sender: the newest 200 (S33)."""
    shown = union(
        select(Case.id).where(Case.contact_id == contact.id),
        select(Message.case_id).where(Message.contact_id == contact.id),
    )
    query = select(Case).where(Case.id.in_(shown)).order_by(Case.id.desc()).limit(200)
    return db.session.scalars(query).all()

"""Channels: connected accounts of any kind, from draft to deletion.

A channel's key is made once and never changes, because its webhook URL stands in a provider's
console. What a kind keeps in `credentials` is the kind's own business; nothing here reads it,
calls a provider or commits.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.orm import joinedload

from app.channels import registry
from app.channels.base import NotSent, TemporaryError
from app.clock import now
from app.domain import call_failures, cases, chats, events, hot, messages, quotas, settings
from app.domain.agents import Refused
from app.domain.upsert import insert
from app.extensions import db
from app.models import (
    ACTIVE,
    Agent,
    Case,
    Channel,
    Delivery,
    Event,
    Group,
    Message,
    Receipt,
)

KEY_BYTES = 24
LONGEST_NAME = 80
SHOWN_EVENTS = 20
SIGNATURES_WORRY_FOR = timedelta(hours=24)
DELETED = "The channel was deleted."

_IS_TROUBLED = or_(
    Channel.problem.is_not(None),
    Channel.quota_used * 100 >= Channel.quota_limit * min(quotas.LEVELS),
)
ANY_TROUBLED = hot.Statement(select(Channel.id).where(_IS_TROUBLED).limit(1))


class NotConnected(Refused):
    """The provider did not accept what was typed. `field` is where it was typed, if anywhere."""

    def __init__(self, message: str, *, field: str = "", is_temporary: bool = False) -> None:
        super().__init__(message)
        self.field = field
        self.is_temporary = is_temporary


@dataclass(frozen=True)
class Details:
    """What admins say of a channel, whatever its kind."""

    name: str = ""
    group_id: int | None = None
    inactivity_minutes: int | None = None
    reactivates_closed: bool = False

    @classmethod
    def of(cls, channel: Channel) -> "Details":
        return cls(**{name: getattr(channel, name) for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Account:
    """Who the provider says the channel is."""

    external_id: str
    display_name: str
    picture_url: str | None = None


# ── Finding ─────────────────────────────────────────────────────────────────────────────────


def listed() -> Sequence[Channel]:
    """Every channel that is not deleted: connected ones, disabled ones, then drafts."""
    order = {"connected": 0, "disabled": 1, "draft": 2}
    query = select(Channel).where(Channel.state != "deleted").order_by(Channel.name, Channel.id)
    return sorted(db.session.scalars(query).all(), key=lambda channel: order[channel.state])


def find(channel_id: int, kind: str | None = None) -> Channel | None:
    """The channel, None for a deleted one: it has no pages any more."""
    channel = db.session.get(Channel, channel_id)
    if channel is None or channel.state == "deleted":
        return None
    return channel if kind in (None, channel.kind) else None


def same_account(channel: Channel) -> Sequence[Channel]:
    """Other channels of the very account: a provider calls only one of their webhook URLs."""
    if not channel.external_id:
        return []
    query = select(Channel).where(
        Channel.kind == channel.kind,
        Channel.external_id == channel.external_id,
        Channel.id != channel.id,
        Channel.state.in_(("connected", "disabled")),
    )
    return db.session.scalars(query.order_by(Channel.id)).all()


def active_count(channel: Channel) -> int:
    """How many chats are active on it: what deleting it would end."""
    query = select(func.count()).where(Case.channel_id == channel.id, text(ACTIVE))
    return db.session.scalar(query) or 0


def queued_count(channel: Channel) -> int:
    """How many replies wait to go out through it: what deleting it would fail."""
    query = select(func.count()).where(Delivery.channel_id == channel.id)
    return db.session.scalar(query) or 0


def log_of(channel: Channel, *, limit: int = SHOWN_EVENTS) -> Sequence[Event]:
    """What happened to the channel itself, newest first."""
    query = (
        select(Event)
        .where(Event.channel_id == channel.id, Event.type.startswith("channel."))
        .options(joinedload(Event.agent))
        .order_by(Event.id.desc())
        .limit(limit)
    )
    return db.session.scalars(query).all()


def has_failing_signatures(channel: Channel) -> bool:
    """Whether the last calls bore wrong signatures, so that the secret may be wrong (S5)."""
    failed_at = channel.failed_signature_at
    if failed_at is None or failed_at < now() - SIGNATURES_WORRY_FOR:
        return False
    return channel.last_event_at is None or channel.last_event_at < failed_at


def troubled() -> Sequence[Channel]:
    """Channels that admins must look at: refused by the provider, or near the end of their quota."""
    if not hot.finds(ANY_TROUBLED):
        return []
    query = select(Channel).where(Channel.state.in_(quotas.SENDING_STATES), _IS_TROUBLED)
    found = db.session.scalars(query.order_by(Channel.name, Channel.id)).all()
    return [one for one in found if one.problem or quotas.level(quotas.of(one))]


# ── Connecting ──────────────────────────────────────────────────────────────────────────────


def draft_of(admin: Agent, kind: str) -> Channel:
    """The admin's one draft of this kind, made when there is none (S2)."""
    key = secrets.token_urlsafe(KEY_BYTES)
    statement = insert(Channel).values(
        kind=kind,
        name="",
        state="draft",
        key=key,
        key_hash=key_hash(key),
        created_by_id=admin.id,
        created_at=now(),
    )
    db.session.execute(statement.on_conflict_do_nothing())
    return db.session.scalars(
        select(Channel).where(
            Channel.kind == kind, Channel.state == "draft", Channel.created_by_id == admin.id
        )
    ).one()


def create(kind: str, name: str, *, credentials: str) -> Channel:
    """A connected channel, for operators who know that it is right."""
    key = secrets.token_urlsafe(KEY_BYTES)
    channel = Channel(
        kind=kind,
        name=name,
        state="connected",
        key=key,
        key_hash=key_hash(key),
        credentials=credentials,
    )
    db.session.add(channel)
    db.session.flush()
    events.record("channel.connected", channel_id=channel.id)
    return channel


def key_hash(key: str) -> str:
    """What a webhook's key is found by; the key itself is kept encrypted."""
    return hashlib.sha256(key.encode()).hexdigest()


def keep(channel: Channel, details: Details) -> None:
    """Write down what was typed on a draft: it is no fact yet and makes no event."""
    _put(channel, details)
    db.session.flush()


def connect(channel: Channel, details: Details, account: Account, *, by: Agent) -> None:
    """The provider knows it: from now on messages come in. Raise Refused when it is no draft."""
    if channel.state != "draft":
        raise Refused("This channel is connected already.")
    _put(channel, details)
    channel.name = details.name or account.display_name[:LONGEST_NAME] or _label(channel)
    channel.state = "connected"
    db.session.flush()
    events.record("channel.connected", channel_id=channel.id, by=by)
    recognise(channel, account)


def recognise(channel: Channel, account: Account) -> None:
    """Keep who the provider says it is; what was wrong with its credentials is over."""
    channel.external_id = account.external_id
    channel.display_name = account.display_name[:120]
    channel.picture_url = account.picture_url
    channel.problem = None
    channel.failed_signature_count, channel.failed_signature_at = 0, None
    db.session.flush()


def change(
    channel: Channel, details: Details, *, by: Agent, also: Sequence[str] = ()
) -> None:
    """Edit a connected or disabled channel. `also` names what its kind has changed already."""
    before = asdict(Details.of(channel))
    _put(channel, details)
    db.session.flush()
    changed = [name for name, value in asdict(details).items() if before[name] != value]
    if changed or also:
        fields = sorted([*changed, *also])
        events.record("channel.changed", channel_id=channel.id, by=by, fields=fields)


def renewed_credentials(channel: Channel, *, by: Agent) -> None:
    """The kind has kept new credentials; which, nobody is told."""
    note_change(channel, ["credentials"], by=by)


def note_change(channel: Channel, fields: list[str], *, by: Agent) -> None:
    """The kind has changed something of its own: what, never its value."""
    db.session.flush()
    events.record("channel.changed", channel_id=channel.id, by=by, fields=fields)


def _label(channel: Channel) -> str:
    return registry.adapter(channel.kind).label


def inactivity_minutes(typed: str) -> int | None:
    """Minutes of the channel's own; None when left empty: the installation's (S19)."""
    return settings.inactivity_minutes(typed) if typed.strip() else None


def group_id(typed: str) -> int | None:
    """A group that is there; None when none is chosen."""
    if not typed:
        return None
    is_number = typed.isascii() and typed.isdigit() and len(typed) < 10
    if not is_number or db.session.get(Group, int(typed)) is None:
        raise Refused("This group is gone. Choose another one.")
    return int(typed)


def _put(channel: Channel, details: Details) -> None:
    for name, value in asdict(details).items():
        setattr(channel, name, value)


# ── What calls to the provider came to ──────────────────────────────────────────────────────


def failed(channel_id: int, problem: NotSent) -> None:
    """A call failed: it is kept for admins, who are also told when the channel itself is refused."""
    call_failures.record(channel_id, problem)
    if isinstance(problem, TemporaryError) and problem.breaks_channel:
        refused(channel_id, problem.reason)


def refused(channel_id: int, reason: str) -> None:
    """The provider refuses the channel itself: admins are told until a call succeeds."""
    changed = db.session.execute(
        update(Channel)
        .where(Channel.id == channel_id, Channel.problem.is_distinct_from(reason))
        .values(problem=reason)
    )
    if changed.rowcount:
        events.record("channel.broken", channel_id=channel_id, reason=reason)


def accepted(channel_id: int) -> None:
    """A call succeeded, so nothing is wrong with its credentials."""
    changed = db.session.execute(
        update(Channel)
        .where(Channel.id == channel_id, Channel.problem.is_not(None))
        .values(problem=None)
    )
    if changed.rowcount:
        events.record("channel.mended", channel_id=channel_id)


# ── Switching off, deleting ─────────────────────────────────────────────────────────────────


def disable(channel: Channel, *, by: Agent) -> bool:
    """Ignore what comes in. False when it was not connected."""
    return _switch(channel, "connected", "disabled", by)


def enable(channel: Channel, *, by: Agent) -> bool:
    return _switch(channel, "disabled", "connected", by)


def delete(channel: Channel, *, by: Agent) -> None:
    """Nothing comes in or goes out any more, and the key is dead; history stays readable (S7)."""
    channel.state = "deleted"
    channel.key = None
    channel.credentials = "{}"
    db.session.flush()
    _fail_queued(channel)
    _end_chats(channel, by)
    db.session.execute(
        update(Receipt)
        .where(Receipt.channel_id == channel.id)
        .values(due_at=None, reply_token=None)
        .execution_options(synchronize_session=False)
    )
    events.record("channel.deleted", channel_id=channel.id, by=by)


def _switch(channel: Channel, old: str, new: str, by: Agent) -> bool:
    """A guarded UPDATE: two admins make one change."""
    changed = db.session.execute(
        update(Channel)
        .where(Channel.id == channel.id, Channel.state == old)
        .values(state=new)
        .execution_options(synchronize_session=False)
    ).rowcount
    db.session.refresh(channel)
    if changed:
        kind = "disabled" if new == "disabled" else "enabled"
        events.record(f"channel.{kind}", channel_id=channel.id, by=by)
    return changed == 1


def _fail_queued(channel: Channel) -> None:
    """What the provider may have accepted, or be accepting, is unconfirmed; the rest has failed."""
    query = (
        select(Message)
        .join(Delivery, Delivery.message_id == Message.id)
        .where(Delivery.channel_id == channel.id)
        .order_by(Delivery.conversation_id, Message.id)
        .options(joinedload(Message.case))
    )
    for message in db.session.scalars(query).all():
        cases.lock(message.case)
        delivery = messages.held_delivery(message)
        if delivery is None:  # its sending has come to an end meanwhile
            continue
        is_being_sent = delivery.leased_until and delivery.leased_until > now()
        if is_being_sent or delivery.is_ambiguous:
            error = f"{DELETED} It may or may not have arrived."
            messages.settle(message, "unconfirmed", error=error)
        else:
            messages.settle(message, "failed", error=DELETED)


def _end_chats(channel: Channel, by: Agent) -> None:
    query = select(Case).where(Case.channel_id == channel.id, text(ACTIVE))
    for case in db.session.scalars(query.order_by(Case.conversation_id)).all():
        messages.add_system_line(case, "channel_deleted", DELETED)
        chats.end(case, chats.status_after(case), by=by, cause="channel_deleted")

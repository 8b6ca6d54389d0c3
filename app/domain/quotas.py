"""A channel's monthly quota: what the provider says of it, what we send meanwhile, what is counted.

Providers count people, and their numbers come late; between two answers our own pushes are added.
A quota is believed for some hours only: nobody is refused because of an old number. Nothing here
talks to a provider.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, or_, select, update
from sqlalchemy import case as sql_case

from app.channels import registry
from app.channels.base import Quota
from app.clock import now
from app.domain import events
from app.domain.upsert import insert
from app.extensions import db
from app.models import GROUP_KINDS, Channel, Conversation, Identity, MonthlyCount

LEVELS = (100, 95, 80)
ASKED_EVERY = timedelta(hours=1)
# A spent quota may be enlarged, or given back by a broadcast that reached fewer than it reserved.
ASKED_EVERY_WHEN_SPENT = timedelta(minutes=5)
AFTER_A_PUSH = timedelta(minutes=1)
LEASE = timedelta(minutes=1)
BELIEVED_FOR = timedelta(hours=3)
SENDING_STATES = ("connected", "disabled")


@dataclass(frozen=True)
class Usage:
    """The quota as far as it is known, and this month's replies and the people they reached."""

    quota: Quota | None
    level: int
    free_replies: int = 0
    free_people: int = 0
    paid_replies: int = 0
    paid_people: int = 0


# ── What is known ───────────────────────────────────────────────────────────────────────────


def of(channel: Channel) -> Quota | None:
    """The month's quota and its use; None while it is not known, or was asked too long ago."""
    asked_at = channel.quota_asked_at
    if asked_at is None or asked_at < now() - BELIEVED_FOR:
        return None
    return Quota(channel.quota_limit, channel.quota_used or 0)


def level(quota: Quota | None) -> int:
    """100, 95 or 80 percent when as much is used, else 0."""
    if quota is None or quota.limit is None:
        return 0
    return next((one for one in LEVELS if quota.used * 100 >= quota.limit * one), 0)


def usage(channel: Channel) -> Usage:
    """What a channel's page shows of this month."""
    query = select(MonthlyCount).where(
        MonthlyCount.channel_id == channel.id, MonthlyCount.month == _month()
    )
    by = {row.method: (row.reply_count, row.people_count) for row in db.session.scalars(query)}
    quota = of(channel)
    return Usage(quota, level(quota), *by.get("reply", (0, 0)), *by.get("push", (0, 0)))


# ── Asking ──────────────────────────────────────────────────────────────────────────────────


def claim_due() -> int | None:
    """The id of a channel to be asked now, leased against others; None when none is due."""
    due = next_due().order_by(Channel.id).limit(1).with_for_update(skip_locked=True)
    channel_id = db.session.scalar(due)
    if channel_id is not None:
        _ask_at(channel_id, now() + LEASE)
    return channel_id


def is_any_due() -> bool:
    """Whether it is worth taking the writer's lock to claim."""
    return db.session.scalar(next_due().limit(1)) is not None


def next_due() -> Select[tuple[int]]:
    """The query for one of the channels whose quota is to be asked for."""
    moment = now()
    limited = [kind.adapter.kind for kind in registry.kinds() if kind.adapter.has_quota]
    return select(Channel.id).where(
        Channel.state.in_(SENDING_STATES),
        Channel.kind.in_(limited),
        or_(
            Channel.quota_due_at.is_(None),
            Channel.quota_due_at <= moment,
            Channel.quota_due_at > moment + ASKED_EVERY * 2,  # the clock stepped back (F14)
        ),
    )


def took(channel_id: int, quota: Quota | None) -> None:
    """Keep what the provider said; None when it would not say."""
    every = ASKED_EVERY_WHEN_SPENT if level(quota) == LEVELS[0] else ASKED_EVERY
    if quota is None:
        _ask_at(channel_id, now() + every)
        return
    channel = db.session.get_one(Channel, channel_id)
    before = level(of(channel))
    channel.quota_limit, channel.quota_used = quota.limit, quota.used
    channel.quota_asked_at, channel.quota_due_at = now(), now() + every
    db.session.flush()
    _tell(channel_id, before, level(quota))


def ask_again(channel_id: int, after: timedelta) -> None:
    """The provider could not be asked."""
    _ask_at(channel_id, now() + after)


def ask_soon(channel_id: int, after: timedelta = timedelta(0)) -> None:
    """Something changed it: do not wait for the hour."""
    soon = now() + after
    db.session.execute(
        update(Channel)
        .where(Channel.id == channel_id, Channel.quota_due_at > soon)
        .values(quota_due_at=soon)
    )


# ── Counting ────────────────────────────────────────────────────────────────────────────────


def add(channel_id: int, conversation_id: int, method: str) -> None:
    """A reply was accepted: one more of this month, and the people it reached."""
    people = _people_reached(conversation_id)
    added = insert(MonthlyCount).values(
        channel_id=channel_id, month=_month(), method=method, reply_count=1, people_count=people
    )
    db.session.execute(
        added.on_conflict_do_update(
            index_elements=["channel_id", "month", "method"],
            set_={
                "reply_count": MonthlyCount.reply_count + 1,
                "people_count": MonthlyCount.people_count + people,
            },
        )
    )
    if method == "push":
        _spend(channel_id, people)


def _people_reached(conversation_id: int) -> int:
    """Who blocked the channel gets nothing and is not counted; a group's size may be unknown."""
    row = db.session.execute(
        select(Conversation.member_count, Identity.blocked_at, Conversation.kind)
        .outerjoin(Identity, Identity.id == Conversation.identity_id)
        .where(Conversation.id == conversation_id)
    ).one()
    if row.kind in GROUP_KINDS:
        return row.member_count or 1
    return 0 if row.blocked_at else 1


def _spend(channel_id: int, people: int) -> None:
    """Add our own push until the provider's number comes, which is asked for soon."""
    soon = now() + AFTER_A_PUSH
    due = sql_case((Channel.quota_due_at > soon, soon), else_=Channel.quota_due_at)
    db.session.execute(
        update(Channel)
        .where(Channel.id == channel_id, Channel.quota_used.is_not(None))
        .values(quota_used=Channel.quota_used + people, quota_due_at=due)
        .execution_options(synchronize_session=False)
    )
    channel = db.session.get_one(Channel, channel_id, populate_existing=True)
    quota = of(channel)
    if quota:
        _tell(channel_id, level(Quota(quota.limit, quota.used - people)), level(quota))


def _tell(channel_id: int, before: int, after: int) -> None:
    if before != after:
        events.record("channel.quota_changed", channel_id=channel_id, old=before, new=after)


def _ask_at(channel_id: int, moment: datetime) -> None:
    db.session.execute(
        update(Channel).where(Channel.id == channel_id).values(quota_due_at=moment)
    )


def _month() -> str:
    return now().strftime("%Y-%m")

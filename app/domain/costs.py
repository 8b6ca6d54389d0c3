"""What the next reply in a conversation costs (L9), from what is known here: nobody is asked.

A reply is free while a contact's last event is young; else it counts the people it reaches.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select

from app.channels import registry
from app.channels.base import Quota
from app.clock import now
from app.domain import hot, quotas
from app.domain.agents import Refused
from app.models import Case, Receipt

# What is sent now leaves a moment later; a free reply that ends meanwhile would be a paid one.
MARGIN = timedelta(seconds=2)
_YOUNGEST = hot.Statement(
    select(Receipt.id, Receipt.reply_token, Receipt.received_at)
    .where(
        Receipt.conversation_id == bindparam("conversation_id"),
        Receipt.reply_token.is_not(None),
        Receipt.received_at > bindparam("after"),
        Receipt.received_at <= bindparam("until"),
    )
    .order_by(Receipt.received_at.desc(), Receipt.id.desc())
    .limit(1)
)


class QuotaSpent(Refused):
    """Sending would cost what the month has no more of. Later than `free_until` it may be free again."""

    def __init__(self, words: str, *, free_until: datetime | None) -> None:
        super().__init__(words)
        self.free_until = free_until


@dataclass(frozen=True, slots=True)
class FreeReply:
    """A reply token that is not used yet, the receipt it came with, and until when it is free."""

    receipt_id: int
    token: str
    until: datetime


@dataclass(frozen=True)
class Cost:
    """`people` is None for a group of unknown size, `quota` while it is not known."""

    free_until: datetime | None
    people: int | None
    quota: Quota | None
    level: int
    is_blocked: bool

    @property
    def is_spent(self) -> bool:
        return self.level == quotas.LEVELS[0]

    @property
    def free_seconds(self) -> int:
        """How long from now it is free."""
        return max(0, int((self.free_until - now()).total_seconds())) if self.free_until else 0


def of(case: Case) -> Cost | None:
    """None where sending costs nothing anybody counts."""
    if not registry.adapter(case.channel.kind).has_quota:
        return None
    quota, conversation = quotas.of(case.channel), case.conversation
    free = youngest_free_reply(conversation.id, case.channel.kind)
    return Cost(
        free_until=free.until if free else None,
        people=conversation.member_count if conversation.is_group else 1,
        quota=quota,
        level=quotas.level(quota),
        is_blocked=bool(conversation.identity and conversation.identity.blocked_at),
    )


def youngest_free_reply(conversation_id: int, kind: str) -> FreeReply | None:
    """The reply token that is good for longest; None when none is."""
    lasts, moment = timedelta(seconds=registry.adapter(kind).free_reply_seconds), now()
    asked = {"conversation_id": conversation_id, "after": moment - lasts, "until": moment}
    for id_, token, received_at in hot.read(_YOUNGEST, **asked):
        return FreeReply(id_, token, received_at + lasts)
    return None


def check(case: Case) -> None:
    """Raise QuotaSpent for a paid reply when the month's quota is used up."""
    cost = of(case)
    if cost is None or not cost.is_spent or cost.quota is None:
        return
    if cost.free_until and cost.free_until - MARGIN > now():
        return
    label = registry.adapter(case.channel.kind).label
    raise QuotaSpent(
        f"This month's {cost.quota.limit} {label} messages are used up, so this was not sent. It is"
        " free again for a moment when the contact writes.",
        free_until=cost.free_until,
    )

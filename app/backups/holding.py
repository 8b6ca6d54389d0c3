"""What waited when a backup was made may have gone out since: it is held, and an agent or admin decides.

Nothing that people outside would get is sent by itself after a restore. Replies become unconfirmed,
mails and webhook calls are given up, and rules rest. It refuses to guess what arrived.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.domain import cases, messages, notifications, password_requests, webhook_calls
from app.domain.rules import book
from app.extensions import db
from app.models import Delivery, Message, Notification, WebhookCall


@dataclass(frozen=True)
class Held:
    """How many replies, mails and webhook calls wait no more; whether rules were switched off."""

    replies: int
    mails: int
    calls: int
    has_rules: bool


def hold(made_at: str) -> Held:
    """Inside one transaction, before anything runs on what was brought back."""
    reason = f"Mado was brought back from a backup of {made_at}. It may have been sent after that."
    has_rules = book.rest()  # first: what follows must not make one act
    waiting = select(Message).join(Delivery, Delivery.message_id == Message.id)
    replies = _each(waiting.order_by(Message.id))
    for message in replies:
        cases.lock(message.case)
        messages.settle(message, "unconfirmed", error=reason)
    mails = _each(select(Notification).where(Notification.mail == "queued"))
    for told in mails:
        notifications.not_mailed(told, reason)
    links = password_requests.give_up_all(problem=reason)
    calls = _each(select(WebhookCall).where(WebhookCall.state == "queued"))
    for call in calls:
        webhook_calls.give_up(call, reason, None)
    return Held(len(replies), len(mails) + links, len(calls), has_rules)


def _each(query: Any) -> list[Any]:
    return list(db.session.scalars(query))

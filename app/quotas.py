"""Quotas of channels, asked for in the background: hourly, and soon after something was sent (L9)."""

from datetime import timedelta

from app import transaction
from app.channels import registry
from app.channels.base import Quota, TemporaryError
from app.domain import channels, quotas
from app.extensions import db
from app.models import Channel

AGAIN_AFTER = timedelta(minutes=5)


def ask_one() -> bool:
    """Ask one channel's provider that is due. False when none is."""
    is_due = quotas.is_any_due()
    transaction.release()
    if not is_due:
        return False
    with transaction.writing():
        channel_id = quotas.claim_due()
    if channel_id is None:
        return False
    channel = db.session.get_one(Channel, channel_id)
    db.session.expunge(channel)
    transaction.release()
    try:
        found = registry.adapter(channel.kind).quota(channel)
    except TemporaryError as problem:
        _failed(channel_id, problem)
    else:
        _took(channel_id, found)
    return True


def _took(channel_id: int, found: Quota | None) -> None:
    with transaction.writing():
        quotas.took(channel_id, found)
        if found:
            channels.accepted(channel_id)


def _failed(channel_id: int, problem: TemporaryError) -> None:
    with transaction.writing():
        channels.failed(channel_id, problem)
        quotas.ask_again(channel_id, AGAIN_AFTER)

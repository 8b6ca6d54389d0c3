"""How a channel stands: what its provider last said, and what went wrong since (S9b). Asks nobody."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.channels import registry
from app.channels.base import Check
from app.domain import call_failures, kept_events
from app.models import CallFailure, Channel


@dataclass(frozen=True)
class Health:
    """One channel's health; `failures` are the provider's last refusals, newest first."""

    channel: Channel
    checks: Sequence[Check]
    kept_back_count: int
    failures: Sequence[CallFailure]


def of(channel: Channel) -> Health:
    return Health(
        channel=channel,
        checks=checks_of(channel),
        kept_back_count=kept_events.counts().get(channel.id, 0),
        failures=call_failures.of_channel(channel.id),
    )


def checks_of(channel: Channel) -> list[Check]:
    return registry.adapter(channel.kind).checks(channel)


def bad_checks_of(channel: Channel) -> list[Check]:
    """What a list of channels must point out; nothing of a draft, which is not finished yet."""
    if channel.state == "draft":
        return []
    return [check for check in checks_of(channel) if check.is_good is False]

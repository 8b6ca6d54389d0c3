"""LINE: webhooks in, replies and pushes out, and the form that connects it."""

from app.channels.base import Inbound, Kind, Unreadable
from app.channels.line import (  # noqa: F401 - cli adds its command, helper its views
    cli,
    helper,
    pages,
    parse,
    webhook,
)
from app.channels.line.adapter import LineAdapter
from app.channels.line.options import Options
from app.models import Channel


def register() -> Kind:
    return Kind(
        adapter=LineAdapter(),
        blueprints=[webhook.blueprint, pages.blueprint],
        webhook=webhook.answer,
        retry=_retry,
        has_counted=webhook.has_counted,
        write_counts=webhook.flush_counters,
    )


def _retry(channel: Channel, raw: bytes) -> list[Inbound | Unreadable]:
    return parse.kept(raw, sticker_pictures=Options.of(channel).sticker_pictures)

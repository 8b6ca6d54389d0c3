"""Connected accounts of every kind, for admins: the list, their pictures, and kept-back events.

A kind that people can connect brings a blueprint `channels_<kind>` with `create` and `edit`; its
forms live in its own folder.
"""

from flask import Blueprint, Response, abort, current_app, render_template
from flask.typing import ResponseReturnValue

from app import pictures
from app.blueprints.access import admin_only
from app.channels import registry
from app.domain import channels, health, kept_events
from app.models import Channel

SHOWN_BYTES = 20_000
ONE = "/<int(max=2147483647):channel_id>"

blueprint = Blueprint("channels", __name__, url_prefix="/settings/channels")


@blueprint.get("")
@admin_only
def index() -> ResponseReturnValue:
    labels = _connectable()
    listed = [channel for channel in channels.listed() if channel.kind in labels]
    return render_template(
        "settings/channels/index.html",
        channels=listed,
        labels=labels,
        failing={one.id for one in listed if channels.has_failing_signatures(one)},
        bad_checks={one.id: health.bad_checks_of(one) for one in listed},
        kept_back=kept_events.counts(),
        pictured={one.id for one in listed if pictures.has_channel(one.id)},
        needs_https=not current_app.extensions["mado"].is_https,
    )


@blueprint.get(f"{ONE}/picture")
@admin_only
def picture(channel_id: int) -> ResponseReturnValue:
    """The account's picture, as we made it from the provider's."""
    found = pictures.named(pictures.name_for(_channel_or_404(channel_id).id))
    if found is None:
        abort(404)
    response = Response(found, mimetype=pictures.MEDIA_TYPE)
    response.cache_control.max_age = 3600
    return response


@blueprint.get(f"{ONE}/kept-back")
@admin_only
def kept_back(channel_id: int) -> ResponseReturnValue:
    """Events that could not be taken in, with the reason and what came (S6)."""
    channel = _channel_or_404(channel_id)
    return render_template(
        "settings/channels/kept_back.html",
        channel=channel,
        label=registry.adapter(channel.kind).label,
        events=kept_events.of_channel(channel),
        shown=_shown,
    )


@blueprint.get(f"{ONE}/kept-back/<int:receipt_id>")
@admin_only
def kept_back_event(channel_id: int, receipt_id: int) -> ResponseReturnValue:
    """The very bytes of one event, as a file that no browser interprets."""
    channel = _channel_or_404(channel_id)
    event = kept_events.find(channel, receipt_id) if receipt_id < 2**63 else None
    if event is None or event.raw is None:
        abort(404)
    name = f"event-{event.id}.json"
    return Response(
        event.raw,
        mimetype="application/octet-stream",
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )


def _channel_or_404(channel_id: int) -> Channel:
    channel = channels.find(channel_id)
    if channel is None or channel.kind not in _connectable():
        abort(404)
    return channel


def _connectable() -> dict[str, str]:
    """Kinds that have pages of their own, and their names."""
    views = current_app.view_functions
    return {
        kind: label for kind, label in registry.labels().items() if f"channels_{kind}.edit" in views
    }


def _shown(raw: bytes | None) -> str:
    """The beginning of the bytes as text, whatever they are."""
    return (raw or b"")[:SHOWN_BYTES].decode("utf-8", "replace")

"""Channels for programs: how one of them stands. Admins' tokens only."""

from typing import NoReturn

from flask import Blueprint, Response, g

from app.blueprints.api import documents
from app.blueprints.api.refusals import refuse
from app.domain import channels, health


def register(blueprint: Blueprint) -> None:
    blueprint.get("/channels/<int:channel_id>/health")(show_health)


def show_health(channel_id: int) -> Response:
    """What the provider last said of a channel, and what went wrong since (S9b)."""
    if not g.agent.is_admin:
        refuse(403, "Only an admin's token may ask this.")
    channel = channels.find(channel_id) if channel_id <= 2**31 - 1 else None
    if channel is None:
        _no_such_channel()
    return documents.answer(documents.of_health(health.of(channel)))


def _no_such_channel() -> NoReturn:
    refuse(404, "There is no such channel.")

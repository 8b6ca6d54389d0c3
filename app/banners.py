"""What admins should see on every page: rules that rest, a clock that stands, channels that need them."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app, url_for

from app.channels import registry
from app.domain import channels, quotas
from app.domain.rules import book
from app.language import gettext as _
from app.models import Channel


@dataclass(frozen=True)
class Banner:
    """One line, and where to go because of it, or (`field`) the button that changes it."""

    text: str
    address: str = ""
    link: str = ""
    is_danger: bool = False
    field: tuple[str, str] | None = None


def for_admins() -> list[Banner]:
    """The worst first."""
    warn: Callable[[], list[str]] | None = current_app.extensions.get("mado.warnings")
    told = [Banner(text, is_danger=False) for text in (warn() if warn else [])] + _of_rules()
    for channel in channels.troubled():
        told += _of_problem(channel) + _of_quota(channel)
    return sorted(told, key=lambda banner: not banner.is_danger)


def _of_rules() -> list[Banner]:
    if not book.is_paused():
        return []
    address, field = url_for("rules.pause"), ("is_paused", "0")
    return [Banner(_("All rules are switched off."), address, _("Switch them back on"), field=field)]


def _of_problem(channel: Channel) -> list[Banner]:
    if not channel.problem:
        return []
    text = f"{channel.name}: {channel.problem}"
    return [Banner(text, _form_of(channel), _("Open its settings"), is_danger=True)]


def _of_quota(channel: Channel) -> list[Banner]:
    quota = quotas.of(channel)
    level = quotas.level(quota)
    if quota is None or not level:
        return []
    label = registry.labels()[channel.kind]
    words = _(
        "%(name)s has used %(used)s of this month's %(limit)s %(label)s messages.",
        name=channel.name,
        used=quota.used,
        limit=quota.limit,
        label=label,
    )
    if level == quotas.LEVELS[0]:
        words += " " + _("Only free replies go out now; a larger plan is ordered at %(label)s.", label=label)
    return [Banner(words, _form_of(channel), _("Look at it"), is_danger=level == quotas.LEVELS[0])]


def _form_of(channel: Channel) -> str:
    return url_for(f"channels_{channel.kind}.edit", channel_id=channel.id)

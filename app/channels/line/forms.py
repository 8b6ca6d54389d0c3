"""What may be typed into LINE's form. Each function returns the clean value or raises Refused."""

import re
from urllib.parse import urlsplit

from app.channels.line.credentials import Credentials
from app.domain import channels, profiles
from app.domain.agents import Refused
from app.language import gettext as _

LONGEST_TOKEN = 1_000
LONGEST_SECRET = 200
LONGEST_LINK = 300
SHORTEST_TO_SHOW = 8
FRIEND_HOSTS = frozenset({"lin.ee", "line.me", "page.line.me"})
# What a header may hold, and what LINE's tokens and secrets are made of.
_VISIBLE = re.compile(r"[!-~]*")


def name(typed: str) -> str:
    """A name; empty stands for LINE's own name of the account."""
    return profiles.name(typed) if typed.strip() else ""


def token(typed: str) -> str:
    """A channel access token without what copying adds to it; empty when none was typed."""
    return _credential(typed, LONGEST_TOKEN, _("Channel access token"))


def secret(typed: str) -> str:
    """A channel secret without what copying adds to it; empty when none was typed."""
    return _credential(typed, LONGEST_SECRET, _("Channel secret"))


def friend_link(typed: str) -> str:
    """An add-friend link of LINE's own; empty when none was typed (S35)."""
    cleaned = typed.strip()
    if not cleaned:
        return ""
    if (
        len(cleaned) > LONGEST_LINK
        or not _VISIBLE.fullmatch(cleaned)
        or not _is_friend_link(cleaned)
    ):
        raise Refused(
            _(
                "This is no add-friend link: LINE's begin with https://lin.ee/ or https://line.me/."
                " Copy it in LINE Official Account Manager under “Gain friends”."
            )
        )
    return cleaned


def _is_friend_link(typed: str) -> bool:
    try:
        parts = urlsplit(typed)
        is_bare = parts.port is None and "@" not in parts.netloc
    except ValueError:
        return False
    is_lines = parts.scheme == "https" and parts.hostname in FRIEND_HOSTS
    return is_lines and is_bare and len(parts.path) > 1


def missing(credentials: Credentials) -> dict[str, str]:
    """What connecting still needs, by field."""
    errors = {}
    if not credentials.token:
        errors["token"] = _(
            "Paste the channel access token: in the console it stands at the bottom of the tab"
            " Messaging API."
        )
    if not credentials.secret:
        errors["secret"] = _(
            "Paste the channel secret: in the console it stands on the tab Basic settings."
        )
    return errors


def last_four(kept: str) -> str:
    """What is shown of a secret that is kept: too short a one is not shown at all (S4, T26)."""
    if not kept:
        return ""
    return f"••••{kept[-4:]}" if len(kept) >= SHORTEST_TO_SHOW else "••••"


def _credential(typed: str, longest: int, label: str) -> str:
    cleaned = "".join(typed.split())
    if len(cleaned) > longest or not _VISIBLE.fullmatch(cleaned):
        raise Refused(
            _("This is no %(label)s of LINE. Copy it again with LINE's copy button.", label=label)
        )
    return cleaned


group_id = channels.group_id
inactivity_minutes = channels.inactivity_minutes

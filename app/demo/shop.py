"""The demo's shop: its people, its groups, and its LINE channel at the simulator.

Passwords and credentials are made afresh for each database and kept beside it, readable by its
owner alone, so that they can be shown at every start.
"""

import hashlib
import json
import secrets
import string
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.channels.line.credentials import Credentials
from app.domain import agents, channels, passwords
from app.models import Agent, Channel, Group

NAME = "Minato Travel & Gifts"
GROUPS = ("Bookings", "Orders")
PASSWORD_LETTERS = "".join(set(string.ascii_lowercase + string.digits) - set("l1o0"))
# LINE's number of the simulator's channel; credentials are random, this is only a name.
CHANNEL_ID = "1650000001"


@dataclass(frozen=True)
class Account:
    """Somebody one can sign in as."""

    name: str
    email: str
    role: str
    password: str


@dataclass(frozen=True)
class Shop:
    """What the demo is told with: agents by first name, groups by name, the channel."""

    agents: dict[str, Agent]
    groups: dict[str, Group]
    channel: Channel


def open_shop() -> tuple[Shop, dict[str, Any]]:
    """Make it, and return with it what has to be kept to play with it."""
    groups = {name: agents.create_group(name) for name in GROUPS}
    accounts = [
        Account("Hana Mori", "hana@example.com", "admin", _password()),
        Account("Niran Chaiyasit", "niran@example.com", "agent", _password()),
        Account("Mia Chen", "mia@example.com", "agent", _password()),
    ]
    own = {"Niran": [groups["Orders"]], "Mia": [groups["Bookings"]]}
    people = {_first(one): _agent(one, own.get(_first(one), [])) for one in accounts}
    channel, line = _channel()
    kept = {"accounts": [asdict(account) for account in accounts], "line": line}
    return Shop(people, groups, channel), kept


def line_id(letter: str, kind: str, name: str) -> str:
    """What the simulator calls this person or group; it makes ids from names in the same way."""
    digest = hashlib.blake2b(f"linesim/{kind}/{name}".encode(), digest_size=16)
    return letter + digest.hexdigest()


def keep(path: Path, kept: dict[str, Any]) -> None:
    """Write what `open_shop` returned, for the owner's eyes."""
    path.touch(mode=0o600)
    path.write_text(json.dumps(kept, ensure_ascii=False, indent=1), "utf-8")


def kept(path: Path) -> dict[str, Any] | None:
    """What an earlier start kept, None when there is nothing of use."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _agent(account: Account, groups: list[Group]) -> Agent:
    passwords.check(account.password, about=(account.name, account.email))
    hashed = passwords.hashed(account.password)
    role, name = account.role, account.name
    return agents.create(account.email, name=name, role=role, groups=groups, password_hash=hashed)


def _channel() -> tuple[Channel, dict[str, str]]:
    token, secret = secrets.token_urlsafe(64), secrets.token_hex(16)
    made = channels.create("line", "Minato on LINE", credentials="{}")
    Credentials(token, secret, CHANNEL_ID).keep(made)
    bot = channels.Account(line_id("U", "user", "the account"), NAME)
    channels.recognise(made, bot)
    line = {"token": token, "secret": secret, "channel_id": CHANNEL_ID, "name": NAME}
    return made, line | {"key": made.key or ""}


def _password() -> str:
    return "-".join("".join(secrets.choice(PASSWORD_LETTERS) for _ in range(4)) for _ in range(4))


def _first(account: Account) -> str:
    return account.name.split()[0]

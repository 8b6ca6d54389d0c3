"""`python -m app.demo`: bring the database up to date and, where it is empty, tell the demo.

Prints one JSON object for `make run`: the demo's sign-ins and LINE credentials as far as they
still hold, the simulator's customers, and whether there is anybody who could sign in.
"""

import json
import sys
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from app import clock, create_app, schema, transaction
from app.config import Config, ConfigError
from app.demo import saved, script, shop, telling
from app.domain import agents, channels, passwords
from app.extensions import db
from app.models import Agent, Case, Channel

FILE = "demo.json"
# The week's first case is seven days old; who answered it was there before.
OPENED_BEFORE = timedelta(days=8)


def main() -> int:
    try:
        app = create_app()
    except ConfigError as problem:
        print(problem, file=sys.stderr)
        return 1
    schema.bring_up_to_date(app)
    with app.app_context():
        print(json.dumps(prepare(app)))
    return 0


def prepare(app: Flask) -> dict[str, Any]:
    """Tell the demo if this is the place for it, and say what can be played with."""
    config: Config = app.extensions["mado"]
    path = config.data_dir / FILE
    is_told = config.is_loopback and is_empty()
    if is_told:
        with transaction.writing():
            today = clock.now().astimezone()
            with clock.telling_of(today - OPENED_BEFORE):
                opened, kept = shop.open_shop()
                saved.write_down(opened)
            telling.tell(opened, script.read(), today=today)
            shop.keep(path, kept)  # before the commit: a password must not be lost
    found = shop.kept(path) or {"accounts": [], "line": None}
    return {
        "is_told": is_told,
        "has_agents": db.session.scalar(select(Agent.id).limit(1)) is not None,
        "accounts": [account for account in found["accounts"] if _can_sign_in(account)],
        "line": found["line"] if _is_connected(found["line"]) else None,
        "customers": _customers(),
    }


def is_empty() -> bool:
    """Whether nobody has begun to use this database."""
    tables = (Agent, Channel, Case)
    return all(db.session.scalar(select(table.id).limit(1)) is None for table in tables)


def _can_sign_in(account: dict[str, str]) -> bool:
    """A password that was changed is nobody's to print."""
    agent = agents.by_email(account["email"])
    if agent is None or not agent.is_active:
        return False
    return passwords.is_right(account["password"], agent.password_hash)


def _is_connected(line: dict[str, str] | None) -> bool:
    if line is None:
        return False
    query = select(Channel.state).where(Channel.key_hash == channels.key_hash(line["key"]))
    return db.session.scalar(query) == "connected"


def _customers() -> list[dict[str, str]]:
    """The people of the week, for the simulator to know them; each once."""
    people = {
        scene.name: scene.language
        for scene in script.read()
        if not (scene.subject or scene.is_group)
    }
    return [{"name": name, "language": language} for name, language in people.items()]


if __name__ == "__main__":
    sys.exit(main())

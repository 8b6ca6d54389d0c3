"""LINE's real bodies, and bodies like them that nobody has seen yet: none is refused, none is lost.

Every one of 10,000 mutations goes through the parser; every 20th of them through the webhook into
the database as well, which takes as long as all the others together.
"""

import copy
import json
import random
from functools import cache
from typing import Any

import pytest
from sqlalchemy import func, select

from app.channels.base import Inbound, Unreadable
from app.channels.line import parse, rendering
from app.extensions import db
from app.models import Receipt
from tests.channels.line_posts import batch, connected_line, post, real_bodies, with_fresh_ids

MUTATIONS = 10_000
THROUGH_THE_WEBHOOK = 500
IN_A_BODY = 25
KEPT_BACK = {"unknown.json": {"ValueError: a message from a source that is not known"}}
ODD = (
    *(None, True, 0, -1, 2**70, 1.5, float("1e300"), "", "x", "\0", "\ud800", "🀄" * 50, [], {}),
    *([[[]]], {"id": {}}, ["a", 1, None], "unheard_of", {"type": "hologram"}, "\u202e\u2066"),
)


@cache
def real_events() -> tuple[Any, ...]:
    bodies = [json.loads(path.read_bytes()) for path in real_bodies()]
    return tuple(event for body in bodies for event in body["events"])


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, item in inner:
        found.append((*path, key))
        if isinstance(item, dict | list):
            found += places(item, (*path, key))
    return found


def mutated(number: int) -> Any:
    """The same event for the same number: one to three things dropped, retyped, nested or renamed."""
    chance = random.Random(number)
    event = copy.deepcopy(chance.choice(real_events()))
    for _ in range(chance.randint(1, 3)):
        _mutate(event, chance)
    return event


def _mutate(event: Any, chance: random.Random) -> None:
    found = places(event)
    if not found:
        return
    *path, key = chance.choice(found)
    holder = event
    for step in path:
        holder = holder[step]
    how = chance.choice(("drop", "retype", "nest", "unknown"))
    if how == "drop":
        del holder[key]
    elif how == "retype":
        holder[key] = copy.deepcopy(chance.choice(ODD))
    elif how == "nest":
        holder[key] = {"type": holder[key], "id": [holder[key]]}
    else:
        holder[key] = f"new_{chance.randint(0, 9)}"


def shown(event: Inbound | Unreadable) -> bool:
    """Whether a page can show what was parsed."""
    if isinstance(event, Unreadable):
        return bool(event.raw and event.error)
    return bool(rendering.show(event.message_kind, event.text, event.payload or {}))


def keys(events: list[Any]) -> set[str]:
    return {parse.event(event).key for event in events}


def stored_keys(app) -> set[str]:
    with app.app_context():
        return set(db.session.scalars(select(Receipt.event_key)))


@pytest.mark.parametrize("path", real_bodies(), ids=lambda path: path.stem)
def test_real_body_is_taken_in_whole_twice(app, client, path):  # L1, S6
    with app.app_context():
        connected_line()
    body, fresh = json.loads(path.read_bytes()), with_fresh_ids(json.loads(path.read_bytes()))

    assert post(client, fresh).status_code == 200
    assert post(client, body).status_code == 200

    assert keys(fresh["events"]) | keys(body["events"]) == stored_keys(app)
    with app.app_context():
        errors = select(Receipt.error).where(Receipt.error.is_not(None))
        assert set(db.session.scalars(errors)) == KEPT_BACK.get(path.name, set())


def test_ten_thousand_mutated_events_are_parsed_and_shown():  # L1
    parsed = [parse.event(mutated(number)) for number in range(MUTATIONS)]

    assert [event for event in parsed if not (event.key and shown(event))] == []
    assert 0 < sum(isinstance(event, Unreadable) for event in parsed) < MUTATIONS / 2


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_mutated_events_are_stored_or_kept_back_each_of_them(app, client):  # L1, S6
    with app.app_context():
        connected_line()
    step = MUTATIONS // THROUGH_THE_WEBHOOK
    events = [mutated(number) for number in range(0, MUTATIONS, step)]
    bodies = [events[at : at + IN_A_BODY] for at in range(0, len(events), IN_A_BODY)]

    answers = [post(client, batch(*body)).status_code for body in bodies]

    assert set(answers) == {200}
    assert stored_keys(app) == keys(events)
    with app.app_context():
        kept = select(func.count()).where(Receipt.error.is_not(None))
        assert db.session.scalar(kept.where(Receipt.raw.is_(None))) == 0

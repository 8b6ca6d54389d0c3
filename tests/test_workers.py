"""One thread looks for all, and wakes those who have something to do."""

from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy import event, select

from app.extensions import db
from app.models import Agent, Group
from app.workers import Lookout, Worker
from tests.live.pages import eventually

Looking = tuple[Lookout, list[str]]


@pytest.fixture
def looking(app) -> Iterator[Looking]:
    """A lookout over agents and groups, and whom it has woken."""
    woken: list[str] = []
    lookout = Lookout(app)
    sleepers = [
        lookout.sleeper(name, partial(woken.append, name), partial(select, column))
        for name, column in (("agents", Agent.id), ("groups", Group.id))
    ]
    with app.app_context():
        [sleeper.start() for sleeper in sleepers]
        yield lookout, woken
    [sleeper.stop() for sleeper in sleepers]


def test_who_has_something_to_do_is_woken_and_nobody_else(looking, alice):
    lookout, woken = looking
    lookout._look()
    eventually(lambda: woken == ["agents"])


def test_all_queues_are_one_question(looking):
    lookout, _ = looking
    asked: list[str] = []

    def note(_connection, _cursor, statement, *_more) -> None:
        asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    lookout._look()
    event.remove(db.engine, "before_cursor_execute", note)
    assert len(asked) == 1


def test_sleeper_that_is_stopped_ends(app):
    sleeper = Worker(app, "sleeper", lambda: False, every=None)
    sleeper.start()
    sleeper.stop()
    assert sleeper._thread and not sleeper._thread.is_alive()

"""A connection to PostgreSQL that breaks before any one of a request's statements: 503, never 500."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import transaction
from app.domain import chats, tokens
from app.extensions import db
from app.models import Agent, Message
from tests import world
from tests.channels.line_posts import connected_line, post, text_event
from tests.faults.services import cut_wire
from tests.web.desk import act

MOST_CALLS = 200
CALLS = (
    (psycopg.Cursor, "execute"),
    (psycopg.Connection, "commit"),
    (psycopg.Connection, "rollback"),
)
SOMEBODY = "U" + "b" * 32


@pytest.fixture
def database() -> str:
    return "postgresql"


@contextmanager
def cut_before(number: int) -> Iterator[list[str]]:
    """The driver's call of this number finds its connection broken, as when its server went; all calls."""
    seen: list[str] = []

    def counting(call: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def counted(self: Any, *given: Any, **options: Any) -> Any:
            seen.append(call)
            if len(seen) == number:
                cut_wire(self.connection if isinstance(self, psycopg.Cursor) else self)
            return real(self, *given, **options)

        return counted

    with pytest.MonkeyPatch.context() as patch:
        for owner, call in CALLS:
            patch.setattr(owner, call, counting(call, getattr(owner, call)))
        yield seen


def answers(ask: Callable[[], int]) -> list[int]:
    """What each try was answered, until one had no call left to be cut, and one in peace after it."""
    found = []
    for number in range(1, MOST_CALLS):
        with cut_before(number) as seen:
            found.append(ask())
        if len(seen) < number:
            return [*found, ask()]
    raise AssertionError(f"more than {MOST_CALLS} calls")


@pytest.fixture
def number(app: Flask) -> int:
    """A case with one message."""
    with app.app_context():
        channel = connected_line()
        transaction.release()
        case = world.chat_of(channel, who="U" + "a" * 32)
        with transaction.writing():
            chats.end(case, "open", by=None)
        return case.id


def webhook(client: FlaskClient, _number: int, _token: str) -> int:
    return post(client, {"destination": SOMEBODY, "events": [text_event()]}).status_code


def answer(client: FlaskClient, number: int, token: str) -> int:
    path, headers = f"/api/v1/cases/{number}/messages", {"Authorization": f"Bearer {token}"}
    return client.post(path, json={"text": "answered"}, headers=headers).status_code


def page(client: FlaskClient, number: int, _token: str) -> int:
    return client.get(f"/cases/{number}").status_code


def note(client: FlaskClient, number: int, _token: str) -> int:
    return act(client, f"/cases/{number}/messages", kind="note", text="done").status_code


@pytest.mark.parametrize(
    ("ask", "done", "writes"),
    [(webhook, 200, True), (answer, 201, True), (note, 204, True), (page, 200, False)],
)
def test_what_finds_its_connection_broken_is_503_or_done_and_never_half_of_it(
    ask, done, writes, client, alice, sign_in, number
):  # F8
    sign_in(client, alice)
    with client.application.app_context(), transaction.writing():
        token = tokens.create(db.session.get_one(Agent, alice.id))

    found = answers(lambda: ask(client, number, token))

    assert set(found) == {503, done}
    assert found[0] == 503
    assert found[-1] == done
    with client.application.app_context():
        assert world.count(Message) == 1 + found.count(done) * writes

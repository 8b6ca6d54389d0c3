"""Requests of the same moment: one of them wins, the others are told, and nothing is doubled."""

import threading
from collections.abc import Callable

import pytest
from flask import Flask

from app import transaction
from app.domain import chats
from app.models import Case
from tests import world

MANY = 6


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(autouse=True)
def _in_context(app: Flask):
    with app.app_context():
        yield
        transaction.release()


@pytest.fixture
def chat() -> Case:
    return world.chat_of(world.connected(), "help")


@pytest.fixture
def at_once(program, alice) -> Callable[[Callable], list[int]]:
    """A function that lets several programs of Alice's call at the same moment."""

    def run(call: Callable) -> list[int]:
        callers = [program(alice) for _ in range(MANY)]
        start, statuses = threading.Barrier(MANY), []

        def one(caller, count: int) -> None:
            start.wait(10)
            statuses.append(call(caller, count).status_code)

        threads = [
            threading.Thread(target=one, args=(caller, count))
            for count, caller in enumerate(callers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return sorted(statuses)

    return run


def test_one_key_in_many_requests_makes_one_message(at_once, chat):
    path = f"/cases/{chat.number}/messages"
    transaction.release()
    statuses = at_once(lambda caller, _: caller.post(path, {"text": "once"}, key="k-1"))
    assert statuses == [200] * (MANY - 1) + [201]
    assert world.texts(chat) == ["help", "once"]


def test_one_key_in_many_cases_makes_one_message(at_once):
    line = world.connected()
    numbers = [world.chat_of(line, "help", who=f"U{count}").number for count in range(MANY)]
    transaction.release()

    def call(caller, count: int):
        return caller.post(f"/cases/{numbers[count]}/messages", {"text": "once"}, key="k-1")

    statuses = at_once(call)
    assert statuses[0] == 201
    assert set(statuses[1:]) <= {409, 422}


def test_many_endings_are_one_ending(at_once, api, chat):  # S17
    path = f"/cases/{chat.number}/ending"
    transaction.release()
    statuses = at_once(lambda caller, _: caller.post(path, {"status": "closed"}))
    assert statuses == [200] + [409] * (MANY - 1)
    types = [fact["type"] for fact in api.items(f"/cases/{chat.number}/events")]
    assert types.count("chat.ended") == 1


def test_many_replies_reactivate_a_chat_once(at_once, api, chat):  # S26
    with transaction.writing():
        chats.end(chat, "closed", by=None)
    path = f"/cases/{chat.number}/messages"
    transaction.release()
    statuses = at_once(lambda caller, count: caller.post(path, {"text": f"reply {count}"}))
    assert statuses == [201] * MANY
    types = [fact["type"] for fact in api.items(f"/cases/{chat.number}/events")]
    assert types.count("chat.reactivated_by_agent") == 1


def test_many_cases_opened_at_once_are_as_many_cases(at_once):
    body = {"text": "letter", "contact": "Yuki"}
    assert at_once(lambda caller, _: caller.post("/cases", body)) == [201] * MANY
    assert world.count(Case) == MANY

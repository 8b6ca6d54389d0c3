"""Selecting a chat by a program: what opening it from the icon does (S31)."""

import pytest
from flask import Flask

from app import transaction
from app.domain import chats
from app.extensions import db
from app.models import Case
from tests import world

GROUP = {"conversation_kind": "group", "conversation_id": "Cmove"}


@pytest.fixture(autouse=True)
def _in_context(app: Flask):
    with app.app_context():
        yield
        transaction.release()


@pytest.fixture
def reactivated() -> int:
    """Anna's case, reactivated by Ben."""
    line = world.connected()
    world.receive(line, world.said("hello", who="Uanna", **GROUP))
    with transaction.writing():
        chats.end(db.session.get_one(Case, 1), "pending", by=None)
    world.receive(line, world.said("me", who="Uben", **GROUP))
    return 1


def types(api, number: int) -> list[str]:
    return [fact["type"] for fact in api.items(f"/cases/{number}/events")]


def test_until_somebody_selects_programs_see_the_old_author(api, reactivated):
    for_all = api.items("/cases", chat="active")
    assert [case["author"]["name"] for case in for_all] == ["Uanna"]
    assert api.get(f"/cases/{reactivated}").json["author"]["name"] == "Uanna"
    assert "case.author_changed" not in types(api, reactivated)


def test_selecting_answers_with_the_case_and_its_new_author(api, alice, reactivated):
    response = api.post(f"/cases/{reactivated}/selection")

    assert response.status_code == 200
    assert response.json["author"]["name"] == "Uben"
    assert response.json["taken_by"] is None
    changed = api.items(f"/cases/{reactivated}/events")[-1]
    assert (changed["type"], changed["agent"]["id"]) == ("case.author_changed", alice.id)
    assert changed["facts"]["new"] == response.json["author"]["id"]


def test_selecting_twice_is_one_change(api, reactivated):
    assert api.post(f"/cases/{reactivated}/selection").status_code == 200
    assert api.post(f"/cases/{reactivated}/selection").status_code == 200
    assert types(api, reactivated).count("case.author_changed") == 1


def test_a_reply_selects_too(api, reactivated):
    api.post(f"/cases/{reactivated}/messages", {"text": "Welcome back"})
    assert api.get(f"/cases/{reactivated}").json["author"]["name"] == "Uben"


def test_what_is_no_active_chat_can_not_be_selected(api, reactivated):
    api.post(f"/cases/{reactivated}/ending", {"status": "open"})
    assert api.post(f"/cases/{reactivated}/selection").status_code == 409
    number = api.post("/cases", {"text": "letter", "contact": "Yuki"}).json["number"]
    assert api.post(f"/cases/{number}/selection").status_code == 409
    assert api.get(f"/cases/{reactivated}").json["author"]["name"] == "Uanna"

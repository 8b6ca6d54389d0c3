"""Ending a chat by a program, and the history that it leaves."""

import pytest
from flask import Flask
from sqlalchemy import select

from app import transaction
from app.domain import cases, chats
from app.extensions import db
from app.models import Agent, Case, Group
from tests import world

EVENT_MEMBERS = {"id", "type", "occurred_at", "agent", "message", "facts"}


@pytest.fixture(autouse=True)
def _in_context(app: Flask):
    with app.app_context():
        yield
        transaction.release()


@pytest.fixture
def chat() -> Case:
    return world.chat_of(world.connected(), "help")


@pytest.mark.parametrize("status", ["open", "pending", "closed"])
def test_a_chat_ends_with_a_status(api, chat, status):  # S17
    response = api.post(f"/cases/{chat.number}/ending", {"status": status})
    assert response.status_code == 200
    assert (response.json["chat"], response.json["status"]) == ("ended", status)
    assert [one["number"] for one in api.items("/cases")] == [chat.number]
    assert api.items("/cases", chat="active") == []


def test_ending_unties_who_has_taken_it(api, alice, chat):  # S24
    with transaction.writing():
        chats.take(chat, by=db.session.get_one(Agent, alice.id))
    assert api.post(f"/cases/{chat.number}/ending", {"status": "open"}).json["taken_by"] is None


def test_ending_twice_is_409_and_one_ending(api, chat):  # S17
    api.post(f"/cases/{chat.number}/ending", {"status": "open"})
    again = api.post(f"/cases/{chat.number}/ending", {"status": "closed"})
    assert again.status_code == 409
    assert api.get(f"/cases/{chat.number}").json["status"] == "open"
    types = [fact["type"] for fact in api.items(f"/cases/{chat.number}/events")]
    assert types.count("chat.ended") == 1


def test_a_mail_like_case_can_not_be_ended(api):  # S12
    number = api.post("/cases", {"text": "letter", "contact": "Yuki"}).json["number"]
    response = api.post(f"/cases/{number}/ending", {"status": "closed"})
    assert response.status_code == 409
    assert "mail-like" in response.json["detail"]
    assert api.get(f"/cases/{number}").json["status"] == "open"


@pytest.mark.parametrize("status", ["spam", "", None, 1, ["open"], {"open": 1}, "OPEN"])
def test_an_ending_needs_a_status_that_exists(api, chat, status):
    response = api.post(f"/cases/{chat.number}/ending", {"status": status})
    assert response.status_code == 422
    assert set(response.json["errors"]) == {"status"}
    assert api.get(f"/cases/{chat.number}").json["chat"] == "active"


def test_the_history_tells_who_ended_it_and_what_changed(api, alice, chat):  # S24
    api.post(f"/cases/{chat.number}/ending", {"status": "closed"})
    facts = {fact["type"]: fact for fact in api.items(f"/cases/{chat.number}/events")}
    assert facts["chat.ended"]["agent"] == {"id": alice.id, "name": "Alice"}
    assert facts["chat.ended"]["facts"]["cause"] == "agent"
    changed = facts["case.status_changed"]["facts"]
    assert (changed["old"], changed["new"]) == ("open", "closed")


def test_events_come_oldest_first_and_page_after_page(api, chat):
    world.receive(db.session.get_one(type(chat.channel), chat.channel_id), world.said("more"))
    address = f"/cases/{chat.number}/events"
    every = api.items(address)
    first = api.get(address, limit=2).json
    rest = api.get(address, after=first["next"]).json
    assert first["items"] + rest["items"] == every
    assert [fact["id"] for fact in every] == sorted(fact["id"] for fact in every)
    assert rest["next"] is None


def test_an_event_has_exactly_the_listed_members(api, chat):  # T27
    found = api.items(f"/cases/{chat.number}/events")
    assert found[0]["type"] == "case.created"
    assert all(set(fact) == EVENT_MEMBERS for fact in found)


def test_facts_of_all_that_can_happen_fit_the_description(api, alice, bob, chat):
    me, other = (db.session.get_one(Agent, agent.id) for agent in (alice, bob))
    with transaction.writing():
        chats.take(chat, by=me)
        chats.hand_over(chat, other, by=me)
        chats.keep_open(chat, by=me)
        chats.put_back(chat, by=me, reason="lunch")
        cases.assign(chat, other, by=me)
        cases.move(chat, db.session.scalars(select(Group)).one(), by=me)
        cases.set_subject(chat, "Lamp", by=me)
    types = {fact["type"] for fact in api.items(f"/cases/{chat.number}/events")}
    assert {"chat.handed_over", "chat.kept_open", "case.group_changed"} <= types


@pytest.mark.parametrize(("name", "value"), [("after", "x"), ("limit", "201"), ("limit", "x")])
def test_a_wrong_parameter_of_events_is_named(api, chat, name, value):
    response = api.get(f"/cases/{chat.number}/events", **{name: value})
    assert response.status_code == 422
    assert set(response.json["errors"]) == {name}

"""Macros by a program: written, read, and used on a case (R8)."""

from typing import Any

import pytest
from flask import Flask

from app import transaction
from app.domain import labels
from tests.world import ToyAdapter, chat_of, connected, play, texts

MACRO: dict[str, Any] = {
    "name": "Refund granted",
    "text": "Hello from {agent.name}",
    "shared": False,
    "actions": [{"action": "set_status", "value": "pending"}],
}


@pytest.fixture(autouse=True)
def _in_context(app: Flask):
    play(ToyAdapter())
    with app.app_context():
        yield
        transaction.release()


def test_macro_that_was_added_is_read_and_changed_and_deleted(program, bob):
    api = program(bob)
    added = api.post("/macros", MACRO)
    assert added.status_code == 201
    assert added.json == MACRO | {"id": added.json["id"], "problem": None}
    path = f"/macros/{added.json['id']}"
    assert api.get(path).json == added.json
    changed = api.call("PUT", path, json=MACRO | {"name": "Refund", "text": ""})
    assert (changed.json["name"], changed.json["text"]) == ("Refund", "")
    assert api.items("/macros") == [changed.json]
    assert api.call("DELETE", path).status_code == 204
    assert api.get(path).status_code == 404
    assert api.items("/macros") == []


def test_ones_own_macro_is_nobody_elses(program, alice, bob):
    path = f"/macros/{program(bob).post('/macros', MACRO).json['id']}"
    admin = program(alice)
    answers = [admin.get(path), admin.call("PUT", path, json=MACRO), admin.call("DELETE", path)]
    assert [one.status_code for one in answers] == [404, 404, 404]
    assert admin.items("/macros") == []
    with_it = admin.post(f"/cases/{chat_of(connected('toy')).number}/macros", {"macro": int(path[8:])})
    assert with_it.status_code == 422


def test_only_admins_share(program, alice, bob):
    refused = program(bob).post("/macros", MACRO | {"shared": True})
    assert set(refused.json["errors"]) == {"shared"}
    shared = program(alice).post("/macros", MACRO | {"shared": True}).json
    assert program(bob).items("/macros") == [shared]


def test_wrong_macro_is_refused_by_place_and_nothing_is_kept(api):
    wrong = {"name": "", "actions": [{"action": "stop_further_rules"}]}
    refused = api.post("/macros", wrong)
    assert refused.status_code == 422
    assert set(refused.json["errors"]) == {"name", "actions[0].action"}
    assert api.items("/macros") == []


def test_what_an_action_refers_to_is_gone_is_told(api):
    with transaction.writing():
        refund = labels.create("refund", by=None)
    actions = [{"action": "add_labels", "value": ["refund"]}]
    number = api.post("/macros", MACRO | {"actions": actions}).json["id"]
    with transaction.writing():
        labels.delete(labels.find(refund.id), by=None)
    assert "label is gone" in api.get(f"/macros/{number}").json["problem"]


def test_used_on_a_case_its_text_is_sent_and_its_actions_are_done(api):
    number = api.post("/macros", MACRO).json["id"]
    case = chat_of(connected("toy"))
    used = api.post(f"/cases/{case.number}/macros", {"macro": number}, key="k1")
    assert used.status_code == 200
    assert used.json["message"]["text"] == "Hello from Alice"
    assert used.json["not_done"] == []
    assert api.get(f"/cases/{case.number}").json["status"] == "pending"
    told = {event["type"]: event for event in api.items(f"/cases/{case.number}/events")}
    assert told["case.status_changed"]["agent"]["name"] == "Alice"
    assert told["case.status_changed"]["facts"]["cause"] == "agent"


def test_the_same_key_uses_it_once(api):  # U5
    number = api.post("/macros", MACRO | {"text": "", "actions": [{"action": "add_note", "value": "once"}]}).json["id"]
    case = chat_of(connected("toy"))
    for_case = f"/cases/{case.number}/macros"
    assert [api.post(for_case, {"macro": number}, key="k").status_code for _ in "12"] == [200, 200]
    assert texts(case) == ["hello", "once"]


def test_what_does_not_apply_is_told(api):
    ends = [{"action": "end_chat_and_set_status", "value": "closed"}]
    number = api.post("/macros", MACRO | {"text": "", "actions": ends}).json["id"]
    written = api.post("/cases", {"text": "help", "contact": "Yuki"}).json["number"]
    used = api.post(f"/cases/{written}/macros", {"macro": number})
    assert used.json == {"message": None, "not_done": ["This is no active chat, so nothing was ended."]}


@pytest.mark.parametrize("value", [None, True, "1", 0, 2**40, [1]])
def test_what_is_no_macro_is_refused(api, value):
    case = chat_of(connected("toy"))
    refused = api.post(f"/cases/{case.number}/macros", {"macro": value})
    assert set(refused.json["errors"]) == {"macro"}


def test_whole_address_of_a_call_is_for_admins(program, alice, bob):  # T26
    step = {"action": "call_webhook", "value": "https://hooks.example.com/a-key"}
    admin = program(alice)
    admin.post("/macros", MACRO | {"shared": True, "actions": [step]})
    (known,), (shown,) = admin.items("/macros"), program(bob).items("/macros")
    assert known["actions"] == [step]
    assert shown["actions"] == [step | {"value": "https://hooks.example.com/…"}]

"""Rules by a program: written, read, changed, and asked why they acted."""

from typing import Any

import pytest
from flask import Flask

from app import transaction
from app.domain import labels
from app.extensions import db
from app.models import Message
from tests.world import chat_of, connected

RULE: dict[str, Any] = {
    "type": "new_case",
    "name": "Night",
    "active": True,
    "join": "and",
    "blocks": [
        {
            "match": "all",
            "conditions": [{"condition": "channel_kind", "operator": "is", "value": "chat"}],
        }
    ],
    "actions": [{"action": "end_chat_and_set_status", "value": "open"}],
}


@pytest.fixture(autouse=True)
def _in_context(app: Flask):
    with app.app_context():
        yield
        transaction.release()


def test_rule_that_a_program_added_acts_on_the_next_chat(api):
    added = api.post("/rules", RULE)
    assert added.status_code == 201
    assert added.json == RULE | {"id": added.json["id"], "off_reason": None}
    case = chat_of(connected())
    assert api.get(f"/cases/{case.number}").json["chat"] == "ended"


def test_rules_are_listed_by_type_in_their_order(api):
    api.post("/rules", RULE | {"type": "updated_case", "name": "Later"})
    api.post("/rules", RULE | {"name": "First"})
    api.post("/rules", RULE | {"name": "Second"})
    assert [rule["name"] for rule in api.items("/rules")] == ["First", "Second", "Later"]


def test_changed_rule_is_another_version(api):
    rule = api.post("/rules", RULE).json
    changed = api.call("PUT", f"/rules/{rule['id']}", json=RULE | {"name": "Day", "active": False})
    assert (changed.json["name"], changed.json["active"]) == ("Day", False)
    assert chat_of(connected()).chat_state == "active"
    assert api.get(f"/rules/{rule['id']}").json == changed.json


def test_deleted_rule_is_gone(api):
    rule = api.post("/rules", RULE).json
    assert api.call("DELETE", f"/rules/{rule['id']}").status_code == 204
    assert api.get(f"/rules/{rule['id']}").status_code == 404
    assert api.items("/rules") == []
    assert chat_of(connected()).chat_state == "active"


def test_wrong_rule_is_refused_by_place_and_nothing_is_kept(api):
    wrong = RULE | {"name": "", "actions": [{"action": "explode"}], "active": "yes"}
    refused = api.post("/rules", wrong)
    assert refused.status_code == 422
    assert {"name", "actions[0].action"} <= set(refused.json["errors"])
    assert api.items("/rules") == []


def test_active_is_true_or_false(api):
    refused = api.post("/rules", RULE | {"active": "yes"})
    assert set(refused.json["errors"]) == {"active"}


def test_labels_are_given_by_name(api):
    with transaction.writing():
        night = labels.create("night", by=None).id
    rule = api.post("/rules", RULE | {"actions": [{"action": "add_labels", "value": ["night"]}]})
    assert rule.json["actions"] == [{"action": "add_labels", "value": [night]}]


def test_vocabulary_lists_what_the_issue_names(api):
    words = api.get("/rules/vocabulary").json
    assert {"channel_kind", "status", "priority", "labels", "latest_text", "happened"} <= {
        one["condition"] for one in words["conditions"]
    }
    assert {"set_status", "set_priority", "send_message", "assign_to", "add_labels"} <= {
        one["action"] for one in words["actions"]
    }


def test_vocabulary_lists_what_values_can_name(api, bob):
    with transaction.writing():
        label = labels.create("night", by=None).id
    words = api.get("/rules/vocabulary").json
    assert {"id": label, "name": "night"} in words["known"]["labels"]
    assert {"id": bob.id, "name": "Bob"} in words["known"]["agents"]
    assert {"id": bob.groups[0].id, "name": "Sales"} in words["known"]["groups"]
    values = {one["action"]: one["value"] for one in words["actions"]}
    assert values["assign_to"]["choices"] == ["nobody", "least_busy"]
    given = [{"action": "assign_to", "value": one} for one in ("nobody", f"agent:{bob.id}")]
    assert [api.post("/rules", RULE | {"actions": [one]}).status_code for one in given] == [201, 201]


def test_explanation_says_which_condition_decided_and_what_it_saw(api):  # R6
    api.post("/rules", RULE)
    never = [{"condition": "latest_text", "operator": "contains", "value": "refund"}]
    api.post("/rules", RULE | {"name": "Never", "blocks": [{"match": "all", "conditions": never}]})
    case = chat_of(connected(), "hello there")

    (told,) = api.items(f"/cases/{case.number}/rules")
    fired, passed_over = told["rules"]
    assert (fired["rule"]["name"], fired["outcome"]) == ("Night", "fired")
    assert fired["decided_by"]["seen"] == "chat"
    assert (passed_over["rule"]["name"], passed_over["outcome"]) == ("Never", "not")
    assert passed_over["decided_by"]["seen"] == "hello there"
    assert passed_over["decided_by"]["holds"] is False


def test_what_a_rule_saw_is_not_made_up_when_it_is_gone(api):  # R6
    words = [{"condition": "latest_text", "operator": "contains", "value": "hello"}]
    api.post("/rules", RULE | {"blocks": [{"match": "all", "conditions": words}]})
    case = chat_of(connected(), "hello there")
    with transaction.writing():
        db.session.query(Message).filter_by(case_id=case.id).update({"text": ""})

    ((told,),) = (one["rules"] for one in api.items(f"/cases/{case.number}/rules"))
    assert (told["outcome"], told["decided_by"], told["blocks"]) == ("fired", None, [])


def test_why_a_rule_failed_is_told_to_admins_alone(api, program, bob, monkeypatch):
    def broken(*_args, **_kwargs):
        raise RuntimeError("no such table: secrets")

    monkeypatch.setattr("app.domain.messages.add_automatic_note", broken)
    api.post("/rules", RULE | {"actions": [{"action": "add_note", "value": "hello"}]})
    case = chat_of(connected())
    agents = program(bob)
    path, events = f"/cases/{case.number}/rules", f"/cases/{case.number}/events"
    assert api.items(path)[0]["rules"][0]["notes"] == "no such table: secrets"
    assert agents.items(path)[0]["rules"][0]["notes"] == "Something in it broke; admins see what."
    assert "secrets" not in str(agents.items(events))


def test_explanation_of_an_old_pass_tells_the_version_that_ran(api):
    rule = api.post("/rules", RULE).json
    case = chat_of(connected())
    api.call("PUT", f"/rules/{rule['id']}", json=RULE | {"name": "Renamed", "blocks": []})

    (told,) = api.items(f"/cases/{case.number}/rules")
    assert told["rules"][0]["rule"] == {"id": rule["id"], "name": "Night", "version": 1}
    assert told["rules"][0]["decided_by"]["condition"] == "channel_kind"


@pytest.mark.parametrize("sign", ["\0", "\ud800"], ids=["NUL", "surrogate"])
@pytest.mark.parametrize("place", ["name", "text"])
def test_signs_that_no_database_keeps_are_replaced(api, sign, place):
    """F23: in a rule's name and in the texts it writes alike."""
    name, text = [f"a{sign}b" if place == one else "fine" for one in ("name", "text")]
    added = api.post(
        "/rules", RULE | {"name": name, "actions": [{"action": "set_subject", "value": text}]}
    )
    assert added.status_code == 201
    assert sign not in added.json["name"] + added.json["actions"][0]["value"]
    case = chat_of(connected())
    assert api.get(f"/cases/{case.number}").json["subject"] == text.replace(sign, "\ufffd")


@pytest.mark.parametrize("value", [[1] * 100_000, [["x"]] * 30, list(range(21))])
def test_long_list_of_labels_is_refused_unread(api, value):
    refused = api.post("/rules", RULE | {"actions": [{"action": "add_labels", "value": value}]})
    assert refused.status_code == 422
    assert refused.json["errors"] == {"actions[0].value": "Choose 20 labels or fewer."}


@pytest.mark.parametrize(
    "value", [True, 1.0, [1], {"id": 1}, -1, 2**63, "1e3", "٣", "\0", "9" * 4000]
)
@pytest.mark.parametrize("action", ["take_for", "assign_to", "add_labels"])
def test_what_is_no_id_is_refused(api, action, value):
    """T12, F23: a boolean or a fraction is no agent's number."""
    refused = api.post("/rules", RULE | {"actions": [{"action": action, "value": value}]})
    assert refused.status_code == 422

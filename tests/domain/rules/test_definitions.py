"""What a rule may be; every mistake is named by its place."""

from typing import Any

import pytest

from app import transaction
from app.domain import labels
from app.domain.rules import definitions
from app.domain.rules.definitions import Invalid

pytestmark = pytest.mark.usefixtures("app")

GOOD: dict[str, Any] = {
    "type": "new_case",
    "name": "Night",
    "join": "and",
    "blocks": [
        {
            "match": "all",
            "conditions": [{"condition": "channel_kind", "operator": "is", "value": "chat"}],
        }
    ],
    "actions": [{"action": "end_chat_and_set_status", "value": "open"}],
}


def errors_of(**changes: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as refusal:
        definitions.read(GOOD | changes)
    return refusal.value.errors


def clause(condition: str, operator: str, value: Any) -> list[dict[str, Any]]:
    one = {"condition": condition, "operator": operator, "value": value}
    return [{"match": "all", "conditions": [one]}]


def notify(**changes: Any) -> dict[str, Any]:
    value = {"to": ["all"], "by": ["app"], "text": "Look here"} | changes
    return {"action": "notify_agents", "value": value}


def test_notification_is_written_in_one_way():
    short = notify(to="taker", by="app") | {"more": 1}
    read = definitions.read(GOOD | {"actions": [short]}).steps[0].value
    assert read == {"to": ["taker"], "by": ["app"], "text": "Look here"}
    read = definitions.read(GOOD | {"actions": [notify(to=["taker", "all"], by=["email", "app"])]})
    assert (read.steps[0].value["to"], read.steps[0].value["by"]) == (["all", "taker"], ["app", "email"])


def test_what_was_read_is_written_the_same():
    assert definitions.written(definitions.read(GOOD)) == GOOD


def test_rule_without_conditions_applies_to_every_case_of_its_type():
    assert definitions.read(GOOD | {"blocks": []}).clauses == ()


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"type": "sometimes"}, "type"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"join": "xor"}, "join"),
        ({"blocks": "all"}, "blocks"),
        ({"blocks": [{}] * 11}, "blocks"),
        ({"blocks": [{"match": "most", "conditions": []}]}, "blocks[0].match"),
        ({"blocks": [{"match": "all", "conditions": []}]}, "blocks[0].conditions"),
        ({"blocks": ["x"]}, "blocks[0]"),
        ({"blocks": clause("mood", "is", "bad")}, "blocks[0].conditions[0].condition"),
        ({"blocks": clause("status", "contains", "open")}, "blocks[0].conditions[0].operator"),
        ({"blocks": clause("status", "is", "gone")}, "blocks[0].conditions[0].value"),
        ({"blocks": clause("labels", "contain_all", [99])}, "blocks[0].conditions[0].value"),
        ({"blocks": clause("assignee", "is", 99)}, "blocks[0].conditions[0].value"),
        ({"blocks": clause("assignee", "is", "")}, "blocks[0].conditions[0].value"),
        ({"actions": [{"action": "assign_to", "value": ""}]}, "actions[0].value"),
        ({"blocks": clause("channel", "is", True)}, "blocks[0].conditions[0].value"),
        ({"blocks": clause("latest_text", "contains", " ")}, "blocks[0].conditions[0].value"),
        ({"blocks": clause("latest_text", "contains", "x" * 501)}, "blocks[0].conditions[0].value"),
        ({"actions": []}, "actions"),
        ({"actions": None}, "actions"),
        ({"actions": [{"action": "explode"}]}, "actions[0].action"),
        ({"actions": [{"action": "set_status", "value": "done"}]}, "actions[0].value"),
        ({"actions": [{"action": "assign_to", "value": "agent:0"}]}, "actions[0].value"),
        ({"actions": [{"action": "add_labels", "value": []}]}, "actions[0].value"),
        ({"actions": [{"action": "call_webhook", "value": "ftp://x"}]}, "actions[0].value"),
        ({"actions": [{"action": "notify_agents", "value": "all"}]}, "actions[0].value"),
        ({"actions": [notify(to=[])]}, "actions[0].value"),
        ({"actions": [notify(to="everybody")]}, "actions[0].value"),
        ({"actions": [notify(to=["agent:99"])]}, "actions[0].value"),
        ({"actions": [notify(to=["all"] * 51)]}, "actions[0].value"),
        ({"actions": [notify(by=[])]}, "actions[0].value"),
        ({"actions": [notify(by=["fax"])]}, "actions[0].value"),
        ({"actions": [notify(by=[["app"]])]}, "actions[0].value"),
        ({"actions": [notify(text=" ")]}, "actions[0].value"),
        ({"actions": [notify(text="x" * 501)]}, "actions[0].value"),
    ],
)
def test_mistakes_are_named_by_their_place(changes, place):
    assert place in errors_of(**changes)


def test_all_mistakes_are_told_at_once():
    found = errors_of(name="", actions=[], blocks=clause("status", "is", "gone"))
    assert set(found) == {"name", "actions", "blocks[0].conditions[0].value"}


def test_labels_are_taken_by_name_and_kept_by_id():
    with transaction.writing():
        night = labels.create("night", by=None)
    read = definitions.read(GOOD | {"actions": [{"action": "add_labels", "value": ["Night"]}]})
    assert read.steps[0].value == [night.id]


def test_time_based_rule_waits_from_one_moment():  # R5
    assert "blocks" in errors_of(type="existing_case")
    waits = clause("minutes_since_created", "at_least", 60)
    assert definitions.read(GOOD | {"type": "existing_case", "blocks": waits}).type == "existing_case"


def test_time_based_rule_must_always_wait():
    waiting = clause("minutes_since_created", "at_least", 60)[0]["conditions"][0]
    is_open = clause("status", "is", "open")[0]["conditions"][0]
    block = {"match": "any", "conditions": [waiting, is_open]}
    assert "blocks" in errors_of(type="existing_case", blocks=[block])


def test_no_object_is_no_rule():
    with pytest.raises(Invalid):
        definitions.read(["a rule"])

"""Every kind of value has a field in forms, and rows of actions are read for rules and macros alike."""

import pytest
from werkzeug.datastructures import MultiDict

from app.blueprints import rule_actions, rule_fields
from app.blueprints.rule_actions import Row
from app.domain.rules import actions, conditions

KINDS = [one.value for one in (*conditions.CONDITIONS.values(), *actions.ACTIONS.values()) if one.value]
PARTS = [part for kind in KINDS for _name, part in kind.fields]


def test_every_kind_of_value_has_a_field():
    unknown = {kind.name for kind in [*KINDS, *PARTS]} - rule_fields.FIELDS.keys()
    assert unknown == set(), "give each a line in app/blueprints/rule_fields.py"


def test_every_field_that_offers_something_knows_what():
    offering = {name for name, field in rule_fields.FIELDS.items() if field in ("select", "boxes")}
    assert offering == rule_fields.OPTIONS.keys()


def test_rows_are_read_in_their_order_with_the_values_of_their_kinds():
    typed = MultiDict(
        [
            ("actions-7-action", "add_labels"), ("actions-7-shown", "add_labels"),
            ("actions-7-value", "2"), ("actions-7-value", "5"), ("actions-7-value", ""),
            ("actions-2-action", "notify_agents"), ("actions-2-shown", "notify_agents"),
            ("actions-2-value-to", "assignee"), ("actions-2-value-text", "Look"),
            ("actions-9-action", "mark_spam"), ("actions-9-shown", "mark_spam"), ("actions-9-value", "odd"),
            ("actions-1000-action", "mark_spam"), ("actions-x-action", "mark_spam"), ("action", "mark_spam"),
        ]
    )  # fmt: skip
    assert rule_actions.read(typed) == [
        Row("notify_agents", {"to": ["assignee"], "by": [], "text": "Look"}),
        Row("add_labels", ["2", "5"]),
        Row("mark_spam", None),
    ]


@pytest.mark.parametrize(
    ("was", "now", "typed", "kept"),
    [
        ("set_status", "end_chat_and_set_status", "open", "open"),
        ("set_status", "set_priority", "open", ""),
        ("send_message", "add_note", "Hello", "Hello"),
        ("add_labels", "remove_labels", "3", ["3"]),
        ("add_labels", "set_status", "3", ""),
        ("take_for", "assign_to", "3", ""),
        ("set_status", "mark_spam", "open", None),
        ("set_status", "explode", "open", None),
        ("explode", "set_status", "open", ""),
        ("send_message", "notify_agents", "Hello", {"to": [], "by": ["app"], "text": ""}),
    ],
)
def test_another_action_keeps_what_means_the_same_there(was, now, typed, kept):
    fields = {"actions-0-shown": was, "actions-0-action": now, "actions-0-value": typed}
    assert rule_actions.read(MultiDict(fields)) == [Row(now, kept)]


def test_buttons_of_others_are_left_to_them():
    assert rule_actions.edit([Row()], "save") is None
    assert rule_actions.edit([Row()], "add-block") is None

"""Composing rules in a form, with nothing but buttons that send it (R1 to R3)."""

import json
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from app import transaction
from app.domain import hours, labels
from app.domain.rules import actions, book, conditions, definitions
from app.extensions import db
from app.models import Agent, Label, Rule, RuleVersion
from tests import world
from tests.web.browsing import Form, pressing
from tests.web.desk import HTMX, chat_in, counted

LIST = "/settings/rules"
NEW = f"{LIST}/new"
ONE = f"{LIST}/1"
BASE = {
    "type": "new_case",
    "name": "Night",
    "join": "and",
    "blocks": [{"match": "all", "conditions": [{"condition": "channel_kind", "operator": "is", "value": "chat"}]}],
    "actions": [{"action": "set_status", "value": "open"}],
}  # fmt: skip


@pytest.fixture
def admin(client, alice, sign_in):
    """Alice's browser."""
    return sign_in(client, alice)


@pytest.fixture
def things(app, alice, bob):
    """One of everything that a rule may name, each with the id 1."""
    world.play(world.ToyAdapter())
    chat_in(app, name="Somchai")
    with app.app_context(), transaction.writing():
        labels.create("night", by=None)
        labels.create("vip", by=None)


def saved(app, **changes: Any) -> None:
    """The rule number 1, as a program saves it."""
    with app.app_context(), transaction.writing():
        book.add(definitions.read(BASE | changes), by=None)


def stored(app, rule_id: int = 1) -> dict[str, Any]:
    with app.app_context():
        version_id = db.session.get_one(Rule, rule_id).version_id
        return json.loads(db.session.get_one(RuleVersion, version_id).definition)


def count(app) -> int:
    with app.app_context():
        return world.count(RuleVersion)


def form(answer) -> Form:
    assert answer.status_code == 200, answer.text
    return Form(answer.text, "rule-form")


def press(client, path: str, sent, do: str) -> Form:
    """Press a button of the form."""
    return form(client.post(path, data=pressing(sent, do)))


def save(client, path: str, sent, do: str = "save"):
    return client.post(path, data=pressing(sent, do))


def clause(condition: str, operator: str, value: Any) -> dict[str, Any]:
    return {"condition": condition, "operator": operator, "value": value}


# ── Saving ──────────────────────────────────────────────────────────────────────────────────────


def test_rule_is_composed_by_buttons_alone(admin, app):  # R1, R2, R3
    page = form(admin.get(NEW))
    page = press(admin, NEW, page.with_(name="Night", **{"blocks-0-conditions-0-condition": "working_hours"}), "refresh:blocks-0-conditions-0")
    page = press(admin, NEW, page.with_(**{"blocks-0-conditions-0-value": "outside"}), "add-block")
    page = press(admin, NEW, page.with_(join="or", **{"blocks-1-conditions-0-condition": "latest_text", "blocks-1-match": "any"}), "refresh:blocks-1-conditions-0")
    page = press(admin, NEW, page.with_(**{"blocks-1-conditions-0-value": "refund", "actions-0-action": "set_status"}), "refresh:actions-0")
    page = press(admin, NEW, page.with_(**{"actions-0-value": "pending"}), "add-action")
    answer = save(admin, NEW, page.with_(**{"actions-1-action": "stop_further_rules"}))
    assert (answer.status_code, answer.location) == (303, LIST)
    assert stored(app) == {
        "type": "new_case", "name": "Night", "join": "or",
        "blocks": [
            {"match": "all", "conditions": [clause("working_hours", "is", "outside")]},
            {"match": "any", "conditions": [clause("latest_text", "contains", "refund")]},
        ],
        "actions": [{"action": "set_status", "value": "pending"}, {"action": "stop_further_rules", "value": None}],
    }  # fmt: skip
    assert "in force from now on" in admin.get(LIST).text


def test_rule_is_switched_off_by_its_box(admin, app):
    saved(app)
    sent = form(admin.get(ONE)).sent
    sent.poplist("active")
    assert save(admin, ONE, sent).status_code == 303
    with app.app_context():
        assert not db.session.get_one(Rule, 1).is_active
    assert "active" not in form(admin.get(ONE)).sent


def test_saving_says_when_all_rules_are_switched_off(admin, app):
    saved(app)
    with app.app_context(), transaction.writing():
        book.pause(is_paused=True, by=db.session.get_one(Agent, 1))
    save(admin, ONE, form(admin.get(ONE)).sent)
    assert "all of them are off now" in admin.get(LIST).text


def test_script_is_led_to_the_saved_rule(admin, app):
    saved(app)
    sent = form(admin.get(ONE)).with_(name="Night shift")
    answer = admin.post(ONE, data=pressing(sent, "save"), headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, LIST)
    assert stored(app)["name"] == "Night shift"


@pytest.mark.parametrize(
    ("condition", "operator", "value"),
    [
        ("channel_kind", "is_not", "mail_like"),
        ("channel", "is", 1),
        ("conversation_kind", "is", "group"),
        ("group", "is", 1),
        ("group", "is_not", None),
        ("assignee", "is", 2),
        ("assignee", "is", None),
        ("taken", "is", "no"),
        ("status", "is_not", "closed"),
        ("priority", "at_least", "high"),
        ("labels", "contain_any", [1, 2]),
        ("labels", "contain_none", [2]),
        ("author", "is", 1),
        ("author_name", "starts_with", "Som"),
        ("author_language", "is", "th"),
        ("author_is_new", "is", "yes"),
        ("subject", "contains_not", "<b>&\"'"),
        ("latest_text", "has_any_word", "refund, 返金"),
        ("any_text", "is", "hi"),
        ("latest_sender", "is", "agent"),
        ("happened", "is", "chat_ended_by_rule"),
        ("status_changed_from", "is", "open"),
        ("status_changed_to", "is", "closed"),
        ("working_hours", "is", "inside"),
        ("minutes_since_created", "at_least", 5),
        ("minutes_since_contact_message", "less_than", 5),
        ("minutes_since_agent_message", "at_least", 5),
        ("minutes_since_status_change", "at_least", 5),
        ("chat_state", "is", "none"),
    ],
)
def test_condition_comes_out_of_its_form_as_it_went_in(admin, app, things, condition, operator, value):  # R2
    blocks = [{"match": "any", "conditions": [clause(condition, operator, value)]}]
    saved(app, type="updated_case", blocks=blocks)
    assert save(admin, ONE, form(admin.get(ONE)).sent).status_code == 303
    assert stored(app)["blocks"] == blocks


@pytest.mark.parametrize(
    ("action", "value"),
    [
        ("end_chat_and_set_status", "closed"),
        ("set_status", "pending"),
        ("set_priority", "urgent"),
        ("assign_to", "agent:2"),
        ("assign_to", "group:1"),
        ("assign_to", "least_busy"),
        ("assign_to", "nobody"),
        ("take_for", 2),
        ("add_labels", [1]),
        ("remove_labels", [1, 2]),
        ("set_subject", "From {contact.name}"),
        ("send_message", "\n  Two\nlines </textarea>".strip()),
        ("add_note", "Look at {case.number}"),
        ("notify_agents", {"to": ["assignee", "agent:1", "group:1"], "by": ["email"], "text": "Look"}),
        ("call_webhook", "https://example.com/hook"),
        ("mark_spam", None),
        ("stop_further_rules", None),
    ],
)  # fmt: skip
def test_action_comes_out_of_its_form_as_it_went_in(admin, app, things, action, value):  # R3
    saved(app, actions=[{"action": action, "value": value}])
    before = stored(app)["actions"]
    assert save(admin, ONE, form(admin.get(ONE)).sent).status_code == 303
    assert stored(app)["actions"] == before


def test_every_condition_and_action_is_tried_here():
    cases = {
        test.__name__: {case[0] for mark in test.pytestmark for case in mark.args[1]}
        for test in (
            test_condition_comes_out_of_its_form_as_it_went_in,
            test_action_comes_out_of_its_form_as_it_went_in,
        )
    }
    assert list(cases.values()) == [set(conditions.CONDITIONS), set(actions.ACTIONS)]


# ── Buttons ─────────────────────────────────────────────────────────────────────────────────────


TWO_BLOCKS = [
    {"match": "all", "conditions": [clause("status", "is", "open"), clause("taken", "is", "no")]},
    {"match": "any", "conditions": [clause("latest_text", "contains", "refund")]},
]
THREE_ACTIONS = [{"action": "set_status", "value": one} for one in ("open", "pending", "closed")]


@pytest.mark.parametrize(
    ("do", "conditions_left", "statuses", "focus"),
    [
        ("add-condition:0", ["status", "taken", "", "latest_text"], "open pending closed", "blocks-0-conditions-2-condition"),
        ("add-condition:1", ["status", "taken", "latest_text", ""], "open pending closed", "blocks-1-conditions-1-condition"),
        ("remove-condition:0:0", ["taken", "latest_text"], "open pending closed", "blocks-0-conditions-0-condition"),
        ("remove-condition:0:1", ["status", "latest_text"], "open pending closed", "blocks-0-conditions-0-condition"),
        ("remove-condition:1:0", ["status", "taken"], "open pending closed", "add-block"),
        ("add-block", ["status", "taken", "latest_text", ""], "open pending closed", "blocks-2-conditions-0-condition"),
        ("remove-block:0", ["latest_text"], "open pending closed", "add-block"),
        ("remove-action:1", ["status", "taken", "latest_text"], "open closed", "actions-1-action"),
        ("remove-action:2", ["status", "taken", "latest_text"], "open pending", "actions-1-action"),
        ("move-up:1", ["status", "taken", "latest_text"], "pending open closed", "actions-0-down"),
        ("move-up:2", ["status", "taken", "latest_text"], "open closed pending", "actions-1-up"),
        ("move-down:0", ["status", "taken", "latest_text"], "pending open closed", "actions-1-down"),
        ("move-down:1", ["status", "taken", "latest_text"], "open closed pending", "actions-2-up"),
        ("refresh:actions-1", ["status", "taken", "latest_text"], "open pending closed", "actions-1-value"),
    ],
)  # fmt: skip
def test_button_changes_the_form_and_saves_nothing(admin, app, do, conditions_left, statuses, focus):
    saved(app, blocks=TWO_BLOCKS, actions=THREE_ACTIONS)
    page = press(admin, ONE, form(admin.get(ONE)).with_(name="  Typed  "), do)
    chosen = [value for name, value in page.sent.items(multi=True) if name.endswith("-condition") and name != "wait-condition"]
    done = [value for name, value in page.sent.items(multi=True) if name.startswith("actions-") and name.endswith("-value")]
    assert (chosen, " ".join(done), page.focused) == (conditions_left, statuses, focus)
    assert page.sent["name"] == "  Typed  "
    assert count(app) == 1


@pytest.mark.parametrize(
    "do",
    ["explode", "remove-block", "remove-block:9", "remove-condition:0", "remove-condition:0:9", "add-condition:x",
     "remove-action:9", "move-up:0", "move-down:2", "move-up:-1", "move-up:²", f"move-up:{'9' * 40}"],
)  # fmt: skip
def test_button_that_is_not_there_changes_nothing(admin, app, do):
    saved(app, blocks=TWO_BLOCKS, actions=THREE_ACTIONS)
    before = form(admin.get(ONE)).sent
    assert press(admin, ONE, before, do).sent == before


def test_form_that_comes_without_a_button_is_not_saved(admin, app):
    saved(app)
    sent = form(admin.get(ONE)).with_(name="Typed")
    assert form(admin.post(ONE, data=sent)).sent["name"] == "Typed"
    assert stored(app)["name"] == "Night"


def test_no_button_waits_for_writers(admin, app):
    """A sentence that follows what is typed must not hold up a customer's message."""
    page = form(admin.get(NEW))
    with counted(app) as statements:
        press(admin, NEW, page.sent, "refresh")
    assert [one for one in statements if one.startswith(("INSERT", "UPDATE", "DELETE"))] == []


def test_new_condition_keeps_a_value_that_means_the_same_there(admin, things):
    at = "blocks-0-conditions-0"
    page = press(admin, NEW, form(admin.get(NEW)).with_(**{f"{at}-condition": "latest_text"}), f"refresh:{at}")
    typed = page.with_(**{f"{at}-operator": "starts_with", f"{at}-value": "refund", f"{at}-condition": "subject"})
    page = press(admin, NEW, typed, f"refresh:{at}")
    assert (page.sent[f"{at}-operator"], page.sent[f"{at}-value"]) == ("starts_with", "refund")


def test_new_condition_drops_a_value_that_would_mean_something_else(admin, things):
    """A group's number is no channel's, even where both are 1 and no script asked in between."""
    at = "blocks-0-conditions-0"
    page = press(admin, NEW, form(admin.get(NEW)).with_(**{f"{at}-condition": "group"}), f"refresh:{at}")
    answer = save(admin, NEW, page.with_(name="A", **{f"{at}-value": "1", f"{at}-condition": "channel"}))
    assert answer.status_code == 422
    assert Form(answer.text, "rule-form").sent[f"{at}-value"] == ""


# ── Mistakes ────────────────────────────────────────────────────────────────────────────────────


def test_empty_form_says_what_is_missing_at_each_field(admin, app):
    answer = save(admin, NEW, form(admin.get(NEW)).sent)
    assert answer.status_code == 422
    assert "3 things are missing or wrong" in answer.text
    for name in ("name", "blocks-0-conditions-0-condition", "actions-0-action"):
        assert f'href="#{name}"' in answer.text
        assert f'id="{name}-error"' in answer.text
        assert f'aria-describedby="{name}-error" aria-invalid="true"' in answer.text
    assert count(app) == 0


def test_mistakes_are_said_in_the_words_of_the_form(admin, app, things):
    blocks = [{"match": "all", "conditions": [clause("status", "is", "open"), clause("latest_text", "is", "x")]}]
    saved(app, blocks=blocks, actions=[{"action": "assign_to", "value": "nobody"}, {"action": "add_labels", "value": [1]}])
    sent = form(admin.get(ONE)).with_(**{"blocks-0-conditions-0-value": "", "blocks-0-conditions-1-value": " ", "actions-0-value": ""})
    sent.poplist("actions-1-value")
    errors = Form(save(admin, ONE, sent).text, "rule-form").errors
    assert errors == {
        "blocks-0-conditions-0-value": "Choose one.",
        "blocks-0-conditions-1-value": "Type a text.",
        "actions-0-value": "Choose one.",
        "actions-1-value": "Choose a label.",
    }


@pytest.mark.parametrize("address", ["http://localhost:9000/x", "http://[", "https://exa\u2100mple.com/"])
def test_address_that_nobody_may_call_is_refused_at_its_field(admin, app, address):  # T10
    saved(app, actions=[{"action": "call_webhook", "value": "https://example.com/hook"}])
    answer = save(admin, ONE, form(admin.get(ONE)).with_(**{"actions-0-value": address}))
    assert answer.status_code == 422
    assert list(Form(answer.text, "rule-form").errors) == ["actions-0-value"]
    assert stored(app)["actions"][0]["value"] == "https://example.com/hook"


def test_refused_form_keeps_everything_typed_and_saves_nothing(admin, app):
    saved(app, actions=[{"action": "send_message", "value": "Hello"}])
    sent = form(admin.get(ONE)).with_(name="", **{"actions-0-value": "Typed for long\n\nand kept"})
    answer = admin.post(ONE, data=pressing(sent, "save"), headers=HTMX)
    assert answer.status_code == 422
    assert "<html" not in answer.text
    page = Form(answer.text, "rule-form")
    assert page.sent == sent
    assert page.focused == "rule-errors"
    assert count(app) == 1


def test_rule_that_lost_its_label_says_so_at_the_field(admin, app, things):
    saved(app, actions=[{"action": "add_labels", "value": [1]}])
    with app.app_context(), transaction.writing():
        labels.delete(db.session.get_one(Label, 1), by=None)
    page = admin.get(ONE)
    assert "Mado switched this rule off: This label is gone." in page.text
    assert Form(page.text, "rule-form").errors == {"actions-0-value": "This label is gone. Choose another one."}


@pytest.mark.parametrize("path", [f"{LIST}/999", f"{LIST}/{2**31}", f"{LIST}/x"])
def test_rule_that_is_not_there_is_404(admin, path):
    assert admin.get(path).status_code == 404
    # Werkzeug's own number limit answers 405 where another method has the same path.
    assert admin.post(path, data={"do": "save"}).status_code in (404, 405)


def test_deleted_rule_is_404(admin, app):
    saved(app)
    with app.app_context(), transaction.writing():
        rule = db.session.get_one(Rule, 1)
        book.delete(rule, by=db.session.get_one(Agent, 1))
    assert admin.get(ONE).status_code == 404


@pytest.mark.parametrize("most", [("blocks", 10), ("blocks-0-conditions", 20), ("actions", 20)], ids=lambda one: one[0])
def test_full_form_offers_no_more_rows(admin, app, most):
    rows = {"add": {"blocks": "add-block", "actions": "add-action"}.get(most[0], "add-condition:0")}
    page = form(admin.get(NEW))
    pages = [page := press(admin, NEW, page.sent, rows["add"]) for _ in range(most[1] - 1)]
    assert rows["add"] in pages[-2].buttons
    assert rows["add"] not in pages[-1].buttons


def test_flood_of_rows_is_cut_and_told(admin):
    sent = MultiDict((f"actions-{number}-action", "mark_spam") for number in range(900))
    answer = save(admin, NEW, sent)
    assert answer.status_code == 422
    assert "There may be 20 at most." in answer.text


# ── Time-based rules ────────────────────────────────────────────────────────────────────────────


def test_time_based_rule_has_what_it_waits_for_ready(admin, app):  # R5
    page = form(admin.get(f"{NEW}?type=existing_case"))
    answer = save(admin, NEW, page.with_(name="Late", **{"actions-0-action": "mark_spam"}))
    assert Form(answer.text, "rule-form").errors == {"wait-value": "Minutes must be a whole number from 1 to 525600."}
    sent = page.with_(name="Late", **{"wait-value": "30", "wait-condition": "minutes_since_created", "actions-0-action": "mark_spam"})
    assert save(admin, NEW, sent).status_code == 303
    assert stored(app)["blocks"] == [{"match": "all", "conditions": [clause("minutes_since_created", "at_least", 30)]}]


@pytest.mark.parametrize(
    ("blocks", "join"),
    [
        ([[("minutes_since_created", "at_least", 30), ("status", "is", "open")]], "and"),
        ([[("status", "is", "open")], [("minutes_since_agent_message", "at_least", 5)], [("taken", "is", "no")]], "and"),
        ([[("minutes_since_status_change", "at_least", 5)]], "or"),
    ],
)
def test_time_based_rule_means_the_same_out_of_its_form(admin, app, blocks, join):  # R5
    given = [{"match": "all", "conditions": [clause(*one) for one in block]} for block in blocks]
    saved(app, type="existing_case", blocks=given, join=join)
    assert save(admin, ONE, form(admin.get(ONE)).sent).status_code == 303
    asked = [tuple(one.values()) for block in stored(app)["blocks"] for one in block["conditions"]]
    assert sorted(asked, key=str) == sorted((one for block in blocks for one in block), key=str)
    assert {block["match"] for block in stored(app)["blocks"]} == {"all"}
    assert stored(app)["join"] == "and"


def test_saved_rule_that_leaves_waiting_cases_alone_leads_to_them(clock, admin, app):  # R5
    world.play(world.ToyAdapter())
    chat_in(app)
    clock.shift(timedelta(hours=1))
    sent = form(admin.get(f"{NEW}?type=existing_case")).with_(
        name="Late", **{"wait-value": "30", "wait-condition": "minutes_since_created", "actions-0-action": "mark_spam"}
    )
    answer = save(admin, NEW, sent)
    assert (answer.status_code, answer.location) == (303, f"{ONE}/runs")
    assert "One case had waited long enough before" in admin.get(answer.location).text


def test_preview_says_that_waiting_cases_are_left_alone(admin, things):  # R5
    sent = form(admin.get(f"{NEW}?type=existing_case")).with_(**{"wait-value": "30"})
    assert "the rule acts on those whose time comes later" in save(admin, NEW, sent, "preview").text


def test_rule_about_working_hours_says_that_there_are_none(admin, app):
    saved(app, blocks=[{"match": "all", "conditions": [clause("working_hours", "is", "outside")]}])
    said = "Nobody has set working hours yet"
    assert said in admin.get(ONE).text
    with app.app_context(), transaction.writing():
        hours.put(hours.Hours(), by=db.session.get_one(Agent, 1))
    assert said not in admin.get(ONE).text


def test_type_can_be_changed_back_and_forth_without_loss(admin, app):
    page = form(admin.get(f"{NEW}?type=existing_case")).with_(**{"wait-value": "45"})
    page["type"] = "new_case"
    there = press(admin, NEW, page, "refresh:type")
    back = press(admin, NEW, there.with_(type="existing_case"), "refresh:type")
    assert back.sent["wait-value"] == "45"


@pytest.mark.parametrize(
    ("type_", "offered", "withheld"),
    [
        ("new_case", "working_hours", "happened"),
        ("updated_case", "happened", "explode"),
        ("existing_case", "working_hours", "status_changed_to"),
    ],
)
def test_conditions_that_never_hold_are_not_offered(admin, type_, offered, withheld):
    page = admin.post(NEW, data={"type": type_, "do": "add-block"}).text
    assert f'<option value="{offered}"' in page
    assert f'<option value="{withheld}"' not in page


def test_without_a_type_the_form_asks_for_one(admin):
    answer = save(admin, NEW, MultiDict({"name": "A", "actions-0-action": "mark_spam"}))
    assert Form(answer.text, "rule-form").errors == {"type": "Choose when the rule acts."}


# ── Contacts ────────────────────────────────────────────────────────────────────────────────────


def test_contact_is_found_by_name_and_chosen(admin, app, things):
    at = "blocks-0-conditions-0"
    page = press(admin, NEW, form(admin.get(NEW)).with_(**{f"{at}-condition": "author"}), f"refresh:{at}")
    page = press(admin, NEW, page.with_(name="A", **{f"{at}-find": "omcha", "actions-0-action": "mark_spam"}), f"refresh:{at}")
    assert page.offered[f"{at}-value"] == ["1"]
    assert save(admin, NEW, page.with_(**{f"{at}-value": "1"})).status_code == 303
    assert stored(app)["blocks"][0]["conditions"] == [clause("author", "is", 1)]
    assert "its author is Somchai" in admin.get(ONE).text


@pytest.mark.parametrize("text", ["nobody like this", "%", "_", "' OR 1=1"])
def test_nobody_of_that_name_is_said(admin, things, text):
    at = "blocks-0-conditions-0"
    page = press(admin, NEW, form(admin.get(NEW)).with_(**{f"{at}-condition": "author"}), f"refresh:{at}")
    answer = save(admin, NEW, page.with_(**{f"{at}-find": text}), f"refresh:{at}")
    assert "Nobody of that name has written yet." in answer.text


# ── Somebody else saved it meanwhile ────────────────────────────────────────────────────────────


def test_newer_version_is_told_and_nothing_is_lost(admin, app):
    saved(app)
    mine = form(admin.get(ONE)).with_(name="Mine")
    save(admin, ONE, form(admin.get(ONE)).with_(name="Theirs", **{"actions-0-value": "closed"}))
    answer = save(admin, ONE, mine)
    assert answer.status_code == 409
    assert "Alice saved this rule while you had it open." in answer.text
    assert "in a chat channel: set status Closed." in answer.text
    assert Form(answer.text, "rule-form").sent == mine
    assert stored(app)["name"] == "Theirs"


def test_newer_version_is_saved_over_when_that_is_chosen(admin, app):
    saved(app)
    mine = form(admin.get(ONE)).with_(name="Mine")
    save(admin, ONE, form(admin.get(ONE)).with_(name="Theirs"))
    page = Form(save(admin, ONE, mine).text, "rule-form")
    (anyway,) = [one for one in page.buttons if one.startswith("save-anyway")]
    save(admin, ONE, form(admin.get(ONE)).with_(name="Still newer"))
    assert save(admin, ONE, page.sent, anyway).status_code == 409
    page = Form(save(admin, ONE, page.sent).text, "rule-form")
    (anyway,) = [one for one in page.buttons if one.startswith("save-anyway")]
    assert save(admin, ONE, page.sent, anyway).status_code == 303
    assert stored(app)["name"] == "Mine"


def test_rule_that_was_switched_off_meanwhile_is_not_switched_on_again(admin, app):
    saved(app)
    mine = form(admin.get(ONE)).sent
    with app.app_context(), transaction.writing():
        book.switch(db.session.get_one(Rule, 1), is_active=False, by=db.session.get_one(Agent, 1))
    answer = save(admin, ONE, mine)
    assert answer.status_code == 409
    assert "It is off now, and reads:" in answer.text


def test_save_that_is_pressed_twice_saves_once(admin, app):
    page = form(admin.get(NEW)).with_(name="A", **{"actions-0-action": "mark_spam", "blocks-0-conditions-0-condition": "status"})
    page = press(admin, NEW, page, "refresh").with_(**{"blocks-0-conditions-0-value": "open"})
    assert [save(admin, NEW, page).status_code for _ in range(2)] == [303, 303]
    assert count(app) == 1


def test_change_that_is_saved_twice_is_no_conflict(admin, app):
    saved(app)
    page = form(admin.get(ONE)).with_(name="B")
    assert [save(admin, ONE, page).status_code for _ in range(2)] == [303, 303]
    assert count(app) == 2


# ── Trying it ───────────────────────────────────────────────────────────────────────────────────


def test_preview_lists_the_cases_that_would_match_and_why(admin, app, things):  # R6
    chat_in(app, "refund me", who="Uyuki", name="Yuki")
    at = "blocks-0-conditions-0"
    page = press(admin, NEW, form(admin.get(NEW)).with_(**{f"{at}-condition": "latest_text"}), f"refresh:{at}")
    answer = save(admin, NEW, page.with_(**{f"{at}-value": "refund"}), "preview")
    assert answer.status_code == 200
    assert "Would match 1 of the last 2 cases." in answer.text
    assert "1 case would not match, and why" in answer.text
    matching, _, others = answer.text.partition('id="preview-others"')
    assert "Yuki" in matching and "Latest message: “refund me”" in matching
    assert "Somchai" in others and "Latest message: “My order is late”" in others
    assert count(app) == 0


def test_preview_follows_the_form_once_it_is_shown(admin, things):
    page = press(admin, NEW, form(admin.get(NEW)).sent, "remove-block:0")
    shown = save(admin, NEW, page.sent, "preview")
    assert "Would match 1 of the last 1 case." in shown.text
    followed = save(admin, NEW, Form(shown.text, "rule-form").sent, "add-action")
    assert "Would match 1 of the last 1 case." in followed.text
    unfinished = save(admin, NEW, Form(shown.text, "rule-form").sent, "add-block")
    assert "Finish the conditions first" in unfinished.text


def test_preview_of_conditions_about_a_moment_says_what_it_asks(admin, things):
    saved_blocks = [{"match": "any", "conditions": [clause("happened", "is", "note_added"), clause("working_hours", "is", "inside")]}]
    saved(admin.application, type="updated_case", blocks=saved_blocks)
    page = save(admin, ONE, form(admin.get(ONE)).sent, "preview").text
    assert "looked at as they are now" in page
    assert "counts if it ever happened to the case" in page
    assert "Working hours are asked for this moment." in page


def test_preview_names_the_authors_that_it_saw(admin, app, things):
    chat_in(app, "hi", who="Uyuki", name="Yuki")
    saved(app, blocks=[{"match": "all", "conditions": [clause("author", "is_not", 1)]}])
    page = save(admin, ONE, form(admin.get(ONE)).sent, "preview").text
    assert "Author: Yuki" in page
    assert "Author: Somchai" in page


def test_number_of_queries_does_not_grow_with_rows_and_cases(admin, app, things):
    def queries(rows: int) -> int:
        blocks = [{"match": "any", "conditions": [clause("latest_text", "contains", "x"), clause("labels", "contain_any", [1])] * rows}]
        with app.app_context(), transaction.writing():
            book.change(book.find(1), definitions.read(BASE | {"blocks": blocks, "actions": BASE["actions"] * rows}), by=None, is_active=True)
        sent = form(admin.get(ONE)).sent
        with counted(app) as statements:
            save(admin, ONE, sent, "refresh")
        return len(statements)

    saved(app)
    assert queries(1) == queries(8)

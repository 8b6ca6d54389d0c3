"""Every condition, operator, action and choice has words, and a rule reads as a sentence (R2, R3)."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from app import transaction
from app.blueprints import rule_words
from app.blueprints.rule_words import Names, phrases, values
from app.domain import contacts, labels
from app.domain.rules import actions, conditions
from app.domain.rules import values as known_values
from app.domain.rules.definitions import TYPES, Block, Clause, Definition, Step
from app.models import Agent
from tests import world
from tests.web.desk import call, chat_in, counted

NAMES = Names(
    agents={1: "Alice", 2: "Bob"},
    groups={1: "Sales"},
    labels={1: "night", 2: "vip"},
    channels={1: "Shop"},
    contacts={1: "Somchai"},
)
OPEN = Step("set_status", "open")
NIGHT = Clause("working_hours", "is", "outside")
CHAT = Clause("channel_kind", "is", "chat")
VIP = Clause("labels", "contain_any", [2])


@pytest.fixture(autouse=True)
def in_english(sqlite_app: Flask) -> Iterator[None]:
    with sqlite_app.test_request_context():
        yield


def rule(*blocks: Block, type_: str = "new_case", join: str = "and", then: tuple = (OPEN,)) -> str:
    return rule_words.sentence(Definition(type_, "A rule", join, blocks, then), NAMES)


def all_of(*clauses: Clause) -> Block:
    return Block("all", clauses)


def any_of(*clauses: Clause) -> Block:
    return Block("any", clauses)


# ── Nothing is without words ────────────────────────────────────────────────────────────────────


def test_every_condition_has_words():  # R2
    assert rule_words.CONDITIONS.keys() == conditions.CONDITIONS.keys()


@pytest.mark.parametrize("name", conditions.CONDITIONS)
def test_every_operator_and_choice_of_a_condition_has_words(name):  # R2
    words, known = rule_words.CONDITIONS[name], conditions.CONDITIONS[name]
    assert str(words.label) and str(words.hint)
    assert words.phrases.keys() >= known.operators.keys()
    assert words.choices.keys() == set(known.value.choices)
    assert [operator for operator, _ in rule_words.operator_choices(name)] == list(known.operators)


def test_every_action_has_words():  # R3: a new one gets a line in app/blueprints/rule_words/actions.py
    assert rule_words.ACTIONS.keys() == actions.ACTIONS.keys()


@pytest.mark.parametrize("name", actions.ACTIONS)
def test_every_choice_of_an_action_has_words(name):  # R3
    words, kind = rule_words.ACTIONS[name], actions.ACTIONS[name].value
    assert str(words.label) and str(words.hint)
    assert words.choices.keys() == set(kind.choices if kind else ())


def test_every_kind_of_value_can_be_said():
    kinds = [one.value for one in (*conditions.CONDITIONS.values(), *actions.ACTIONS.values())]
    unknown = {kind.name for kind in kinds if kind and not kind.choices} - values.SAY.keys()
    assert unknown == set(), "give each a line in app/blueprints/rule_words/values.py"


def test_every_part_of_a_notification_has_words():
    assert tuple(values.NOTIFIED) == known_values.NOTIFIED
    assert tuple(values.WAYS) == known_values.WAYS


def test_every_type_has_words():  # R1
    assert tuple(rule_words.TYPES) == TYPES


def test_select_boxes_hold_everything_once():
    offered = [name for _, rows in rule_words.condition_choices() for name, _ in rows]
    ordered = [name for _, rows in rule_words.action_choices() for name, _ in rows]
    assert sorted(offered) == sorted(conditions.CONDITIONS)
    assert sorted(ordered) == sorted(actions.ACTIONS)


# ── Parts ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("condition", "operator", "value", "said"),
    [
        ("channel_kind", "is", "mail_like", "it is in a mail-like channel"),
        ("channel_kind", "is_not", "chat", "it is not in a chat channel"),
        ("channel", "is", 1, "it is in the channel Shop"),
        ("channel", "is_not", "1", "it is not in the channel Shop"),
        ("channel", "is", 9, "it is in the channel a deleted channel"),
        ("conversation_kind", "is", "one_to_one", "it is a conversation with one person"),
        ("conversation_kind", "is_not", "group", "it is not a group conversation"),
        ("group", "is", 1, "it belongs to the group Sales"),
        ("group", "is_not", 1, "it does not belong to the group Sales"),
        ("group", "is", None, "it belongs to no group"),
        ("group", "is_not", None, "it belongs to a group"),
        ("assignee", "is", 2, "it is assigned to Bob"),
        ("assignee", "is", "nobody", "it is assigned to nobody"),
        ("assignee", "is_not", None, "it is assigned to somebody"),
        ("assignee", "is", "", "it is assigned to …"),
        ("taken", "is", "yes", "an agent has taken it"),
        ("taken", "is", "no", "no agent has taken it"),
        ("status", "is", "open", "its status is Open"),
        ("status", "is_not", "closed", "its status is not Closed"),
        ("priority", "at_least", "high", "its priority is at least High"),
        ("labels", "contain_all", [1], "it has the label night"),
        ("labels", "contain_all", [1, 2], "it has the labels night and vip"),
        ("labels", "contain_any", [1, 2], "it has any of the labels night or vip"),
        ("labels", "contain_none", [2], "it does not have the label vip"),
        ("labels", "contain_none", ["1", "2"], "it has none of the labels night or vip"),
        ("author", "is", 1, "its author is Somchai"),
        ("author_name", "contains", "ltd", "the author's name contains “ltd”"),
        ("author_language", "is", "th", "the author's language is “th”"),
        ("author_is_new", "is", "yes", "it is its author's first case"),
        ("author_is_new", "is", "no", "its author has written before"),
        ("subject", "starts_with", "Re:", "the subject starts with “Re:”"),
        ("latest_text", "has_any_word", "refund, late", "the latest message contains any of the words “refund, late”"),
        ("latest_text", "is", "hi", "the latest message is exactly “hi”"),
        ("any_text", "contains", "100 %", "any message contains “100 %”"),
        ("any_text", "contains_not", "hi", "no message contains “hi”"),
        ("latest_sender", "is", "agent", "an agent wrote last"),
        ("happened", "is", "note_added", "a note was added"),
        ("status_changed_from", "is", "closed", "its status changed from Closed"),
        ("status_changed_to", "is", "open", "its status changed to Open"),
        ("working_hours", "is", "outside", "it is outside working hours"),
        ("minutes_since_created", "less_than", 90, "it was created less than 90 minutes ago"),
        ("minutes_since_contact_message", "at_least", "120", "the contact wrote last at least 2 hours ago"),
        ("minutes_since_agent_message", "less_than", 1, "an agent replied less than 1 minute ago"),
        ("minutes_since_status_change", "at_least", 1440, "its status has not changed for 1 day"),
        ("chat_state", "is", "ended", "it is an ended chat"),
        ("chat_state", "is_not", "none", "it is a chat"),
    ],
)  # fmt: skip
def test_condition_reads_as_part_of_a_sentence(condition, operator, value, said):  # R2
    assert rule_words.clause(Clause(condition, operator, value), NAMES) == said


@pytest.mark.parametrize(
    ("action", "value", "said"),
    [
        ("end_chat_and_set_status", "pending", "end the chat and set status Pending"),
        ("set_status", "closed", "set status Closed"),
        ("set_priority", "urgent", "set priority Urgent"),
        ("assign_to", "agent:2", "assign it to Bob"),
        ("assign_to", "group:1", "assign it to the group Sales"),
        ("assign_to", "least_busy", "assign it to the least busy agent who is available"),
        ("assign_to", "nobody", "assign it to nobody"),
        ("take_for", 2, "take the chat for Bob"),
        ("add_labels", [1], "add label night"),
        ("add_labels", ["1", "2"], "add labels night and vip"),
        ("remove_labels", [9], "remove label a deleted label"),
        ("set_subject", "From {contact.name}", "set the subject to “From {contact.name}”"),
        ("send_message", "We are\n\nclosed.", "send the contact “We are closed.”"),
        ("add_note", "x" * 80, f"add the note “{'x' * 59}…”"),
        ("notify_agents", {"to": ["assignee", "group:1"], "by": ["app", "email"], "text": "Look"}, "notify the assignee and the group Sales in Mado and by email with “Look”"),
        ("notify_agents", {"to": ["all"], "by": ["app"]}, "notify everybody who may see the case in Mado with …"),
        ("notify_agents", "", "notify … in Mado with …"),
        ("call_webhook", "https://example.com/hook", "call the webhook https://example.com/…"),
        ("mark_spam", None, "mark it as spam"),
        ("stop_further_rules", None, "stop further rules"),
    ],
)  # fmt: skip
def test_action_reads_as_part_of_a_sentence(action, value, said):  # R3
    assert rule_words.step(Step(action, value), NAMES) == said


@pytest.mark.parametrize(
    ("condition", "saw", "said"),
    [
        ("status", "open", "Open"),
        ("assignee", None, "nobody"),
        ("assignee", 2, "Bob"),
        ("group", None, "no group"),
        ("labels", [], "no labels"),
        ("labels", [1, 2], "night, vip"),
        ("happened", [], "nothing"),
        ("happened", ["agent_replied", "status_changed"], "Agent replied, Status changed"),
        ("latest_text", "", "no text"),
        ("any_text", ["a", "b", "c", "d"], "“a”, “b”, “c”, …"),
        ("minutes_since_created", 0, "0 minutes"),
        ("minutes_since_agent_message", None, "nothing yet"),
        ("status_changed_to", None, "no change"),
    ],
)
def test_what_a_condition_saw_has_words(condition, saw, said):  # R6
    assert rule_words.seen(condition, saw, NAMES) == said


# ── Sentences ───────────────────────────────────────────────────────────────────────────────────


def test_rule_reads_as_a_sentence():
    said = rule(
        all_of(CHAT, NIGHT), then=(Step("end_chat_and_set_status", "open"), Step("add_labels", [1]))
    )
    assert said == (
        "When a new case arrives in a chat channel and it is outside working hours: "
        "end the chat and set status Open, then add label night."
    )


@pytest.mark.parametrize(
    ("type_", "clause", "begins"),
    [
        ("new_case", VIP, "When a new case arrives and it has the label vip:"),
        ("new_case", Clause("channel", "is", 1), "When a new case arrives in the channel Shop:"),
        ("updated_case", VIP, "When something happens to a case and it has the label vip:"),
        ("updated_case", Clause("happened", "is", "contact_replied"), "When a contact replies in a case:"),
        ("updated_case", Clause("status_changed_to", "is", "closed"), "When the status of a case changes to Closed:"),
        ("existing_case", Clause("minutes_since_created", "at_least", 30), "When a case was created 30 minutes ago:"),
        ("existing_case", Clause("minutes_since_contact_message", "at_least", 60), "When a contact has written nothing in a case for 1 hour:"),
        ("existing_case", Clause("minutes_since_status_change", "at_least", 2880), "When the status of a case has not changed for 2 days:"),
        ("existing_case", VIP, "When a case has waited … minutes and it has the label vip:"),
    ],
)  # fmt: skip
def test_each_type_begins_with_what_makes_it_act(type_, clause, begins):  # R1
    assert rule(all_of(clause), type_=type_).startswith(begins)


@pytest.mark.parametrize(
    ("join", "blocks", "begins"),
    [
        ("and", (), "When a new case arrives:"),
        ("and", (all_of(CHAT), any_of(NIGHT, VIP)), "When a new case arrives in a chat channel and (it is outside working hours or it has the label vip):"),
        ("and", (any_of(CHAT, NIGHT),), "When a new case arrives and (it is in a chat channel or it is outside working hours):"),
        ("or", (all_of(CHAT, NIGHT), all_of(VIP)), "When a new case arrives and either (it is in a chat channel and it is outside working hours) or it has the label vip:"),
        ("or", (any_of(CHAT, NIGHT), all_of(CHAT, VIP)), "When a new case arrives and either (it is in a chat channel or it is outside working hours) or (it is in a chat channel and it has the label vip):"),
        ("or", (all_of(CHAT, NIGHT),), "When a new case arrives in a chat channel and it is outside working hours:"),
        ("and", (all_of(CHAT, NIGHT, VIP),), "When a new case arrives in a chat channel, it is outside working hours, and it has the label vip:"),
    ],
)  # fmt: skip
def test_blocks_are_joined_so_that_nothing_is_ambiguous(join, blocks, begins):  # R2
    assert rule(*blocks, join=join).startswith(begins)


@pytest.mark.parametrize(
    ("blocks", "then", "said"),
    [
        ((), (), "When a new case arrives: … (choose an action)."),
        ((all_of(),), (OPEN,), "When a new case arrives and … (choose a condition): set status Open."),
        ((all_of(Clause("", "", None)),), (Step("", None),), "When a new case arrives and … (choose a condition): … (choose an action)."),
        ((all_of(Clause("channel_kind", "is", None)),), (Step("send_message", " "),), "When a new case arrives and kind of channel is …: send the contact …"),
        ((all_of(Clause("labels", "contain_any", [])),), (Step("assign_to", ""),), "When a new case arrives and it has the label …: assign it to …"),
    ],
)  # fmt: skip
def test_what_is_missing_yet_is_told(blocks, then, said):
    assert rule(*blocks, then=then) == said


def test_rule_without_a_type_says_so():
    assert rule(type_="").startswith("When … (choose when):")


# ── Names ───────────────────────────────────────────────────────────────────────────────────────


def author_is(contact_id: Any) -> Definition:
    return Definition("new_case", "", "and", (all_of(Clause("author", "is", contact_id)),), ())


def test_names_take_a_fixed_number_of_queries(app: Flask, alice: Agent, bob: Agent):
    world.play(world.ToyAdapter())
    call(chat_in(app), "Somchai")
    chat_in(app, who="Uyuki")
    with app.app_context():
        with transaction.writing():
            labels.create("night", by=None)
        with counted(app) as statements:
            names = rule_words.names_of([author_is(1), author_is("2")])
    assert len(statements) == 5
    assert list(names.agents.values()) == ["Alice", "Bob"]
    assert list(names.labels.values()) == ["night"]
    assert names.contacts == {1: "Somchai", 2: "Uyuki"}


def test_nobody_is_looked_up_without_being_asked_for(app: Flask):
    with app.app_context(), counted(app) as statements:
        assert contacts.names([]) == {}
    assert statements == []


def test_choices_keep_their_order():
    assert phrases.grouped([("A", "1", "one"), ("B", "2", "two"), ("A", "3", "three")]) == [
        ("A", [("1", "one"), ("3", "three")]),
        ("B", [("2", "two")]),
    ]

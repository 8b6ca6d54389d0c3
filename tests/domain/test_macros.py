"""Macros: what they may be, whose they are, and what applying one does (R8)."""

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app import transaction
from app.domain import chats, chosen_steps, drafts, labels, macros, messages
from app.domain.agents import Refused
from app.domain.chosen_steps import Chosen
from app.domain.rules.definitions import Invalid
from app.extensions import db
from app.models import Agent, Case, Channel, Event, Macro, Message
from tests.domain.rules.conftest import again, rule
from tests.world import ToyAdapter, chat_of, connected, play, receive, said, texts

Steps = list[tuple[str, Any]]


@pytest.fixture
def channel(app: Flask) -> Channel:
    play(ToyAdapter())
    return connected("toy")


@pytest.fixture
def case(channel) -> Case:
    return chat_of(channel)


def macro(by: Agent, *, then: Steps = (), text: str = "", shared: bool = False, name: str = "Refund") -> Macro:
    """A saved macro."""
    actions = [{"action": action, "value": value} for action, value in then]
    given = {"name": name, "text": text, "shared": shared, "actions": actions}
    with transaction.writing():
        by = db.session.get_one(Agent, by.id)
        return macros.add(macros.read(given, by=by), by=by)


def errors_of(by: Agent, **given: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as refusal:
        macros.read({"name": "Refund", "text": "Done"} | given, by=by)
    return refusal.value.errors


def apply(case: Case, chosen: list[Chosen], by: Agent, **more: Any) -> list[str]:
    marks = [one.mark for one in chosen]
    with transaction.writing():
        by = db.session.get_one(Agent, by.id)
        return chosen_steps.apply(again(case), chosen_steps.checked(marks, by=by), by=by, **more)


def done(case: Case, by: Agent, *then: tuple[str, Any], **more: Any) -> list[str]:
    """A macro with these actions was made and applied; what it did not do."""
    return apply(case, chosen_steps.of(macro(by, then=list(then))), by, **more)


def events_of(case: Case, type_: str) -> list[tuple[int | None, dict[str, Any]]]:
    query = select(Event).where(Event.case_id == case.id, Event.type == type_).order_by(Event.id)
    return [(event.agent_id, json.loads(event.data)) for event in db.session.scalars(query)]


# ── What one may be ─────────────────────────────────────────────────────────────────────────


def test_text_or_actions_are_enough(bob):
    assert macros.read({"name": "Hello", "text": "Hello!"}, by=bob).steps == ()
    given = {"name": "Spam", "actions": [{"action": "mark_spam", "value": None}]}
    assert macros.read(given, by=bob).text == ""


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"text": 7}, "text"),
        ({"text": "x" * 5001}, "text"),
        ({"text": " \n"}, "text"),
        ({"actions": "all"}, "actions"),
        ({"actions": [{"action": "explode"}]}, "actions[0].action"),
        ({"actions": [{"action": "stop_further_rules"}]}, "actions[0].action"),
        ({"actions": [{"action": "set_status", "value": "gone"}]}, "actions[0].value"),
        ({"actions": [{"action": "add_labels", "value": [999]}]}, "actions[0].value"),
        ({"shared": "yes"}, "shared"),
        ({"shared": True}, "shared"),
    ],
)
def test_mistake_is_named_by_its_place(bob, given, place):
    assert set(errors_of(bob, **given)) == {place}


def test_there_are_never_more_than_one_can_be_given_to_search(bob, monkeypatch):
    monkeypatch.setattr(macros, "MOST", 1)
    macro(bob, text="one")
    with pytest.raises(Refused, match="1 macros"):
        macro(bob, text="two")


# ── Whose it is ─────────────────────────────────────────────────────────────────────────────


def test_own_macros_come_first_then_shared_ones_and_nobody_elses(alice, bob, charlie):
    macro(alice, text="x", shared=True, name="apology")
    macro(charlie, text="x", name="Charlie's")
    macro(bob, text="x", name="Zeppelin")
    macro(bob, text="x", name="refund")
    assert [one.name for one in macros.listed(bob)] == ["refund", "Zeppelin", "apology"]


def test_somebody_elses_macro_is_not_there(bob, charlie):
    theirs = macro(charlie, text="x", then=[("set_status", "pending")])
    assert macros.find(theirs.id, bob) is None
    with pytest.raises(Refused):
        chosen_steps.checked([chosen_steps.of(theirs)[0].mark], by=bob)


def test_shared_ones_are_the_admins_to_change(alice, bob):
    shared, own = macro(alice, text="x", shared=True), macro(bob, text="x")
    assert [macros.may_change(shared, one) for one in (alice, bob)] == [True, False]
    assert [macros.may_change(own, one) for one in (alice, bob)] == [False, True]


def test_deleted_macro_is_gone_and_can_be_put_back_by_whose_it_is(bob, charlie):
    one = macro(bob, text="x")
    with transaction.writing():
        macros.delete(db.session.get_one(Macro, one.id), by=bob)
    assert macros.listed(bob) == []
    with pytest.raises(Refused):
        macros.put_back(one.id, by=charlie)
    with transaction.writing():
        macros.put_back(one.id, by=bob)
    assert len(macros.listed(bob)) == 1


# ── Its text ────────────────────────────────────────────────────────────────────────────────


def test_names_and_number_are_put_in_and_other_braces_stay(case, bob):  # R8, T21
    one = macro(bob, text="{agent.name}, #{case.number}: {{7*7}} {contact.name.__class__}")
    filled = macros.filled(one, case, by=bob)
    assert filled == f"Bob, #{case.number}: {{{{7*7}}}} {{contact.name.__class__}}"


# ── Applying ────────────────────────────────────────────────────────────────────────────────


def test_actions_are_done_by_the_agent_and_no_rule(case, bob):
    with transaction.writing():
        refund = labels.create("refund", by=None)
    notes = done(case, bob, ("set_status", "pending"), ("add_labels", [refund.id]), ("set_priority", "high"))
    changed = again(case)
    assert notes == []
    assert (changed.status, changed.priority) == ("pending", "high")
    assert [label.name for label in changed.labels] == ["refund"]
    assert events_of(case, "case.status_changed") == [
        (bob.id, {"old": "open", "new": "pending", "cause": "agent"})
    ]
    assert [agent for agent, _ in events_of(case, "case.label_changed")] == [bob.id]
    assert events_of(case, "macro.applied")[0][1]["name"] == "Refund"


def test_chat_that_a_macro_ended_was_ended_by_the_agent(case, bob):  # S24
    assert done(case, bob, ("end_chat_and_set_status", "closed")) == []
    ((by, facts),) = events_of(case, "chat.ended")
    assert (by, facts["cause"]) == (bob.id, "agent")


def test_no_chat_is_ended_over_a_message_that_the_page_had_not_shown(channel, case, bob):  # S17
    seen = case.last_message_id
    receive(channel, said("one more thing"))
    (note,) = done(case, bob, ("end_chat_and_set_status", "closed"), last_seen=seen)
    assert "just wrote" in note
    assert again(case).is_active_chat


def test_what_does_not_apply_is_told_and_the_rest_is_done(case, bob):
    with transaction.writing():
        chats.end(again(case), "open", by=bob)
    notes = done(case, bob, ("end_chat_and_set_status", "closed"), ("set_status", "pending"))
    assert notes == ["This is no active chat, so nothing was ended."]
    assert again(case).status == "pending"


def test_action_that_is_refused_leaves_the_others_alone(bob, charlie, case):
    sales = db.session.get_one(Agent, bob.id).groups[0]
    notes = done(
        case, bob, ("assign_to", f"group:{sales.id}"), ("assign_to", f"agent:{charlie.id}"), ("set_priority", "low")
    )
    assert len(notes) == 1 and "can't see the case" in notes[0]
    assert (again(case).group_id, again(case).assignee_id, case.priority) == (sales.id, None, "low")


def test_message_and_note_of_a_macro_are_the_agents(case, bob):
    assert done(case, bob, ("send_message", "Hello from {agent.name}"), ("add_note", "#{case.number}")) == []
    written = db.session.scalars(select(Message).order_by(Message.id)).all()[1:]
    assert [(one.direction, one.agent_id, one.is_automatic) for one in written] == [
        ("out", bob.id, False), ("note", bob.id, False),
    ]  # fmt: skip
    assert texts(case)[1:] == ["Hello from Bob", f"#{case.number}"]
    assert again(case).taken_by_id == bob.id


def test_chat_is_taken_by_oneself_or_given_to_a_colleague(case, alice, bob):
    assert done(case, bob, ("take_for", bob.id)) == []
    assert events_of(case, "chat.taken")[0][0] == bob.id
    assert done(case, bob, ("take_for", alice.id)) == []
    assert events_of(case, "chat.handed_over")[0][0] == bob.id
    assert done(case, bob, ("take_for", bob.id)) == []
    assert again(case).taken_by_id == bob.id


def test_spam_is_marked_by_the_agent(case, bob):
    assert done(case, bob, ("mark_spam", None)) == []
    assert again(case).is_spam and again(case).chat_state == "ended"
    assert events_of(case, "case.marked_spam")[0][0] == bob.id


def test_one_press_applies_once(case, bob):  # U5
    chosen = chosen_steps.of(macro(bob, then=[("add_note", "once")]))
    apply(case, chosen, bob, key="k1")
    apply(case, chosen, bob, key="k1")
    assert texts(case).count("once") == 1
    apply(case, chosen, bob, key="k2")
    assert texts(case).count("once") == 2


def test_address_is_called_for_agents_only_by_what_an_admin_wrote(alice, bob, case):
    call = [("call_webhook", "https://example.com/hook")]
    assert set(errors_of(bob, actions=[{"action": "call_webhook", "value": "https://example.com/"}])) == {"actions[0].action"}
    assert apply(case, chosen_steps.of(macro(alice, then=call, shared=True)), bob) == []
    assert [by for by, _ in events_of(case, "webhook.queued")] == [bob.id]
    was_admin = macro(alice, then=call)
    with transaction.writing():
        db.session.get_one(Agent, alice.id).role = "agent"
    assert apply(case, chosen_steps.of(was_admin), alice) == [macros.ADMINS_ONLY]


def test_colleagues_are_notified_by_the_agent(alice, bob, case):
    told = {"to": [f"agent:{alice.id}"], "by": ["app"], "text": "#{case.number}, please"}
    assert done(case, bob, ("notify_agents", told)) == []
    assert [by for by, _ in events_of(case, "notification.added")] == [bob.id]


def test_updated_case_rules_run_once_on_all_that_a_macro_did(case, bob):  # R5a
    rule("updated_case", ("happened", "is", "status_changed"), then=[("add_note", "seen")])
    done(case, bob, ("set_status", "pending"), ("set_priority", "high"), ("add_note", "mine"))
    assert texts(case)[1:] == ["mine", "seen"]


def test_what_a_macro_refers_to_is_gone_says_so_and_the_rest_is_done(case, bob):
    with transaction.writing():
        refund = labels.create("refund", by=None)
    one = macro(bob, then=[("add_labels", [refund.id]), ("set_status", "pending")])
    with transaction.writing():
        labels.delete(labels.find(refund.id), by=bob)
    chosen = chosen_steps.of(db.session.get_one(Macro, one.id))
    assert [step.problem for step in chosen] == ["This label is gone. Choose another one.", ""]
    assert apply(case, chosen, bob) == ["This label is gone. Choose another one."]
    assert again(case).status == "pending"


# ── What waits in a composer ────────────────────────────────────────────────────────────────


def test_only_what_was_shown_is_done(case, bob):
    one = macro(bob, then=[("set_status", "pending"), ("add_note", "kept")])
    marks = [step.mark for step in chosen_steps.of(one)]
    changed = {"name": "Refund", "actions": [{"action": "set_status", "value": "closed"}, {"action": "add_note", "value": "kept"}]}
    with transaction.writing():
        macros.change(db.session.get_one(Macro, one.id), macros.read(changed, by=bob), by=bob)
    with pytest.raises(Refused, match="changed or deleted"):
        chosen_steps.checked(marks, by=bob)
    assert [step.mark for step in chosen_steps.still(marks, by=bob)] == marks[1:]


@pytest.mark.parametrize("mark", ["", "x", "1-0", "1-0-zzzzzzzz", "9999999999-0-00000000", "99999999999-0-00000000", "1-0-00000000 "])
def test_mark_that_means_nothing_is_refused(bob, mark):
    with pytest.raises(Refused):
        chosen_steps.checked([mark], by=bob)


def test_draft_keeps_actions_without_a_text_and_goes_with_the_message(case, bob):  # U2
    with transaction.writing():
        drafts.keep(case, " ", is_note=False, steps=["1-0-00000000"], by=bob)
    assert drafts.of(case, bob).steps == "1-0-00000000"
    with transaction.writing():
        drafts.keep(case, " ", is_note=False, by=bob)
    assert drafts.of(case, bob) is None
    with transaction.writing():
        drafts.keep(case, "Hi", is_note=False, steps=["1-0-00000000"], by=bob)
        messages.add_reply(again(case), "Hi", by=bob, key=None)
    assert drafts.of(case, bob) is None

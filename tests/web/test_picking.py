"""Macros in the composer over HTTP: the list, what waits, and what sending does with it (R8, H6)."""

import re
from typing import Any

import pytest

from app import transaction
from app.domain import agents, chosen_steps, labels, macros
from app.extensions import db
from app.models import Agent, Label, Macro
from tests.web import desk
from tests.web.desk import act, case_of, chat_in, ended, fragment, messages_of
from tests.world import ToyAdapter, play

Steps = list[tuple[str, Any]]
PENDING = [("set_status", "pending")]


@pytest.fixture
def toy(app) -> ToyAdapter:
    return play(ToyAdapter())


@pytest.fixture
def number(app, toy) -> int:
    return chat_in(app, name="Somchai")


@pytest.fixture
def bobs(client, sign_in, bob):
    return sign_in(client, bob)


def macro(app, by: Agent, *, then: Steps = (), text: str = "", shared: bool = False, name: str = "Refund") -> list[str]:
    """A saved macro; the marks of its actions."""
    actions = [{"action": action, "value": value} for action, value in then]
    given = {"name": name, "text": text, "shared": shared, "actions": actions}
    with app.app_context(), transaction.writing():
        by = db.session.get_one(Agent, by.id)
        made = macros.add(macros.read(given, by=by), by=by)
        return [one.mark for one in chosen_steps.of(made)]


def label(app, name: str) -> int:
    with app.app_context(), transaction.writing():
        return labels.create(name, by=None).id


def options(page: str) -> list[str]:
    return re.findall(r'role="option" id="(macro-\d+)"', page)


# ── The list ────────────────────────────────────────────────────────────────────────────────


def test_list_has_the_texts_for_this_case_and_what_is_done_besides(app, bobs, number, bob):
    macro(app, bob, text="Hello {contact.name}, {agent.name}", then=PENDING)
    page = fragment(bobs, f"/cases/{number}/macros").text
    assert 'data-text="Hello Somchai, Bob"' in page
    assert "set status Pending" in page
    assert bobs.get(f"/cases/{number}/macros").status_code == 303


def test_list_is_ones_own_and_the_shared_ones(app, bobs, number, alice, bob, charlie):
    macro(app, alice, text="x", shared=True, name="Everybody's")
    macro(app, charlie, text="x", name="Charlie's")
    macro(app, bob, text="x", name="Mine")
    page = fragment(bobs, f"/cases/{number}/macros").text
    assert re.findall(r"<bdi>(.+?)</bdi>", page) == ["Mine", "Everybody&#39;s"]


def test_list_costs_the_same_however_many_macros_there_are(app, bobs, number, alice, bob):
    one, other = label(app, "one"), label(app, "other")
    then = [("add_labels", [one]), ("assign_to", f"agent:{alice.id}"), ("take_for", bob.id)]
    macro(app, bob, text="x", then=then)
    with desk.counted(app) as few:
        fragment(bobs, f"/cases/{number}/macros")
    macro(app, bob, text="y", then=[("add_labels", [one, other]), *then])
    macro(app, alice, text="z", then=[("remove_labels", [other]), *then], shared=True)
    with desk.counted(app) as many:
        assert len(options(fragment(bobs, f"/cases/{number}/macros").text)) == 3
    assert len(many) == len(few)


def test_hostile_macro_is_only_text(app, bobs, number, bob):  # T4, T21
    macro(app, bob, name='"><img src=x>', text='"><script>{{7*7}}</script>')
    page = fragment(bobs, f"/cases/{number}/macros").text
    assert "<img" not in page and "<script" not in page
    assert "{{7*7}}" in page


def test_action_that_refers_to_what_is_gone_is_off_and_says_so(app, bobs, number, bob):
    macro(app, bob, text="x", then=[("add_labels", [label(app, "refund")])])
    with app.app_context(), transaction.writing():
        labels.delete(db.session.query(Label).one(), by=bob)
    page = fragment(bobs, f"/cases/{number}/macros").text
    assert "This label is gone." in page
    assert "disabled" in page and "checked" not in page


# ── Sending ─────────────────────────────────────────────────────────────────────────────────


def test_text_goes_and_what_waits_is_done_with_it(app, bobs, number, bob):
    refund = label(app, "refund")
    marks = macro(app, bob, text="x", then=[*PENDING, ("add_labels", [refund])])
    answer = act(bobs, f"/cases/{number}/messages", text="On its way", step=marks, key="k")
    assert answer.status_code == 204
    assert messages_of(app, number)[-1] == ("out", "On its way")
    case = case_of(app, number)
    assert (case.status, case.taken_by_id) == ("pending", bob.id)


def test_step_that_was_unticked_is_left_out(app, bobs, number, bob):
    marks = macro(app, bob, text="x", then=[*PENDING, ("set_priority", "high")])
    act(bobs, f"/cases/{number}/messages", text="Hi", step=marks[1:])
    case = case_of(app, number)
    assert (case.status, case.priority) == ("open", "high")


def test_without_a_text_it_is_applied_and_nothing_is_sent(app, bobs, number, bob):
    marks = macro(app, bob, then=PENDING)
    assert act(bobs, f"/cases/{number}/messages", text=" ", step=marks).status_code == 204
    assert len(messages_of(app, number)) == 1
    case = case_of(app, number)
    assert (case.status, case.taken_by_id) == ("pending", None)


def test_one_press_does_it_once(app, bobs, number, bob):  # U5
    marks = macro(app, bob, then=[("add_note", "once")])
    send = {"text": "", "step": marks, "key": "k"}
    answers = [act(bobs, f"/cases/{number}/messages", **send) for _ in "12"]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert messages_of(app, number)[1:] == [("note", "once")]


def test_what_did_not_apply_is_told_in_a_toast(app, bobs, number, bob):
    ended(app, number)
    marks = macro(app, bob, then=[("end_chat_and_set_status", "closed")])
    answer = act(bobs, f"/cases/{number}/messages", text="", step=marks)
    assert answer.status_code == 200
    assert "data-toast" in answer.text and "This is no active chat" in answer.text


def test_chat_that_it_ended_leads_to_chats(app, bobs, number, bob):
    marks = macro(app, bob, text="x", then=[("end_chat_and_set_status", "closed")])
    answer = act(bobs, f"/cases/{number}/messages", text="Bye", step=marks, last_seen=10**6)
    assert answer.headers["HX-Redirect"] == "/chats"
    assert "has ended: closed" in bobs.get("/chats").text
    assert case_of(app, number).chat_state == "ended"


def test_no_chat_is_ended_by_who_does_not_say_what_the_page_had_shown(app, bobs, number, bob):  # S17
    marks = macro(app, bob, text="x", then=[("end_chat_and_set_status", "closed")])
    assert "Somchai just wrote" in act(bobs, f"/cases/{number}/messages", text="Bye", step=marks).text
    assert case_of(app, number).chat_state == "active"


def test_no_chat_is_ended_over_what_the_page_had_not_shown(app, bobs, number, bob):  # S17
    seen = case_of(app, number).last_message_id
    desk.says(app, number, "wait")
    marks = macro(app, bob, text="x", then=[("end_chat_and_set_status", "closed")])
    answer = act(bobs, f"/cases/{number}/messages", text="Bye", step=marks, last_seen=seen)
    assert "Somchai just wrote" in answer.text
    assert case_of(app, number).chat_state == "active"
    assert messages_of(app, number)[-1] == ("out", "Bye")


def test_case_that_it_gave_to_a_group_of_others_is_left(app, bobs, number, bob):
    with app.app_context(), transaction.writing():
        support = agents.create_group("Support").id
    marks = macro(app, bob, then=[("assign_to", f"group:{support}")])
    answer = act(bobs, f"/cases/{number}/messages", text="", step=marks)
    assert answer.headers["HX-Redirect"] == "/cases"


def test_macro_that_changed_meanwhile_sends_nothing(app, bobs, number, bob):
    marks = macro(app, bob, text="x", then=PENDING)
    with app.app_context(), transaction.writing():
        macros.delete(db.session.query(Macro).one(), by=bob)
    answer = act(bobs, f"/cases/{number}/messages", text="Hi", step=marks)
    assert answer.status_code == 422
    assert "changed or deleted meanwhile" in answer.text
    assert len(messages_of(app, number)) == 1


def test_somebody_elses_macro_is_not_mine_to_use(app, bobs, number, charlie):  # T11
    marks = macro(app, charlie, text="x", then=PENDING)
    assert act(bobs, f"/cases/{number}/messages", text="", step=marks).status_code == 422
    assert case_of(app, number).status == "open"


# ── Drafts, and without a script ────────────────────────────────────────────────────────────


def test_what_waits_is_there_again_with_the_draft(app, bobs, number, bob):  # U2
    marks = macro(app, bob, text="x", then=[*PENDING, ("set_priority", "high")])
    act(bobs, f"/cases/{number}/draft", text="Not yet", mode="reply", step=marks[0])
    page = bobs.get(f"/chats/{number}").text
    assert f'value="{marks[0]}" checked' in page
    assert marks[1] not in page
    act(bobs, f"/cases/{number}/messages", text="Now", step=marks[0])
    assert marks[0] not in bobs.get(f"/chats/{number}").text


def test_without_a_script_a_macro_is_picked_into_the_draft(app, bobs, number, bob):
    marks = macro(app, bob, text="Hello {contact.name}", then=PENDING)
    page = bobs.get(f"/chats/{number}").text
    (macro_id,) = re.findall(r'<option value="(\d+)">Refund</option>', page)
    typed = {"text": "First.", "mode": "reply", "macro_id": macro_id}
    answer = bobs.post(f"/cases/{number}/macros", data=typed)
    assert (answer.status_code, answer.location) == (303, f"/chats/{number}")
    page = bobs.get(f"/chats/{number}").text
    assert "First.\nHello Somchai</textarea>" in page
    assert f'value="{marks[0]}" checked' in page


def test_without_a_script_choosing_none_loses_nothing(bobs, number):
    bobs.post(f"/cases/{number}/macros", data={"text": "Mine", "macro_id": ""})
    page = bobs.get(f"/chats/{number}").text
    assert "Mine</textarea>" in page and "Choose a macro first." in page


def test_without_a_script_what_did_not_apply_is_told_on_the_next_page(app, bobs, number, bob):
    ended(app, number)
    marks = macro(app, bob, then=[("end_chat_and_set_status", "closed")])
    answer = bobs.post(f"/cases/{number}/messages", data={"text": "", "step": marks})
    assert "This is no active chat" in bobs.get(answer.location).text


def test_history_tells_which_macro_was_used(app, bobs, number, bob):
    act(bobs, f"/cases/{number}/messages", text="", step=macro(app, bob, then=PENDING))
    assert "Used the macro “Refund”." in bobs.get(f"/cases/{number}/history").text

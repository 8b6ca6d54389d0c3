"""Rules run once over a case, in order, inside the transaction of what happened (R4, R5a)."""

import json

import pytest
from flask import Flask
from sqlalchemy import select

from app import transaction
from app.clock import now
from app.domain import access, cases, chat_lists, chats, events, labels, messages
from app.domain.rules import book, explain
from app.domain.rules.conditions import CONDITIONS
from app.domain.rules.situations import Happened, Situation
from app.extensions import db
from app.models import Agent, Case, Event, Message, RulePass, RuleRun
from tests.domain.rules.conftest import again, rule
from tests.world import chat_of, count, receive, said

pytestmark = pytest.mark.usefixtures("channel")
END_OPEN = [("end_chat_and_set_status", "open")]


def event_types(case: Case) -> list[str]:
    return list(db.session.scalars(select(Event.type).where(Event.case_id == case.id)))


def label(name: str) -> int:
    with transaction.writing():
        return labels.create(name, by=None).id


def names_on(case: Case) -> list[str]:
    return [one.name for one in labels.of_case(case)]


def last_steps(case: Case) -> list[dict]:
    newest = select(RulePass.steps).where(RulePass.case_id == case.id).order_by(RulePass.id.desc())
    return json.loads(db.session.scalars(newest.limit(1)).one())


def reactivated_by_another(channel) -> Case:
    """A group's case that ended, and in which somebody else than its author wrote then."""
    group = {"conversation_kind": "group", "conversation_id": "Cmove"}
    receive(channel, said("hello", who="Uanna", **group))
    case = db.session.scalars(select(Case)).one()
    with transaction.writing():
        chats.end(case, "open", by=None)
    receive(channel, said("me too", who="Uben", **group))
    return again(case)


def test_new_case_rule_ends_the_chat_before_anybody_sees_it(channel):  # S22
    rule("new_case", ("channel_kind", "is", "chat"), then=END_OPEN)
    case = chat_of(channel)

    assert (case.chat_state, case.status) == ("ended", "open")
    assert chat_lists.incoming(access.EVERYTHING) == []
    assert [one.id for one in cases.listed(access.EVERYTHING).cases] == [case.id]
    ended = db.session.scalars(select(Event).where(Event.type == "chat.ended")).one()
    assert json.loads(ended.data)["cause"] == "rule"


def test_rule_whose_conditions_do_not_hold_does_nothing(channel):
    rule("new_case", ("channel_kind", "is", "mail_like"), then=END_OPEN)
    case = chat_of(channel)

    assert case.chat_state == "active"
    assert [step["outcome"] for step in last_steps(case)] == ["not"]
    assert count(RuleRun) == 0


def test_message_that_creates_a_case_runs_new_case_rules_only(channel):  # R5a
    rule("new_case", then=[("set_priority", "high")])
    rule("updated_case", ("happened", "is", "contact_replied"), then=[("set_priority", "urgent")])
    case = chat_of(channel)
    assert case.priority == "high"

    receive(channel, said("and more"))
    assert again(case).priority == "urgent"


def test_next_rule_sees_what_the_one_before_it_changed(channel):  # R4
    rule("new_case", then=[("set_priority", "urgent")], name="First")
    rule("new_case", ("priority", "is", "urgent"), then=[("set_status", "pending")], name="Second")
    case = chat_of(channel)
    assert (case.priority, case.status) == ("urgent", "pending")


def test_rules_run_in_their_order(channel):
    first = rule("new_case", then=[("set_priority", "low")], name="First")
    rule("new_case", then=[("set_priority", "urgent")], name="Second")
    with transaction.writing():
        book.move(first, 1, by=None)
    assert chat_of(channel).priority == "low"


def test_what_a_rule_did_starts_no_rules(channel):  # T22
    rule("updated_case", ("happened", "is", "label_changed"), then=[("set_priority", "urgent")])
    rule("new_case", then=[("add_labels", [label("night")])])
    case = chat_of(channel)
    assert names_on(case) == ["night"]
    assert case.priority == "normal"


def test_rules_that_undo_each_other_end(channel):  # T22
    night = label("night")
    rule("updated_case", ("labels", "contain_none", [night]), then=[("add_labels", [night])])
    rule("updated_case", ("labels", "contain_any", [night]), then=[("remove_labels", [night])])
    case = chat_of(channel)
    receive(channel, said("again"))
    assert [step["outcome"] for step in last_steps(case)] == ["fired", "fired"]
    assert names_on(case) == []


def test_stop_keeps_later_rules_from_running(channel):
    rule("new_case", then=[("stop_further_rules", None)])
    rule("new_case", then=END_OPEN)
    case = chat_of(channel)
    assert case.chat_state == "active"
    assert [step["outcome"] for step in last_steps(case)] == ["fired", "stopped"]


def test_rule_that_fails_is_undone_alone(channel, monkeypatch):  # R4
    def broken(*_args, **_kwargs):
        raise RuntimeError("no such thing")

    monkeypatch.setattr("app.domain.messages.add_automatic_note", broken)
    rule("new_case", then=[("set_priority", "urgent"), ("add_note", "hello")], name="Bad")
    rule("new_case", then=[("set_status", "pending")], name="Good")
    case = chat_of(channel)

    assert (case.priority, case.status) == ("normal", "pending")
    assert count(Message) == 1
    assert [step["outcome"] for step in last_steps(case)] == ["failed", "fired"]
    failed = db.session.scalars(select(RuleRun).where(RuleRun.outcome == "failed")).one()
    assert failed.problem == "no such thing"
    assert "case.priority_changed" not in event_types(case)
    assert "rule.failed" in event_types(case)


def test_end_chat_is_left_out_on_what_is_no_active_chat(channel, alice):  # S21
    rule("new_case", then=END_OPEN)
    with transaction.writing():
        case = cases.open_by_hand(subject="Letter", text_="Hello", contact_name="Ann", by=alice)
    assert again(case).chat_state == "none"
    assert "no active chat" in last_steps(case)[0]["notes"]


def test_reactivated_by_contact_is_ended_again_before_anybody_sees_it(channel, alice):  # S25
    rule("updated_case", ("happened", "is", "chat_reactivated_by_contact"), then=END_OPEN)
    case = chat_of(channel)
    with transaction.writing():
        chats.end(case, "pending", by=alice)
    receive(channel, said("one more thing"))

    assert (again(case).chat_state, case.status) == ("ended", "open")
    assert chat_lists.incoming(access.EVERYTHING) == []


def test_group_chat_that_a_rule_ends_at_once_keeps_its_author(channel, alice):  # S31
    rule("updated_case", ("happened", "is", "chat_reactivated_by_contact"), then=END_OPEN)
    case = reactivated_by_another(channel)
    assert (case.chat_state, case.author_candidate_id) == ("ended", None)
    author = case.contact_id

    with transaction.writing():
        chats.reply(case, "opened from All cases", by=db.session.get_one(Agent, alice.id))
        chats.select_message(case, by=db.session.get_one(Agent, alice.id))

    assert (again(case).chat_state, case.contact_id) == ("active", author)
    assert "case.author_changed" not in event_types(case)


def test_rule_that_lets_somebody_have_a_groups_chat_selects_nothing(channel, alice):  # S31
    when = ("happened", "is", "chat_reactivated_by_contact")
    rule("updated_case", when, then=[("take_for", alice.id)])
    case = reactivated_by_another(channel)

    assert case.taken_by_id == alice.id
    assert case.author_candidate_id not in (None, case.contact_id)
    assert "case.author_changed" not in event_types(case)


def test_reactivated_by_agent_is_ended_and_the_reply_still_goes_out(channel, alice):  # R7
    rule(
        "updated_case",
        ("happened", "is", "chat_reactivated_by_agent"),
        then=[("end_chat_and_set_status", "pending")],
    )
    case = chat_of(channel)
    with transaction.writing():
        chats.end(case, "closed", by=alice)
    with transaction.writing():
        reply = chats.reply(case, "we found it", by=alice)

    assert (again(case).chat_state, case.status) == ("ended", "pending")
    assert messages.delivery_of(reply) is not None


def test_everything_of_one_commit_has_happened_together(channel, alice):  # R5a
    rule(
        "updated_case",
        ("happened", "is", "assigned"),
        ("happened", "is", "label_changed"),
        then=[("set_priority", "high")],
    )
    case = chat_of(channel)
    vip = label("vip")
    with transaction.writing():
        cases.lock(case)
        cases.assign(case, db.session.get_one(Agent, alice.id), by=alice)
        labels.add(case, [labels.find(vip)], by=alice)
    assert again(case).priority == "high"
    assert count(RulePass) == 1


def test_next_rule_hears_that_a_rule_ended_the_chat(channel):
    rule("updated_case", ("happened", "is", "contact_replied"), then=END_OPEN)
    rule("updated_case", ("happened", "is", "chat_ended_by_rule"), then=[("set_priority", "low")])
    case = chat_of(channel)
    receive(channel, said("again"))
    assert again(case).priority == "low"


def test_reply_that_is_tried_again_is_no_new_reply(channel, alice):
    rule("updated_case", ("happened", "is", "agent_replied"), then=[("set_priority", "high")])
    case = chat_of(channel)
    with transaction.writing():
        reply = chats.reply(case, "hello", by=alice)
        messages.settle(reply, "failed", error="no")
        cases.set_priority(case, "low", by=alice)
    with transaction.writing():
        cases.set_priority(again(case), "low", by=alice)
        messages.retry(reply, by=alice)
    assert again(case).priority == "low"


def test_paused_rules_do_nothing_until_they_are_resumed(channel, alice):
    rule("new_case", then=END_OPEN)
    with transaction.writing():
        book.pause(is_paused=True, by=alice)
    assert chat_of(channel, who="Ua").chat_state == "active"
    with transaction.writing():
        book.pause(is_paused=False, by=alice)
    assert chat_of(channel, who="Ub").chat_state == "ended"


def test_rule_switched_off_or_deleted_does_nothing(channel, alice):
    off, gone = rule("new_case", then=END_OPEN), rule("new_case", then=END_OPEN)
    with transaction.writing():
        book.switch(off, is_active=False, by=alice)
        book.delete(gone, by=alice)
    assert chat_of(channel).chat_state == "active"
    with transaction.writing():
        book.put_back(gone.id, by=alice)
    assert chat_of(channel, who="Uyuki").chat_state == "ended"


def test_rule_whose_label_is_deleted_is_switched_off_and_says_why(channel, alice):
    night = label("night")
    broken = rule("new_case", then=[("add_labels", [night]), ("set_priority", "high")])
    with transaction.writing():
        labels.delete(labels.find(night), by=alice)

    assert chat_of(channel).priority == "normal"
    db.session.refresh(broken)
    assert broken.is_active is False
    assert "label is gone" in broken.off_reason


def test_bad_event_of_a_batch_leaves_no_rules_for_its_neighbours(app: Flask, channel):  # S6
    from app.domain import inbox

    rule("new_case", then=[("set_priority", "high")])
    good, bad = said("good", who="Ugood"), said("bad", who="Ubad", sender_name=object())
    with transaction.writing():
        inbox.receive_each(inbox.Source.of(channel), [bad, good], [b"{}", b"{}"])
    assert [case.priority for case in db.session.scalars(select(Case))] == ["high"]
    assert count(RulePass) == 1


def test_nothing_is_fresh_after_a_transaction_was_rolled_back(channel):
    transaction.start_writing()
    events.record("note.added", case_id=None)
    transaction.release()
    assert events.take_fresh() == []


# ── What rules send is nobody's word ────────────────────────────────────────────────────────────


def test_an_automatic_message_is_not_the_latest_text_nor_its_sender_an_agent(channel):  # R2, R4
    rule("new_case", ("channel_kind", "is", "chat"), then=[("send_message", "We are closed.")])
    words = ("latest_text", "has_any_word", "urgent"), ("latest_sender", "is", "contact")
    rule("new_case", *words, then=[("set_priority", "urgent")])

    case = chat_of(channel, "urgent help needed")

    assert case.priority == "urgent"
    assert [step["outcome"] for step in last_steps(case)] == ["fired", "fired"]


def test_an_automatic_message_is_no_reply_of_an_agent(channel):  # R2
    rule("new_case", ("channel_kind", "is", "chat"), then=[("send_message", "We are closed.")])
    rule("updated_case", ("happened", "is", "agent_replied"), then=[("set_status", "pending")])

    assert chat_of(channel, "hello").status == "open"


def test_a_reply_that_failed_leaves_the_contact_as_the_latest_sender(channel, alice):  # R2, S18
    case = chat_of(channel, "hello")
    with transaction.writing():
        reply = chats.reply(case, "hi", by=alice)
        messages.settle(reply, "failed", error="no")

    situation = Situation(again(case), Happened(), now())
    assert CONDITIONS["latest_sender"].see(situation) == "contact"
    assert CONDITIONS["latest_text"].see(situation) == "hello"


def test_what_a_rule_before_it_wrote_is_told_in_the_explanation(channel):  # R6
    rule("new_case", ("channel_kind", "is", "chat"), then=[("send_message", "We are closed.")])
    rule("new_case", ("any_text", "contains", "closed"), then=[("set_priority", "high")])
    rule("new_case", ("latest_text", "contains", "closed"), then=[("set_priority", "low")])

    case = chat_of(channel, "urgent help needed")

    [told] = explain.of_case(case)
    assert [one.outcome for one in told.rules] == ["fired", "fired", "not"]
    assert [one.decision.applies for one in told.rules] == [True, True, False]

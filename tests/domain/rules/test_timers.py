"""Time-based rules act once a case has waited long enough, once for each time it waits (R5)."""

from datetime import timedelta

import pytest

from app import background, transaction
from app.domain import cases, chats, hours
from app.domain.rules import book, timers
from app.extensions import db
from app.models import Rule, RuleMark, RulePass
from tests.domain.rules.conftest import again, rule
from tests.world import chat_of, count, receive, said

pytestmark = pytest.mark.usefixtures("clock")
WAITED = ("minutes_since_contact_message", "at_least", 30)
URGENT = [("set_priority", "urgent")]


@pytest.fixture
def locked(monkeypatch):
    """The cases that a rule has looked at, in order."""
    asked, lock = [], cases.lock_if_free

    def watch(case):
        asked.append(case.id)
        return lock(case)

    monkeypatch.setattr(cases, "lock_if_free", watch)
    return asked


def test_rule_acts_when_the_time_has_come_and_not_before(channel, clock):
    rule("existing_case", WAITED, then=URGENT)
    case = chat_of(channel)
    clock.shift(timedelta(minutes=29, seconds=59))
    background.run_timers()
    assert again(case).priority == "normal"
    clock.shift(timedelta(seconds=1))
    background.run_timers()
    assert again(case).priority == "urgent"


def test_rule_acts_once_for_each_time(channel, clock, alice):
    rule("existing_case", WAITED, then=URGENT)
    case = chat_of(channel)
    clock.shift(timedelta(minutes=30))
    background.run_timers()
    with transaction.writing():
        cases.set_priority(again(case), "low", by=alice)
    background.run_timers()
    assert again(case).priority == "low"

    receive(channel, said("and?"))
    clock.shift(timedelta(minutes=30))
    background.run_timers()
    assert again(case).priority == "urgent"
    assert count(RuleMark) == 2


def test_condition_that_holds_later_is_not_missed(channel, clock, alice):
    rule("existing_case", WAITED, ("status", "is", "pending"), then=URGENT)
    case = chat_of(channel)
    clock.shift(timedelta(minutes=40))
    background.run_timers()
    with transaction.writing():
        cases.set_status(again(case), "pending", by=alice)
    background.run_timers()
    assert again(case).priority == "urgent"
    assert count(RulePass) == 1


def test_case_that_did_not_fit_is_looked_at_again_only_after_something_happened(
    channel, clock, alice, locked
):
    rule("existing_case", WAITED, ("subject", "contains", "refund"), then=URGENT)
    case = chat_of(channel)
    clock.shift(timedelta(minutes=40))
    background.run_timers()
    background.run_timers()
    assert locked == [case.id]
    with transaction.writing():
        cases.set_subject(again(case), "My refund", by=alice)
    background.run_timers()
    assert locked == [case.id, case.id]
    assert again(case).priority == "urgent"


def test_case_that_somebody_held_is_due_at_the_next_look(channel, clock, monkeypatch):
    rule("existing_case", WAITED, then=URGENT)
    case = chat_of(channel)
    clock.shift(timedelta(minutes=40))
    with monkeypatch.context() as held:
        held.setattr(cases, "lock_if_free", lambda _case: False)
        background.run_timers()
    assert again(case).priority == "normal"
    background.run_timers()
    assert again(case).priority == "urgent"


def test_rule_for_the_night_acts_on_what_was_due_by_day(channel, clock, alice):
    outside = ("working_hours", "is", "outside")
    rule("existing_case", WAITED, outside, then=URGENT)
    case = chat_of(channel)
    clock.shift(timedelta(minutes=40))
    background.run_timers()
    assert again(case).priority == "normal"
    with transaction.writing():
        hours.put(hours.Hours(), by=alice)  # a week without an opening time
    background.run_timers()
    assert again(case).priority == "urgent"


def test_rule_that_was_saved_while_it_looked_looks_anew(channel, clock, alice):
    saved = rule("existing_case", WAITED, then=URGENT)
    clock.shift(timedelta(minutes=1))
    (due,) = timers.due_rules()
    look = timers.begin(due)
    with transaction.writing():
        book.switch(saved, is_active=False, by=alice)
        book.switch(saved, is_active=True, by=alice)
    clock.shift(timedelta(minutes=1))
    with transaction.writing():
        timers.run_portion(look)
    assert db.session.get_one(Rule, saved.id, populate_existing=True).looked_until is None


def test_new_rule_leaves_alone_what_was_due_before_it(channel, clock):
    old = chat_of(channel, who="Uold")
    clock.shift(timedelta(minutes=45))
    rule("existing_case", WAITED, then=URGENT)
    fresh = chat_of(channel, who="Ufresh")
    clock.shift(timedelta(minutes=30))
    background.run_timers()
    assert again(old).priority == "normal"
    assert again(fresh).priority == "urgent"


def test_more_than_a_portion_is_done_in_one_run(channel, clock, monkeypatch):
    monkeypatch.setattr(timers, "PORTION", 2)
    rule("existing_case", WAITED, then=URGENT)
    five = [chat_of(channel, who=f"U{number}") for number in range(5)]
    clock.shift(timedelta(minutes=30))
    background.run_timers()
    assert [again(case).priority for case in five] == ["urgent"] * 5


def test_message_that_arrives_meanwhile_wins(channel, clock):
    rule("existing_case", WAITED, then=[("end_chat_and_set_status", "closed")])
    case = chat_of(channel)
    clock.shift(timedelta(minutes=30))
    (due,) = timers.due_rules()
    receive(channel, said("still here"))
    with transaction.writing():
        timers.run_portion(timers.begin(due))
    assert again(case).chat_state == "active"


def test_clock_that_steps_back_repeats_nothing(channel, clock, alice):  # F14
    rule("existing_case", WAITED, then=URGENT)
    case = chat_of(channel)
    clock.shift(timedelta(minutes=30))
    background.run_timers()
    with transaction.writing():
        cases.set_priority(again(case), "low", by=alice)
    clock.shift(-timedelta(minutes=20))
    background.run_timers()
    clock.shift(timedelta(hours=1))
    background.run_timers()
    assert again(case).priority == "low"


def test_spam_and_trash_are_left_alone(channel, clock, alice):
    rule("existing_case", WAITED, then=URGENT)
    case = chat_of(channel)
    with transaction.writing():
        chats.end(case, "closed", by=alice)
        cases.set_spam(case, is_spam=True, by=alice)
    clock.shift(timedelta(minutes=30))
    background.run_timers()
    assert again(case).priority == "normal"


def test_later_rule_sees_what_the_earlier_one_changed(channel, clock):
    rule("existing_case", WAITED, then=URGENT, name="First")
    rule(
        "existing_case",
        WAITED,
        ("priority", "is", "urgent"),
        then=[("end_chat_and_set_status", "open")],
        name="Second",
    )
    case = chat_of(channel)
    clock.shift(timedelta(minutes=30))
    background.run_timers()
    assert again(case).chat_state == "ended"


def test_paused_rules_wait(channel, clock, alice):
    rule("existing_case", WAITED, then=URGENT)
    case = chat_of(channel)
    with transaction.writing():
        book.pause(is_paused=True, by=alice)
    clock.shift(timedelta(minutes=30))
    background.run_timers()
    assert again(case).priority == "normal"


def test_rule_that_is_switched_off_while_it_acts_stops(channel, clock, alice):
    saved = rule("existing_case", WAITED, then=URGENT)
    case = chat_of(channel)
    clock.shift(timedelta(minutes=30))
    look = timers.begin(timers.due_rules()[0])
    with transaction.writing():
        book.switch(saved, is_active=False, by=alice)
    with transaction.writing():
        assert timers.run_portion(look) is None
    assert again(case).priority == "normal"


def test_explanations_are_forgotten_after_ninety_days(channel, clock):
    rule("new_case", then=URGENT)
    chat_of(channel)
    clock.shift(timedelta(days=89))
    background.tidy()
    assert count(RulePass) == 1
    clock.shift(timedelta(days=2))
    background.tidy()
    assert count(RulePass) == 0

"""What was due before a time-based rule was saved is left alone, until an admin wants otherwise (R5)."""

from datetime import timedelta

import pytest

from app import background, transaction
from app.domain import cases
from app.domain.agents import Refused
from app.domain.rules import book, outlook, overdue, timers
from app.extensions import db
from app.models import Rule, RuleMark
from tests.domain.rules.conftest import again, rule
from tests.world import chat_of, count

pytestmark = pytest.mark.usefixtures("clock")
WAITED = ("minutes_since_contact_message", "at_least", 30)
URGENT = [("set_priority", "urgent")]


@pytest.fixture
def old(channel, clock):
    """Three cases that have waited for 45 minutes."""
    found = [chat_of(channel, who=f"Uold{number}") for number in range(3)]
    clock.shift(timedelta(minutes=45))
    return found


def apply(waits: Rule, by) -> None:
    with transaction.writing():
        overdue.apply(db.session.get_one(Rule, waits.id), by=by)


def priorities(found) -> list[str]:
    return [again(case).priority for case in found]


def test_they_are_counted_and_left_alone(channel, clock, old):
    waits = rule("existing_case", WAITED, then=URGENT)
    fresh = chat_of(channel, who="Ufresh")
    clock.shift(timedelta(minutes=30))
    found = overdue.of_rule(waits)
    assert (found.count, found.is_exact) == (3, True)
    assert {case.id for case in found.fitting} == {case.id for case in old}
    background.run_timers()
    assert priorities([*old, fresh]) == ["normal", "normal", "normal", "urgent"]


def test_the_next_tick_acts_on_them_once_it_was_confirmed(old, alice):
    waits = rule("existing_case", WAITED, then=URGENT)
    background.run_timers()
    apply(waits, alice)
    assert priorities(old) == ["normal"] * 3
    background.run_timers()
    assert priorities(old) == ["urgent"] * 3
    assert overdue.of_rule(db.session.get_one(Rule, waits.id)).count == 0
    assert db.session.get_one(Rule, waits.id).catches_up_at is None


def test_it_acts_once_on_each_however_often_it_is_confirmed(old, alice):
    waits = rule("existing_case", WAITED, then=URGENT)
    apply(waits, alice)
    background.run_timers()
    with transaction.writing():
        cases.set_priority(again(old[0]), "low", by=alice)
    apply(waits, alice)
    background.run_timers()
    assert priorities(old) == ["low", "urgent", "urgent"]
    assert count(RuleMark) == 3


def test_more_than_a_portion_is_done_in_one_run(old, alice, monkeypatch):
    monkeypatch.setattr(timers, "PORTION", 2)
    apply(rule("existing_case", WAITED, then=URGENT), alice)
    background.run_timers()
    assert priorities(old) == ["urgent"] * 3


def test_a_run_that_was_cut_short_is_finished_by_the_next(old, alice, monkeypatch):  # F24
    waits = rule("existing_case", WAITED, then=URGENT)
    apply(waits, alice)
    monkeypatch.setattr(timers, "PORTION", 2)
    monkeypatch.setattr(timers, "PORTION_SECONDS", 60)
    (due,) = timers.due_rules()
    with transaction.writing():
        timers.run_portion(timers.begin(due))
    assert sorted(priorities(old)) == ["normal", "urgent", "urgent"]
    background.run_timers()
    assert priorities(old) == ["urgent"] * 3


def test_it_happens_once_and_what_fits_later_is_left_alone(old, alice):
    waits = rule("existing_case", WAITED, ("status", "is", "pending"), then=URGENT)
    apply(waits, alice)
    background.run_timers()
    with transaction.writing():
        cases.set_status(again(old[0]), "pending", by=alice)
    background.run_timers()
    assert priorities(old) == ["normal"] * 3


def test_a_rule_that_was_changed_meanwhile_was_not_confirmed(old, alice):
    waits = rule("existing_case", WAITED, then=URGENT)
    apply(waits, alice)
    other = rule("existing_case", WAITED, then=[("set_priority", "low")], name="Other")
    with transaction.writing():
        changed = book.definition_of(other)
        book.change(db.session.get_one(Rule, waits.id), changed, by=alice, is_active=True)
    background.run_timers()
    assert priorities(old) == ["normal"] * 3


def test_a_rule_that_was_switched_off_meanwhile_was_not_confirmed(old, alice):
    waits = rule("existing_case", WAITED, then=URGENT)
    apply(waits, alice)
    with transaction.writing():
        book.switch(db.session.get_one(Rule, waits.id), is_active=False, by=alice)
    with transaction.writing():
        book.switch(db.session.get_one(Rule, waits.id), is_active=True, by=alice)
    background.run_timers()
    assert priorities(old) == ["normal"] * 3


def test_conditions_that_only_a_case_can_answer_are_asked_of_each(old, alice):
    waits = rule("existing_case", WAITED, ("author_is_new", "is", "no"), then=URGENT)
    found = overdue.of_rule(waits)
    assert (found.found_count, found.count, found.is_exact) == (3, 0, True)


def test_of_many_the_first_are_asked_and_the_rest_counted(old, monkeypatch):
    monkeypatch.setattr(overdue, "MOST_JUDGED", 2)
    simple = rule("existing_case", WAITED, then=URGENT)
    found = overdue.of_rule(simple)
    assert (found.count, len(found.fitting), found.is_exact) == (3, 2, True)
    asking = rule("existing_case", WAITED, ("author_is_new", "is", "yes"), then=URGENT)
    found = overdue.of_rule(asking)
    assert (found.count, len(found.fitting), found.is_exact) == (3, 2, False)


def test_only_a_time_based_rule_in_force_is_applied(old, alice):
    off = rule("existing_case", WAITED, then=URGENT)
    new = rule("new_case", then=URGENT)
    with transaction.writing():
        book.switch(db.session.get_one(Rule, off.id), is_active=False, by=alice)
    with pytest.raises(Refused, match="Switch the rule on first"):
        overdue.apply(off, by=alice)
    with pytest.raises(Refused, match="Switch the rule on first"):
        overdue.apply(new, by=alice)
    assert overdue.of_rule(new).count == 0


def test_a_case_that_will_be_caught_up_with_is_due(old, alice):  # R6
    waits = rule("existing_case", WAITED, then=URGENT)
    assert [one.state for one in outlook.of_case(old[0])] == ["before"]
    apply(waits, alice)
    assert [one.state for one in outlook.of_case(again(old[0]))] == ["due"]


def test_switching_a_rule_back_on_in_its_form_leaves_alone_what_became_due(channel, clock, alice):
    waits = rule("existing_case", WAITED, then=URGENT)
    definition = book.definition_of(waits)
    with transaction.writing():
        book.change(db.session.get_one(Rule, waits.id), definition, by=alice, is_active=False)
    case = chat_of(channel)
    clock.shift(timedelta(minutes=30))
    with transaction.writing():
        book.change(db.session.get_one(Rule, waits.id), definition, by=alice, is_active=True)
    background.run_timers()
    assert again(case).priority == "normal"

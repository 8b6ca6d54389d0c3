"""Time-based rules tell what they wait for, before they act (R6)."""

from datetime import timedelta

import pytest

from app import background, transaction
from app.domain import cases, chats
from app.domain.rules import outlook
from tests.domain.rules.conftest import again, rule
from tests.world import chat_of

pytestmark = pytest.mark.usefixtures("clock")
WAITED = ("minutes_since_contact_message", "at_least", 30)
HIGH = [("set_priority", "high")]


def states(case) -> list[tuple[str, str]]:
    return [(one.rule.definition.name, one.state) for one in outlook.of_case(again(case))]


def test_a_rule_whose_time_has_not_come_waits_and_says_for_what(channel, clock):
    rule("existing_case", WAITED, then=HIGH)
    case = chat_of(channel)
    clock.shift(timedelta(minutes=12))
    (found,) = outlook.of_case(case)
    assert found.state == "waits"
    assert (found.decision.decisive.clause.value, found.decision.decisive.seen) == (30, 12)


def test_a_rule_that_acts_next_is_due_and_then_has_acted(channel, clock):
    rule("existing_case", WAITED, then=HIGH, name="Raise")
    case = chat_of(channel)
    clock.shift(timedelta(minutes=30))
    assert states(case) == [("Raise", "due")]
    background.run_timers()
    assert states(case) == [("Raise", "acted")]


def test_a_rule_leaves_alone_what_was_due_when_it_was_saved(channel, clock):  # R5
    case = chat_of(channel)
    clock.shift(timedelta(minutes=30))
    rule("existing_case", WAITED, then=HIGH, name="Raise")
    assert states(case) == [("Raise", "before")]
    background.run_timers()
    assert again(case).priority == "normal"


def test_spam_is_left_out(channel, clock, alice):
    rule("existing_case", WAITED, then=HIGH, name="Raise")
    case = chat_of(channel)
    with transaction.writing():
        chats.end(case, "closed", by=alice)
        cases.set_spam(case, is_spam=True, by=alice)
    clock.shift(timedelta(minutes=30))
    assert states(case) == [("Raise", "left_out")]


def test_a_rule_that_waits_for_what_never_happened_waits(channel):
    rule("existing_case", ("minutes_since_agent_message", "at_least", 5), then=HIGH, name="Raise")
    assert states(chat_of(channel)) == [("Raise", "waits")]


def test_without_time_based_rules_there_is_nothing_to_tell(channel):
    rule("new_case", then=HIGH)
    assert outlook.of_case(chat_of(channel)) == []

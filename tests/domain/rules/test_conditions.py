"""Every condition: what it sees of a case, and when it holds (R2)."""

from datetime import timedelta

import pytest

from app import transaction
from app.clock import now
from app.domain import access, cases, chats, hours, labels
from app.domain.rules.conditions import CONDITIONS
from app.domain.rules.situations import Happened, Situation
from app.extensions import db
from app.models import Agent, Contact
from tests.domain.rules.conftest import again
from tests.world import chat_of, receive, said


@pytest.fixture
def case(channel):
    return chat_of(channel, "Hello, where is my ORDER?")


def seen(case, name: str, happened: Happened = Happened()):
    return CONDITIONS[name].see(Situation(again(case), happened, now()))


def test_chat_and_what_stands_around_it_are_seen(case, alice):
    assert seen(case, "channel_kind") == "chat"
    assert seen(case, "channel") == case.channel_id
    assert seen(case, "conversation_kind") == "one_to_one"
    assert seen(case, "group") is None
    assert seen(case, "assignee") is None
    assert seen(case, "taken") == "no"
    assert seen(case, "status") == "open"
    assert seen(case, "priority") == "normal"
    assert seen(case, "chat_state") == "active"
    assert seen(case, "labels") == []


def test_what_agents_did_is_seen(case, alice, bob):
    with transaction.writing():
        sales = db.session.get_one(Agent, bob.id).groups[0]
        cases.move(case, sales, by=alice)
        cases.assign(case, db.session.get_one(Agent, alice.id), by=alice)
        chats.take(case, by=alice)
        labels.add(case, [vip := labels.create("vip", by=alice)], by=alice)
    assert seen(case, "group") == sales.id
    assert seen(case, "assignee") == alice.id
    assert seen(case, "taken") == "yes"
    assert seen(case, "labels") == [vip.id]


def test_case_written_by_hand_is_mail_like(app, alice):
    with transaction.writing():
        case = cases.open_by_hand(subject="Letter", text_="Hello", contact_name="Ann", by=alice)
    assert seen(case, "channel_kind") == "mail_like"
    assert seen(case, "chat_state") == "none"
    assert seen(case, "author_name") == "Ann"


def test_groups_and_rooms_are_groups(channel):
    receive(channel, said("hi all", conversation_kind="room", conversation_id="R1"))
    newest = cases.listed(access.EVERYTHING, chat="all").cases[0]
    assert seen(newest, "conversation_kind") == "group"


def test_author_is_seen_by_id_name_language_and_being_new(case, channel):
    with transaction.writing():
        author = db.session.get_one(Contact, case.contact_id)
        author.name, author.language = "Somchai", "th"
    assert seen(case, "author") == case.contact_id
    assert seen(case, "author_name") == "Somchai"
    assert seen(case, "author_language") == "th"
    assert seen(case, "author_is_new") == "yes"


def test_author_of_an_earlier_case_is_not_new(case, channel, alice):
    with transaction.writing():
        chats.end(case, "closed", by=alice)
    assert seen(chat_of(channel, "me again"), "author_is_new") == "no"


def test_texts_and_senders_are_seen(case, channel, alice):
    with transaction.writing():
        chats.reply(case, "Let me look", by=alice)
        chats.note(case, "she always asks", by=alice)
    assert seen(case, "latest_text") == "Let me look"
    assert seen(case, "latest_sender") == "agent"
    assert seen(case, "any_text") == ["Let me look", "Hello, where is my ORDER?"]
    assert seen(case, "subject") == "Hello, where is my ORDER?"


def test_change_of_status_is_seen_with_both_ends(case):
    happened = Happened(frozenset({"status_changed"}), "open", "closed")
    assert seen(case, "happened", happened) == ["status_changed"]
    assert seen(case, "status_changed_from", happened) == "open"
    assert seen(case, "status_changed_to", happened) == "closed"
    assert seen(case, "status_changed_to") is None


def test_minutes_are_whole_and_counted_from_each_moment(case, clock, alice):
    clock.shift(timedelta(minutes=5))
    fresh = chat_of(case.channel, who="Uyuki")
    clock.shift(timedelta(minutes=2, seconds=59))
    with transaction.writing():
        chats.reply(fresh, "hello", by=alice)
        chats.end(fresh, "pending", by=alice)
    clock.shift(timedelta(minutes=1))
    assert seen(fresh, "minutes_since_created") == 3
    assert seen(fresh, "minutes_since_contact_message") == 3
    assert seen(fresh, "minutes_since_agent_message") == 1
    assert seen(fresh, "minutes_since_status_change") == 1


def test_minutes_since_what_never_happened_are_none(case):
    assert seen(case, "minutes_since_agent_message") is None
    assert not CONDITIONS["minutes_since_agent_message"].operators["at_least"](None, 1)
    assert not CONDITIONS["minutes_since_agent_message"].operators["less_than"](None, 1)


def test_working_hours_are_the_teams(case, alice):
    with transaction.writing():
        hours.put(hours.Hours(zone="UTC", week=((),) * 7), by=alice)
    assert seen(case, "working_hours") == "outside"


def test_team_that_set_no_hours_is_always_at_work(case):
    assert seen(case, "working_hours") == "inside"


@pytest.mark.parametrize(
    ("condition", "operator", "found", "value", "holds"),
    [
        ("status", "is", "open", "open", True),
        ("status", "is_not", "open", "open", False),
        ("priority", "at_least", "urgent", "high", True),
        ("priority", "at_least", "normal", "high", False),
        ("labels", "contain_all", [1, 2, 3], [1, 3], True),
        ("labels", "contain_all", [1], [1, 3], False),
        ("labels", "contain_any", [1], [1, 3], True),
        ("labels", "contain_any", [], [1], False),
        ("labels", "contain_none", [2], [1, 3], True),
        ("labels", "contain_none", [1], [1, 3], False),
        ("latest_text", "contains", "Where is my ORDER?", "order", True),
        ("latest_text", "contains", "Where is my ORDER?", "refund", False),
        ("latest_text", "contains_not", "Where is my ORDER?", "refund", True),
        ("latest_text", "is", " Stop ", "STOP", True),
        ("latest_text", "is", "Stop it", "stop", False),
        ("latest_text", "starts_with", "Ｒefund please", "refund", True),
        ("latest_text", "has_any_word", "I want a refund!", "return, refund", True),
        ("latest_text", "has_any_word", "refunded already", "refund", False),
        ("latest_text", "has_any_word", "ขอคืนเงินครับ", "คืนเงิน", True),
        ("latest_text", "has_any_word", "注文をキャンセルしたい", "キャンセル", True),
        ("any_text", "contains", ["b", "a refund"], "refund", True),
        ("any_text", "contains_not", ["b", "a refund"], "refund", False),
        ("any_text", "contains_not", ["b"], "refund", True),
        ("happened", "is", ["assigned", "status_changed"], "assigned", True),
        ("happened", "is", [], "assigned", False),
        ("minutes_since_created", "at_least", 10, 10, True),
        ("minutes_since_created", "less_than", 10, 10, False),
        ("author_language", "is", "zh-TW", "ZH-tw", True),
        ("author_language", "starts_with", "zh-TW", "zh", True),
        ("group", "is", None, None, True),
        ("group", "is_not", 3, None, True),
    ],
)
def test_operators_compare_what_was_seen_with_what_is_wanted(
    condition, operator, found, value, holds
):
    assert CONDITIONS[condition].operators[operator](found, value) is holds

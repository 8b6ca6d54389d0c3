"""New chats that are given out: to whom, when they go on, and what wins over that (H2, U16)."""

import json
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app import transaction
from app.clock import now
from app.domain import (
    access,
    agents,
    cases,
    chat_lists,
    chats,
    distribution,
    hours,
    presence,
    settings,
)
from app.domain.rules import book, definitions
from app.extensions import db
from app.live import service
from app.models import Agent, Case, Event, Group
from tests.conftest import new_agent
from tests.world import ToyAdapter, chat_of, connected, play, receive, said

NOBODY_WORKS = ((),) * 7


@pytest.fixture(autouse=True)
def toy(app) -> ToyAdapter:
    return play(ToyAdapter())


@pytest.fixture
def channel(toy):
    return connected("toy")


@pytest.fixture(autouse=True)
def switched_on(app) -> None:
    put(settings.GIVES_OUT, 1)


def put(name: str, value: int) -> None:
    with transaction.writing():
        settings.put(name, str(value))


def here(*people: Agent) -> None:
    """Each has an open page now."""
    with transaction.writing():
        service.keep_presence(agent.id for agent in people)


def look() -> None:
    """The sweep's two looks, in its order."""
    for job in (distribution.give_out_waiting, distribution.take_back_unopened):
        with transaction.writing():
            job()
    db.session.expire_all()


def taker(chat: Case) -> str | None:
    db.session.expire_all()
    return chat.taken_by.name if chat.taken_by else None


def again(agent: Agent) -> Agent:
    return db.session.get_one(Agent, agent.id)


def told(chat: Case) -> list[str]:
    query = select(Event.type).where(Event.case_id == chat.id, Event.type.like("chat.%"))
    return list(db.session.scalars(query.order_by(Event.id)))


def rule(**action: object) -> None:
    with transaction.writing():
        book.add(definitions.read({"type": "new_case", "name": "A rule", "actions": [action]}), by=None)


# ── To whom ─────────────────────────────────────────────────────────────────────────────────


def test_switched_off_nothing_is_given_out(channel, alice):
    put(settings.GIVES_OUT, 0)
    here(alice)
    chat = chat_of(channel)
    look()
    assert taker(chat) is None


def test_a_new_chat_is_given_out_in_the_commit_that_brings_it(channel, bob):
    here(bob)
    chat = chat_of(channel)
    assert taker(chat) == "Bob"
    assert told(chat) == ["chat.given_out"]
    facts = db.session.scalars(select(Event.data).where(Event.type == "chat.given_out")).one()
    assert json.loads(facts) == {"new": bob.id, "cause": "least_busy"}


def test_it_lights_for_whom_it_is_given_to_and_for_nobody_else(channel, alice, bob):
    here(bob)
    chat = chat_of(channel)
    assert chat_lists.responses(again(bob)) == [chat]
    assert chat_lists.incoming(access.audience_of(again(alice))) == []
    assert chat_lists.others(again(alice)) == [chat]


def test_the_next_one_goes_to_who_has_the_fewest(channel, alice, bob):
    here(alice, bob)
    busy = chat_of(channel, who="Ua")
    assert taker(chat_of(channel, who="Ub")) != taker(busy)


def test_among_equals_who_waited_longest_comes_first(clock, channel, alice, bob):
    here(alice, bob)
    order = []
    for number in range(4):
        chat = chat_of(channel, who=f"U{number}")
        order.append(taker(chat))
        with transaction.writing():
            chats.end(chat, "closed", by=None)
        clock.shift(timedelta(seconds=1))
    assert order == ["Alice", "Bob", "Alice", "Bob"]


def test_chats_that_arrive_in_one_call_are_spread(channel, alice, bob):
    here(alice, bob)
    receive(channel, *(said("hello", who=f"U{number}") for number in range(4)))
    assert sorted(map(taker, db.session.scalars(select(Case)))) == ["Alice", "Alice", "Bob", "Bob"]


@pytest.mark.parametrize("how", ["offline", "no_chats", "looker"])
def test_who_is_away_or_could_not_answer_is_given_nothing(clock, channel, bob, how):
    here(bob)
    with transaction.writing():
        if how == "no_chats":
            presence.choose(again(bob), "no_chats")
        if how == "looker":
            again(bob).may_change = False
    clock.shift(timedelta(minutes=2 if how == "offline" else 0))
    assert taker(chat_of(channel)) is None


def test_outside_working_hours_nobody_is_given_anything(channel, alice):  # U16
    here(alice)
    with transaction.writing():
        hours.put(hours.Hours(week=NOBODY_WORKS, holidays=()), by=alice)
    chat = chat_of(channel)
    look()
    assert taker(chat) is None
    assert chat_lists.incoming(access.audience_of(again(alice))) == [chat]


def test_only_who_may_see_a_groups_chat_is_given_it(app, bob, charlie):  # H1
    support = db.session.scalars(select(Group).where(Group.name == "Support")).one()
    here(bob, charlie)
    channel = connected("toy", group=support)
    assert [taker(chat_of(channel, who=f"U{number}")) for number in range(2)] == ["Charlie", "Charlie"]


def test_who_sees_only_what_is_theirs_is_given_no_other_groups_chats(channel, erin):  # H1
    here(erin)
    with transaction.writing():
        elsewhere = agents.create_group("Elsewhere")
    assert taker(chat_of(connected("toy", group=elsewhere), who="Ua")) is None
    assert taker(chat_of(channel, who="Ub")) == "Erin"


def test_who_has_the_most_is_given_no_more_until_one_ends(channel, bob):
    put(settings.GIVEN_AT_ONCE, 1)
    here(bob)
    first, second = chat_of(channel, who="Ua"), chat_of(channel, who="Ub")
    assert (taker(first), taker(second)) == ("Bob", None)
    with transaction.writing():
        chats.end(first, "closed", by=None)
    look()
    assert taker(second) == "Bob"


def test_without_a_limit_one_agent_is_given_all(channel, bob):
    put(settings.GIVEN_AT_ONCE, 0)
    here(bob)
    assert {taker(chat_of(channel, who=f"U{number}")) for number in range(7)} == {"Bob"}


def test_nobody_there_leaves_it_in_new_and_who_comes_is_given_it(channel, alice, bob):  # U16
    chat = chat_of(channel)
    look()
    assert taker(chat) is None
    assert chat_lists.incoming(access.audience_of(again(alice))) == [chat]
    here(bob)
    look()
    assert taker(chat) == "Bob"


def test_who_waits_longest_is_given_out_first(clock, channel, bob):
    put(settings.GIVEN_AT_ONCE, 1)
    older = chat_of(channel, who="Ua")
    clock.shift(timedelta(minutes=1))
    younger = chat_of(channel, who="Ub")
    here(bob)
    look()
    assert (taker(older), taker(younger)) == ("Bob", None)


# ── What wins over it ───────────────────────────────────────────────────────────────────────


def test_a_rule_that_lets_somebody_take_it_wins(channel, alice, bob):
    rule(action="take_for", value=alice.id)
    here(bob)
    assert taker(chat_of(channel)) == "Alice"


def test_a_chat_that_a_rule_ends_is_given_to_nobody(channel, bob):  # S22
    rule(action="end_chat_and_set_status", value="open")
    here(bob)
    chat = chat_of(channel)
    assert (taker(chat), chat.chat_state, "chat.given_out" in told(chat)) == (None, "ended", False)


def test_the_assignee_comes_first_while_they_are_there_and_stays_the_assignee(clock, channel, alice, bob):
    rule(action="assign_to", value=f"agent:{bob.id}")
    here(alice, bob)
    busy = [chat_of(channel, who=f"U{number}") for number in range(2)]
    assert [taker(chat) for chat in busy] == ["Bob", "Bob"]
    clock.shift(timedelta(minutes=3))
    here(alice)
    chat = chat_of(channel, who="Uz")
    assert (taker(chat), chat.assignee_id) == ("Alice", bob.id)


def test_a_chat_taken_by_hand_stays_however_long_it_waits(clock, channel, alice, bob):
    here(alice, bob)
    put(settings.GIVES_OUT, 0)
    chat = chat_of(channel)
    put(settings.GIVES_OUT, 1)
    with transaction.writing():
        chats.take(chat, by=again(alice))
    clock.shift(timedelta(minutes=9))
    here(alice, bob)
    look()
    assert taker(chat) == "Alice"


# ── Going on ────────────────────────────────────────────────────────────────────────────────


def test_unopened_it_goes_on_to_the_next_and_then_waits_in_new(clock, channel, alice, bob):
    here(alice, bob)
    chat = chat_of(channel)
    assert taker(chat) == "Alice"
    clock.shift(timedelta(minutes=2))
    here(alice, bob)
    look()
    assert taker(chat) == "Bob"
    clock.shift(timedelta(minutes=2))
    here(alice, bob)
    look()
    look()
    assert taker(chat) is None
    assert told(chat) == ["chat.given_out", "chat.put_back"] * 2
    assert chat_lists.incoming(access.audience_of(again(alice))) == [chat]


def test_who_opened_it_keeps_it(clock, channel, alice, bob):
    here(alice, bob)
    chat = chat_of(channel)
    with transaction.writing():
        chats.mark_read(chat, chat.last_message_id, by=again(alice))
    clock.shift(timedelta(minutes=5))
    here(alice, bob)
    look()
    assert taker(chat) == "Alice"


def test_who_had_read_it_before_opens_it_by_reading_the_same_again(clock, channel, alice, bob):
    chat = chat_of(channel)
    with transaction.writing():
        chats.mark_read(chat, chat.last_message_id, by=again(alice))
    here(alice)
    look()
    assert chat_lists.responses(again(alice)) == [chat]
    with transaction.writing():
        chats.mark_read(chat, chat.last_message_id, by=again(alice))
    clock.shift(timedelta(minutes=5))
    here(alice, bob)
    look()
    assert (taker(chat), chat_lists.responses(again(alice))) == ("Alice", [])


@pytest.mark.parametrize("how", ["select", "reply"])
def test_selecting_and_answering_are_opening(clock, channel, alice, bob, how):
    here(alice, bob)
    chat = chat_of(channel)
    with transaction.writing():
        if how == "select":
            chats.select_message(chat, by=again(alice))
        else:
            chats.reply(chat, "Hello", by=again(alice))
    clock.shift(timedelta(minutes=5))
    here(alice, bob)
    look()
    assert taker(chat) == "Alice"


def test_a_colleague_who_looks_at_it_does_not_accept_it(clock, channel, alice, bob):
    here(alice)
    chat = chat_of(channel)
    with transaction.writing():
        chats.mark_read(chat, chat.last_message_id, by=again(bob))
    clock.shift(timedelta(minutes=2))
    here(alice, bob)
    look()
    assert taker(chat) == "Bob"


def test_unopened_it_goes_on_at_once_when_its_agent_takes_no_chats(channel, alice, bob):
    here(alice, bob)
    chat = chat_of(channel)
    with transaction.writing():
        presence.choose(again(alice), "no_chats")
    look()
    assert taker(chat) == "Bob"


def test_who_puts_it_back_is_not_given_it_again(channel, alice, bob):
    here(alice, bob)
    chat = chat_of(channel)
    with transaction.writing():
        chats.put_back(chat, by=again(alice))
    assert taker(chat) == "Bob"
    with transaction.writing():
        chats.put_back(chat, by=again(bob))
    look()
    assert taker(chat) is None


def test_a_chat_that_opens_again_is_given_out_anew(clock, channel, alice):  # U16, S25
    here(alice)
    chat = chat_of(channel)
    with transaction.writing():
        chats.put_back(chat, by=again(alice))
        chats.end(chat, "open", by=None)
    receive(channel, said("again"))
    assert taker(chat) == "Alice"


def test_a_handed_over_chat_is_not_taken_back(clock, channel, alice, bob):
    here(alice, bob)
    chat = chat_of(channel)
    with transaction.writing():
        chats.hand_over(chat, again(bob), by=again(alice))
    clock.shift(timedelta(minutes=2))
    here(alice, bob)
    look()
    assert taker(chat) == "Bob"


def test_who_is_locked_out_leaves_their_chats_to_the_next(channel, alice, bob):
    here(alice, bob)
    chat = chat_of(channel)
    with transaction.writing():
        again(alice).is_active = False
        agents.end_access(again(alice))
    assert taker(chat) == "Bob"


def test_moved_to_another_group_it_goes_to_somebody_of_that_group(channel, bob, charlie):
    support = db.session.scalars(select(Group).where(Group.name == "Support")).one()
    here(bob)
    chat = chat_of(channel)
    here(charlie)
    with transaction.writing():
        cases.move(chat, support, by=None)
    assert taker(chat) == "Charlie"


# ── At once, and cheaply ────────────────────────────────────────────────────────────────────


def test_chats_that_open_at_once_are_spread_evenly(app, channel):
    people = [new_agent(app, name, None) for name in ("Una", "Vera", "Walter", "Xaver")]
    here(*people)
    start = threading.Barrier(4)

    def deliver(number: int) -> None:
        with app.app_context():
            for turn in range(5):
                start.wait(20)
                receive(channel, said("hi", who=f"U{number}-{turn}"))
            transaction.release()

    threads = [threading.Thread(target=deliver, args=(number,)) for number in range(4)]
    [thread.start() for thread in threads]
    [thread.join(60) for thread in threads]
    look()
    had = [db.session.query(Case).filter_by(taken_by_id=agent.id).count() for agent in people]
    assert had == [5, 5, 5, 5]


def test_switched_off_a_new_chat_costs_one_question_and_a_further_message_none(channel, monkeypatch):
    put(settings.GIVES_OUT, 0)
    asked, kept = [], settings.kept
    monkeypatch.setattr(settings, "kept", lambda name: (asked.append(name), kept(name))[1])
    chat_of(channel)
    opened = asked.count(settings.GIVES_OUT)
    receive(channel, said("more"))
    assert (opened, asked.count(settings.GIVES_OUT)) == (1, 1)


def test_who_is_claimed_by_hand_meanwhile_is_left(channel, alice, bob):
    chat = chat_of(channel)
    here(bob)
    with transaction.writing():
        db.session.execute(update(Case).values(taken_by_id=alice.id, taken_at=now()))
        assert not chats.give_out(chat, again(bob), cause="least_busy")
    assert taker(chat) == "Alice"

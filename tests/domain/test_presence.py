"""Online, no chats, offline: what follows for new chats, and what does not (H2, U16, U17)."""

from datetime import timedelta

import pytest

from app import transaction
from app.clock import now
from app.domain import access, agents, chat_lists, chats, presence
from app.domain.agents import Refused
from app.extensions import db
from app.live import service
from app.models import Agent
from tests.world import ToyAdapter, chat_of, connected, play, receive, said


@pytest.fixture
def toy(app) -> ToyAdapter:
    return play(ToyAdapter())


def here(*people: Agent) -> None:
    """Each has an open page now."""
    with transaction.writing():
        service.keep_presence(agent.id for agent in people)


def chosen(agent: Agent, state: str) -> Agent:
    with transaction.writing():
        presence.choose(db.session.get_one(Agent, agent.id), state)
    return db.session.get_one(Agent, agent.id)


def test_who_never_opened_a_page_is_offline(alice):
    assert presence.state(alice) == "offline"
    assert presence.states() == {alice.id: "offline"}


def test_an_open_page_makes_online_and_two_minutes_without_one_make_offline(alice, clock):  # U17
    here(alice)
    alice = db.session.get_one(Agent, alice.id)
    clock.shift(timedelta(seconds=119))
    assert presence.state(alice) == "online"
    clock.shift(timedelta(seconds=1))
    assert (presence.state(alice), presence.states()) == ("offline", {alice.id: "offline"})


def test_who_takes_no_chats_is_there_and_is_offered_none(bob):
    here(bob)
    bob = chosen(bob, "no_chats")
    assert (presence.state(bob), access.offered_to(bob)) == ("no_chats", None)
    bob = chosen(bob, "online")
    assert (presence.state(bob), access.offered_to(bob)) == ("online", access.audience_of(bob))


def test_who_takes_no_chats_goes_on_with_their_own_and_may_take_more(toy, bob):
    bob = chosen(bob, "no_chats")
    channel = connected("toy")
    mine, other = chat_of(channel, who="Ua"), chat_of(channel, who="Ub")
    with transaction.writing():
        assert chats.take(mine, by=bob)
    receive(channel, said("more", who="Ua"))
    assert chat_lists.responses(bob) == [mine]
    with transaction.writing():
        assert chats.take(other, by=bob)


def test_a_chat_waits_in_new_though_nobody_is_online(toy, alice, bob):  # U16
    for agent in (alice, bob):
        chosen(agent, "no_chats")
    chat = chat_of(connected("toy"))
    assert chat_lists.incoming(access.audience_of(alice)) == chat_lists.incoming(access.audience_of(bob)) == [chat]


def test_the_least_busy_is_somebody_who_is_online(toy, alice, bob, dora):
    chat = chat_of(connected("toy"))
    assert presence.least_busy(chat) is None
    here(alice, bob, dora)
    chosen(alice, "no_chats")
    assert presence.least_busy(chat).id == bob.id
    with transaction.writing():
        db.session.get_one(Agent, bob.id).live_at = now() - timedelta(minutes=2)
    assert presence.least_busy(chat) is None


@pytest.mark.parametrize("state", ["offline", "", "away"])
def test_nobody_chooses_anything_else(bob, state):
    with pytest.raises(Refused):
        chosen(bob, state)


def test_colleagues_are_chosen_from_whatever_their_state(toy, alice, bob):
    chat = chat_of(connected("toy"))
    assert [agent.id for agent in agents.who_may_have(chat)] == [alice.id, bob.id]

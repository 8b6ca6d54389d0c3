"""States of agents as pages show them, and choosing one's own (H2)."""

import re

import pytest

from app import transaction
from app.extensions import db
from app.live import service
from app.models import Agent
from tests.web.desk import act, chat_in, fragment, taken
from tests.world import ToyAdapter, play


@pytest.fixture(autouse=True)
def toy(app) -> ToyAdapter:
    return play(ToyAdapter())


@pytest.fixture
def bobs(client, sign_in, bob):
    """Bob's browser."""
    return sign_in(client, bob)


def here(app, *people: Agent) -> None:
    with app.app_context(), transaction.writing():
        service.keep_presence(agent.id for agent in people)


def pressed(page: str) -> list[str]:
    return re.findall(r'name="state" value="(\w+)"[^>]*aria-pressed="true"', page)


def test_the_menu_shows_and_changes_ones_own_state(app, bobs, bob):
    assert pressed(bobs.get("/chats").text) == ["online"]
    answer = act(bobs, "/account/state", state="no_chats")
    assert pressed(answer.text) == ["no_chats"]
    assert pressed(fragment(bobs, "/account/state").text) == ["no_chats"]
    assert pressed(bobs.get("/cases").text) == ["no_chats"]


def test_without_a_script_choosing_leads_to_chats(bobs):
    answer = bobs.post("/account/state", data={"state": "no_chats"})
    assert (answer.status_code, answer.location) == (303, "/chats")
    assert bobs.get("/account/state").location == "/account"


def test_what_nobody_can_choose_is_refused_in_words(bobs):
    answer = act(bobs, "/account/state", state="away")
    assert (answer.status_code, "Choose Online or No chats." in answer.text) == (409, True)


def test_new_chats_light_no_icon_of_who_takes_none_and_stand_in_new(app, bobs):
    number = chat_in(app)
    assert 'class="chats-icon is-lit"' in bobs.get("/cases").text
    act(bobs, "/account/state", state="no_chats")
    page = bobs.get("/chats?tab=new").text
    assert 'class="chats-icon is-lit"' not in page
    assert f"/chats/{number}/selection" in page


def test_states_stand_beside_colleagues_the_online_ones_first(app, bobs, bob, alice, erin):
    number = chat_in(app)
    taken(app, number, bob)
    here(app, erin)
    page = fragment(bobs, f"/chats/{number}/colleagues").text
    assert re.findall(r"<bdi>(\w+)</bdi>.*?presence is-(\w+)", page) == [("Erin", "online"), ("Alice", "offline")]
    assert "presence is-online" in bobs.get(f"/chats/{number}").text
    assert bobs.get(f"/chats/{number}/colleagues").location == f"/chats/{number}"


def test_states_stand_on_the_agents_page(app, client, sign_in, alice, bob, with_password):
    with_password(bob)
    here(app, bob)
    with app.app_context(), transaction.writing():
        db.session.get_one(Agent, bob.id).takes_chats = False
    admin = sign_in(client, alice)
    assert "presence is-no_chats" in admin.get("/settings/agents").text
    part = fragment(admin, "/settings/agents").text
    assert "presence is-no_chats" in part
    assert "<html" not in part

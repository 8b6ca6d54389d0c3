"""What pages offer those who see only what is theirs, and those who may only look (H1)."""

import re

import pytest

from app import transaction
from app.domain import cases, chats
from app.extensions import db
from app.models import Agent, Case
from tests.web.desk import act, case_of, chat_in, ended, replied, says, taken
from tests.world import ToyAdapter, play


@pytest.fixture(autouse=True)
def toy(app) -> ToyAdapter:
    return play(ToyAdapter())


@pytest.fixture
def looker(client, sign_in, dora):
    return sign_in(client, dora)


@pytest.fixture
def hers(client, sign_in, erin):
    """Erin's browser."""
    return sign_in(client, erin)


def given(app, number: int, agent: Agent) -> None:
    with app.app_context(), transaction.writing():
        chats.hand_over(db.session.get_one(Case, number), db.session.get_one(Agent, agent.id), by=None)


def forms_of(page: str) -> set[str]:
    """Where the forms of the open page would be sent, but for those of every page."""
    main = page.partition("<main")[2].partition("</main>")[0]
    return set(re.findall(r'<form[^>]* action="([^"]+)"', main))


def test_who_may_only_look_is_offered_nothing_that_would_be_refused(app, looker, bob):
    number = chat_in(app)
    replied(app, number, "One moment", bob)
    page = looker.get(f"/chats/{number}").text
    assert forms_of(page) == set()
    assert "mado-composer" not in page
    assert "data-reading" not in page
    assert "You may look here and change nothing" in page
    assert "/macros" not in page


def test_who_may_only_look_reads_cases_with_what_they_are_filed_under(app, looker):
    number = chat_in(app)
    ended(app, number)
    page = looker.get(f"/cases/{number}").text
    assert forms_of(page) == set()
    assert "Closed" in page and "Nobody" in page
    assert "/cases/new" not in looker.get("/cases").text


def test_who_may_only_look_opens_new_chats_without_selecting_them(app, looker):
    number = chat_in(app)
    assert forms_of(looker.get("/chats?tab=new").text) == set()
    assert f'href="/chats/{number}?tab=new"' in looker.get("/chats?tab=new").text


def test_the_icon_is_not_lit_for_who_may_only_look(app, looker):
    chat_in(app)
    page = looker.get("/cases").text
    assert 'id="chats-icon" class="chats-icon"' in page
    assert "New chats do not light this icon for you" in page


def test_a_script_is_told_that_one_may_only_look(app, looker):
    answer = act(looker, f"/cases/{chat_in(app)}/messages", text="hello")
    assert (answer.status_code, answer.headers["X-Mado"]) == (403, "looks")
    assert "You may only look" in answer.text


def test_who_sees_only_what_is_theirs_is_led_away_from_what_they_put_back(app, hers, erin):
    number = chat_in(app)
    given(app, number, erin)
    answer = act(hers, f"/chats/{number}/return")
    assert answer.headers["HX-Redirect"] == "/chats"
    assert "not yours any more" in hers.get("/chats").text
    assert case_of(app, number).taken_by_id is None


def test_who_sees_only_what_is_theirs_is_led_away_from_what_they_hand_over(app, hers, erin, bob):
    number = chat_in(app)
    given(app, number, erin)
    assert hers.post(f"/chats/{number}/handover", data={"agent_id": bob.id}).location == "/chats"


def test_no_undo_is_offered_for_what_one_sees_no_more(app, hers, erin):
    number = chat_in(app)
    given(app, number, erin)
    hers.post(f"/cases/{number}/spam")
    page = hers.get("/chats").text
    assert f"Case {number} is spam." in page
    assert "/spam/removal" not in page


def test_who_sees_only_what_is_theirs_ends_a_chat_and_goes_on(app, hers, erin):
    number = chat_in(app)
    given(app, number, erin)
    answer = hers.post(f"/chats/{number}/ending", data={"status": "closed", "anyway": "1"})
    assert answer.location == "/chats"
    assert hers.get(f"/cases/{number}").status_code == 404


def test_icon_and_new_show_what_is_assigned_and_nothing_else(app, hers, erin):
    other, mine = chat_in(app, "not hers", who="Ua"), chat_in(app, "hers", who="Ub")
    with app.app_context(), transaction.writing():
        cases.assign(db.session.get_one(Case, mine), db.session.get_one(Agent, erin.id), by=None)
    page = hers.get("/chats?tab=new").text
    assert f"/chats/{mine}/selection" in page
    assert f"/chats/{other}" not in page
    assert "not hers" not in page


def test_a_case_one_writes_down_is_opened_though_one_sees_only_ones_own(hers):
    made = hers.post("/cases/new", data={"subject": "", "contact": "Yuki", "text": "a lid"})
    assert hers.get(made.location).status_code == 200


def test_whom_one_may_hand_over_to(app, client, sign_in, bob, dora, erin):
    number = chat_in(app)
    taken(app, number, bob)
    says(app, number, "more")
    page = sign_in(client, bob).get(f"/chats/{number}").text
    offered = re.findall(r'name="agent_id" value="(\d+)"', page)
    assert offered == [str(erin.id)]

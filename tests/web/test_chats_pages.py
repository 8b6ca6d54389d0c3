"""Chats as pages: the lists, an open chat, taking, handing over, ending, and the answers to each."""

import re

import pytest

from app.clock import now
from app.domain import chat_lists
from app.extensions import db
from app.models import Case, Identity
from tests.web import desk
from tests.web.desk import act, chat_in, fragment
from tests.world import ToyAdapter, play


@pytest.fixture(autouse=True)
def toy(app) -> ToyAdapter:
    return play(ToyAdapter())


@pytest.fixture
def at_desk(client, sign_in, alice):
    return sign_in(client, alice)


@pytest.fixture
def bobs(app, sign_in, bob):
    return sign_in(app.test_client(), bob)


def tab_counts(page: str) -> dict[str, int]:
    found = re.findall(r'>(New|Mine|Others) <span class="count[^"]*" data-count="(\d+)"', page)
    return {name: int(number) for name, number in found}


# ── Lists ───────────────────────────────────────────────────────────────────────────────────


def test_the_root_leads_to_chats(at_desk):
    answer = at_desk.get("/")
    assert (answer.status_code, answer.location) == (303, "/chats")


def test_signed_out_people_are_led_to_the_sign_in(client):
    assert client.get("/chats").location == "/sign-in?next=/chats"


def test_the_three_lists_count_their_chats(app, at_desk, alice, bob):  # S11
    chat_in(app, who="U1")
    desk.taken(app, chat_in(app, who="U2"), alice)
    desk.taken(app, chat_in(app, who="U3"), bob)
    assert tab_counts(at_desk.get("/chats").text) == {"New": 1, "Mine": 1, "Others": 1}


def test_a_list_says_how_many_come_after_those_it_shows(app, at_desk, monkeypatch):  # S11
    numbers = [chat_in(app, who=f"U{number}") for number in range(4)]
    assert "behind these" not in at_desk.get("/chats?tab=new").text
    monkeypatch.setattr(chat_lists, "SHOWN", 2)
    page = at_desk.get("/chats/list?tab=new").text
    assert [f'data-number="{number}"' in page for number in numbers] == [True, True, False, False]
    assert tab_counts(page)["New"] == 4
    assert "2 more chats wait behind these." in page


def test_a_row_says_who_wrote_what_and_where(app, at_desk):  # S14
    chat_in(app, "My order is late", name="Somchai")
    page = at_desk.get("/chats?tab=new").text
    assert "<bdi>Somchai</bdi>" in page
    assert "My order is late" in page
    assert '<bdi class="channel">Shop</bdi>' in page


@pytest.mark.parametrize(
    ("tab", "words"),
    [
        ("new", "Nobody is waiting"),
        ("mine", "No chats of yours"),
        ("others", "Your colleagues have no chats"),
    ],
)
def test_an_empty_list_says_what_will_appear(at_desk, tab, words):
    assert words in at_desk.get(f"/chats?tab={tab}").text


def test_the_list_part_is_the_very_list_of_the_page(app, at_desk):
    chat_in(app)
    part = fragment(at_desk, "/chats/list?tab=new").text.strip()
    assert without_keys(part) in without_keys(at_desk.get("/chats?tab=new").text)


def test_a_tab_chosen_by_hand_stands_in_the_address(app, at_desk):  # U18
    here = {"HX-Current-URL": "http://127.0.0.1:8000/chats/7?tab=new"}
    chosen = fragment(at_desk, "/chats/list?tab=mine&by=hand", headers=here)
    refreshed = fragment(at_desk, "/chats/list?tab=mine", headers=here)
    assert chosen.headers["HX-Replace-Url"] == "/chats/7?tab=mine"
    assert "HX-Replace-Url" not in refreshed.headers


def test_mail_like_cases_are_no_chats(app, at_desk):  # S12
    at_desk.post("/cases/new", data={"contact": "Yuki", "text": "By phone"})
    assert tab_counts(at_desk.get("/chats").text) == {"New": 0, "Mine": 0, "Others": 0}


@pytest.mark.parametrize("tab", ["new", "mine"])
def test_lists_cost_the_same_however_many_chats_there_are(app, at_desk, alice, tab):
    desk.taken(app, chat_in(app, who="U0"), alice)
    chat_in(app, who="U1")
    with desk.counted(app) as few:
        at_desk.get(f"/chats/list?tab={tab}")
    for number in range(2, 9):
        chat = chat_in(app, who=f"U{number}")
        desk.taken(app, chat, alice) if tab == "mine" else None
    with desk.counted(app) as many:
        at_desk.get(f"/chats/list?tab={tab}")
    assert len(many) == len(few)


# ── The icon ────────────────────────────────────────────────────────────────────────────────


def test_the_icon_is_neutral_at_zero_and_counts_chats(app, at_desk):  # S13
    before = at_desk.get("/cases").text
    chat_in(app, who="U1")
    desk.says(app, chat_in(app, who="U2"), "and another thing")
    after = at_desk.get("/cases").text
    assert 'class="chats-icon"' in before
    assert 'aria-label="Incoming chats"' in before
    assert 'class="chats-icon is-lit"' in after
    assert 'aria-label="Incoming chats: 2"' in after


def test_a_response_lights_the_icon_of_its_taker_alone(app, at_desk, bobs, alice):  # S14
    number = chat_in(app)
    desk.taken(app, number, alice)
    desk.says(app, number, "are you there?")
    assert 'aria-label="Incoming chats: 1"' in at_desk.get("/cases").text
    assert 'aria-label="Incoming chats"' in bobs.get("/cases").text


def test_a_read_response_leaves_the_icon(app, at_desk, alice):  # S15
    number = chat_in(app)
    desk.taken(app, number, alice)
    newest = desk.says(app, number, "are you there?")
    assert 'data-count="1"' in fragment(at_desk, "/live/responses").text
    assert act(at_desk, f"/cases/{number}/reading", message_id=newest).status_code == 204
    assert '<section id="responses" data-count="0"' in fragment(at_desk, "/live/responses").text


def test_opening_a_chat_reads_nothing(app, at_desk, alice):  # S15
    number = chat_in(app)
    desk.taken(app, number, alice)
    desk.says(app, number, "are you there?")
    at_desk.get(f"/chats/{number}")
    assert '<section id="responses" data-count="1"' in fragment(at_desk, "/live/responses").text


def test_what_is_pushed_to_everybody_carries_no_token(app, at_desk):
    chat_in(app)
    assert "csrf_token" not in fragment(at_desk, "/live/incoming").text


# ── An open chat ────────────────────────────────────────────────────────────────────────────


def test_a_chat_is_a_page_and_a_fragment(app, at_desk):
    number = chat_in(app)
    page, part = at_desk.get(f"/chats/{number}").text, fragment(at_desk, f"/chats/{number}").text
    assert page.startswith("<!doctype html>")
    assert part.lstrip().startswith('<section id="conversation"')
    assert "My order is late" in page and "My order is late" in part


def test_going_back_in_history_gets_the_whole_page(app, at_desk):
    headers = {"HX-History-Restore-Request": "true"}
    answer = fragment(at_desk, f"/chats/{chat_in(app)}", headers=headers)
    assert answer.text.startswith("<!doctype html>")


def test_an_ended_chat_is_looked_at_as_a_case(app, at_desk):
    number = chat_in(app)
    desk.ended(app, number)
    answer = at_desk.get(f"/chats/{number}")
    assert (answer.status_code, answer.location) == (302, f"/cases/{number}")


def test_an_untaken_chat_offers_taking_and_handing_over(app, at_desk):  # S26b
    page = at_desk.get(f"/chats/{chat_in(app)}").text
    assert "Take chat" in page and "Hand over" in page
    assert "Put back" not in page and "Take over" not in page


def test_a_colleagues_chat_offers_taking_over(app, at_desk, bob):
    number = chat_in(app)
    desk.taken(app, number, bob)
    page = at_desk.get(f"/chats/{number}").text
    assert "Bob has this chat" in page
    assert "Take over" in page and "Take chat" not in page


def test_hostile_text_is_only_text(app, at_desk):  # T4, T34
    hostile = '"><img src=x onerror=pwn()><b hx-get=/x hx-trigger=load>'
    number = chat_in(app, hostile, name=hostile)
    page = at_desk.get(f"/chats/{number}").text
    assert "<img src=x" not in page and "<b hx-get" not in page
    assert "&lt;img src=x" in page


def test_a_blocked_contact_is_told_of(app, at_desk):
    number = chat_in(app)
    identity_id = desk.identity_of(app, number).id
    with app.app_context(), desk.transaction.writing():
        db.session.get_one(Identity, identity_id).blocked_at = now()
    page = at_desk.get(f"/chats/{number}").text
    assert "blocked the channel" in page
    assert "so replies don" in page


def test_a_group_that_the_channel_left_takes_notes_only(app, at_desk):  # S28
    number = chat_in(app)
    with app.app_context(), desk.transaction.writing():
        db.session.get_one(Case, number).conversation.left_at = now()
    page = at_desk.get(f"/chats/{number}").text
    assert "The channel has left this group" in page
    assert 'value="note" data-key="n" checked' in page
    assert 'value="reply" data-key="r" disabled' in page
    answer = act(at_desk, f"/cases/{number}/messages", text="anybody?", mode="reply")
    assert answer.status_code == 422
    assert "The channel has left this group" in answer.text
    assert [direction for direction, _ in desk.messages_of(app, number)] == ["in"]


def test_the_contacts_last_cases_stand_beside_it(app, at_desk):
    first = chat_in(app, "First question")
    desk.ended(app, first)
    second = chat_in(app, "Second question")
    assert second != first
    page = at_desk.get(f"/chats/{second}").text
    assert f'href="/cases/{first}"' in page


# ── Selecting, taking, handing over ─────────────────────────────────────────────────────────


def test_selecting_leads_to_the_chat_and_is_recorded(app, at_desk):  # S14
    number = chat_in(app)
    answer = at_desk.post(f"/chats/{number}/selection")
    assert (answer.status_code, answer.location) == (303, f"/chats/{number}")
    assert "chat.selected" in event_types(app, number)


def test_looking_selects_nothing(app, at_desk):  # S31
    number = chat_in(app)
    at_desk.get(f"/chats/{number}")
    fragment(at_desk, f"/chats/{number}")
    assert "chat.selected" not in event_types(app, number)


def test_selecting_what_has_ended_leads_to_its_case(app, at_desk):
    number = chat_in(app)
    desk.ended(app, number)
    assert at_desk.post(f"/chats/{number}/selection").location == f"/cases/{number}"
    assert act(at_desk, f"/chats/{number}/selection").headers["HX-Redirect"] == f"/cases/{number}"


def test_taking_answers_with_what_it_changed(app, at_desk, alice):  # H7
    number = chat_in(app)
    answer = act(at_desk, f"/chats/{number}/taking")
    assert desk.case_of(app, number).taken_by_id == alice.id
    assert "You have this chat" in answer.text
    assert tab_counts(answer.text) == {"New": 0, "Mine": 1, "Others": 0}


def test_taking_without_scripts_leads_back_to_the_chat(app, at_desk):
    number = chat_in(app)
    answer = at_desk.post(f"/chats/{number}/taking")
    assert (answer.status_code, answer.location) == (303, f"/chats/{number}")


def test_the_second_to_take_is_told_who_was_first(app, at_desk, alice, bob):  # H7
    number = chat_in(app)
    desk.taken(app, number, bob)
    answer = act(at_desk, f"/chats/{number}/taking")
    assert answer.status_code == 409
    assert "Bob has this chat now." in answer.text
    assert answer.headers["HX-Retarget"] == "#toasts"
    assert desk.case_of(app, number).taken_by_id == bob.id


def test_a_refusal_without_scripts_is_told_on_the_next_page(app, at_desk, bob):
    number = chat_in(app)
    desk.taken(app, number, bob)
    answer = at_desk.post(f"/chats/{number}/taking", follow_redirects=True)
    assert "Bob has this chat now." in answer.text


def test_handing_over_and_taking_over(app, at_desk, bobs, alice, bob):  # S26b
    number = chat_in(app)
    desk.taken(app, number, alice)
    act(at_desk, f"/chats/{number}/handover", agent_id=bob.id)
    assert desk.case_of(app, number).taken_by_id == bob.id
    act(at_desk, f"/chats/{number}/takeover")
    assert desk.case_of(app, number).taken_by_id == alice.id


@pytest.mark.parametrize("agent_id", ["", "0", "x", "99999", "9" * 40])
def test_handing_over_to_nobody_is_refused(app, at_desk, alice, agent_id):
    number = chat_in(app)
    desk.taken(app, number, alice)
    answer = act(at_desk, f"/chats/{number}/handover", agent_id=agent_id)
    assert answer.status_code == 409
    assert desk.case_of(app, number).taken_by_id == alice.id


def test_handing_over_to_who_may_not_see_it_is_refused(app, at_desk, alice, charlie):
    number = chat_in(app)
    desk.grouped(app, number, "Sales")
    desk.taken(app, number, alice)
    answer = act(at_desk, f"/chats/{number}/handover", agent_id=charlie.id)
    assert answer.status_code == 409
    assert "can&#39;t see the chat" in answer.text


def test_putting_back_returns_to_new(app, at_desk, alice):  # S26b
    number = chat_in(app)
    desk.taken(app, number, alice)
    act(at_desk, f"/chats/{number}/return")
    assert desk.case_of(app, number).taken_by_id is None


# ── Ending ──────────────────────────────────────────────────────────────────────────────────


def test_the_dialog_preselects_by_who_wrote_last(app, at_desk, alice):  # S17
    number = chat_in(app)
    asked = fragment(at_desk, f"/chats/{number}/ending").text
    desk.replied(app, number, "It is on its way", alice)
    answered = fragment(at_desk, f"/chats/{number}/ending").text
    assert 'value="open" checked' in asked
    assert 'value="pending" checked' in answered


def test_the_dialog_is_a_page_without_scripts(app, at_desk):
    page = at_desk.get(f"/chats/{chat_in(app)}/ending").text
    assert page.startswith("<!doctype html>")
    assert "End chat" in page


def test_ending_leads_to_chats_and_puts_the_case_in_all_cases(app, at_desk):  # S10, S17
    number = chat_in(app)
    answer = act(at_desk, f"/chats/{number}/ending", status="closed", last_seen=10**6)
    assert answer.headers["HX-Redirect"] == "/chats"
    assert desk.case_of(app, number).status == "closed"
    assert f'id="case-{number}"' in at_desk.get("/cases").text


def test_a_newer_message_refuses_once(app, at_desk):  # S17
    number = chat_in(app, name="Somchai")
    seen = desk.case_of(app, number).last_message_id
    desk.says(app, number, "one more thing")
    refused = act(at_desk, f"/chats/{number}/ending", status="pending", last_seen=seen)
    assert refused.status_code == 409
    assert "Somchai just wrote." in refused.text
    assert 'value="pending" checked' in refused.text
    assert desk.case_of(app, number).is_active_chat
    act(at_desk, f"/chats/{number}/ending", status="pending", last_seen=seen, anyway="1")
    assert desk.case_of(app, number).chat_state == "ended"


@pytest.mark.parametrize("fields", [{}, {"last_seen": ""}, {"last_seen": "all"}, {"last_seen": str(10**30)}])
def test_who_does_not_say_what_the_page_had_shown_has_seen_nothing(app, at_desk, fields):  # S17
    number = chat_in(app, name="Somchai")
    answer = act(at_desk, f"/chats/{number}/ending", status="closed", **fields)
    assert (answer.status_code, "Somchai just wrote." in answer.text) == (409, True)
    assert desk.case_of(app, number).is_active_chat


def test_ending_twice_is_one_ending_and_a_friendly_word(app, at_desk):  # S17
    number = chat_in(app)
    at_desk.post(f"/chats/{number}/ending", data={"status": "open", "last_seen": 10**6})
    again = at_desk.post(f"/chats/{number}/ending", data={"status": "closed"}, follow_redirects=True)
    assert "This chat has ended already." in again.text
    assert desk.case_of(app, number).status == "open"
    assert event_types(app, number).count("chat.ended") == 1


def test_ending_without_a_choice_asks_for_one(app, at_desk):
    number = chat_in(app)
    answer = act(at_desk, f"/chats/{number}/ending", last_seen=10**6)
    assert answer.status_code == 422
    assert "Choose a status" in answer.text


def test_keeping_open_moves_the_deadline(app, at_desk):  # S20a
    number = chat_in(app)
    answer = act(at_desk, f"/chats/{number}/extension")
    assert answer.status_code == 200
    assert desk.case_of(app, number).keep_open_until is not None


def test_an_ended_chat_cannot_be_kept_open(app, at_desk):
    number = chat_in(app)
    desk.ended(app, number)
    answer = act(at_desk, f"/chats/{number}/extension")
    assert answer.status_code == 409
    assert "ended already" in answer.text


def without_keys(page: str) -> str:
    return re.sub(r'name="csrf_token" value="[^"]*"', "", page)


def event_types(app, number: int) -> list[str]:
    from app.domain import events

    with app.app_context():
        return [one.type for one in events.of_case(db.session.get_one(Case, number))]

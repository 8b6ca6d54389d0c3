"""The two parts behind the icon, as a page fetches them."""

import pytest

from app import rows, transaction
from app.domain import access, chat_lists, chats
from app.extensions import db
from app.models import Agent, Case
from tests import world
from tests.web.desk import chat_in
from tests.world import ToyAdapter, play


def answered_chat(app, agent) -> int:
    """A chat of this agent's in which the contact has written again."""
    play(ToyAdapter())
    number = chat_in(app, "First")
    with app.app_context():
        case = db.session.get_one(Case, number)
        with transaction.writing():
            chats.take(case, by=db.session.get_one(Agent, agent.id))
        world.receive(case.channel, world.said("Still there?"))
    return number


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://localhost.evil.example"])
def test_no_other_sites_page_opens_a_socket(client, alice, sign_in, origin):  # T15
    sign_in(client, alice)
    asked = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    answer = client.get("/live", headers=asked | ({} if origin is None else {"Origin": origin}))
    assert answer.status_code == 403


def test_incoming_part_counts_chats_not_messages(app, client, alice, sign_in):  # S13
    play(ToyAdapter())
    number = chat_in(app, "First")
    with app.app_context():
        channel = db.session.get_one(Case, number).channel
        world.receive(channel, world.said("Second"), world.said("Third"))

    part = sign_in(client, alice).get("/live/incoming").text

    assert 'data-count="1"' in part
    assert "Third" in part


@pytest.mark.parametrize(("shown", "listed"), [(2, 2), (3, 3), (200, 3)])
def test_incoming_part_counts_also_those_for_whom_it_has_no_row(app, client, alice, bob, sign_in, monkeypatch, shown, listed):  # S13
    monkeypatch.setattr(chat_lists, "SHOWN", shown)
    play(ToyAdapter())
    chat_in(app, who="Usomchai"), chat_in(app, who="Uyuki"), chat_in(app, who="Umalee")
    sign_in(client, alice)

    part, page = client.get("/live/incoming").text, client.get("/cases").text
    with app.test_request_context():
        pushed = rows.incoming_for([access.audience_of(db.session.get_one(Agent, id_)) for id_ in (alice.id, bob.id)])

    assert (part.count("/selection\" hx-post"), part.count('data-count="3"')) == (listed, 2)
    assert "Incoming chats: 3" in page
    assert [(one.count, len(one.rows)) for one in pushed.values()] == [(3, listed)] * 2


def test_response_is_in_the_part_of_its_taker_alone(app, client, alice, bob, sign_in):  # S14
    answered_chat(app, alice)

    assert "Still there?" in sign_in(client, alice).get("/live/responses").text
    assert "Still there?" not in sign_in(app.test_client(), bob).get("/live/responses").text


def test_chat_that_the_page_is_showing_lights_nothing_there(app, client, alice, sign_in):  # S15
    number = answered_chat(app, alice)
    sign_in(client, alice)

    assert 'data-count="0"' in client.get(f"/live/responses?looking={number}").text
    assert 'data-count="1"' in client.get("/live/responses?looking=nonsense").text

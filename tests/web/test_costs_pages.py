"""What agents see of cost and quota, and what admins see of channels that need them (L9)."""

import re

import pytest
from flask import render_template
from sqlalchemy import select, update

from app import transaction
from app.channels.base import Quota
from app.channels.line.credentials import Credentials
from app.clock import now
from app.domain import channels, quotas
from app.extensions import db
from app.models import Case, Channel, Conversation, Draft, Identity, Message
from tests.world import chat_of, connected, count, receive, said

HTMX = {"HX-Request": "true"}


@pytest.fixture
def as_alice(app, alice, sign_in, clock):
    return sign_in(app.test_client(), alice)


@pytest.fixture
def as_bob(app, bob, sign_in, clock):
    return sign_in(app.test_client(), bob)


@pytest.fixture
def channel(app, clock) -> int:
    with app.app_context():
        made = connected("line")
        with transaction.writing():
            Credentials("token", "s" * 32).keep(db.session.get_one(Channel, made.id))
        return made.id


@pytest.fixture
def chat(app, channel, clock) -> int:
    """A chat whose contact wrote two minutes ago; its number."""
    with app.app_context():
        number = chat_of(db.session.get_one(Channel, channel)).number
    clock.shift(120)
    return number


@pytest.fixture
def told(app, channel, clock):
    """A function: LINE has said so a moment ago."""

    def do(limit: int | None, used: int) -> None:
        with app.app_context(), transaction.writing():
            quotas.took(channel, Quota(limit, used))

    return do


@pytest.fixture
def change(app):
    """A function that sets columns of every row of a table."""

    def do(model, **values) -> None:
        with app.app_context(), transaction.writing():
            db.session.execute(update(model).values(**values))

    return do


def cost(client, number: int) -> str:
    """The words of the region, as they stand in the page."""
    page = client.get(f"/chats/{number}").text
    found = re.search(rf'<div class="cost" id="case-cost-{number}">(.*?)<div class="foot"', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


def test_composer_says_that_a_reply_is_free_and_for_how_long(app, channel, clock, as_bob):
    with app.app_context():
        number = chat_of(db.session.get_one(Channel, channel)).number
    clock.shift(16)

    page = as_bob.get(f"/chats/{number}").text

    assert cost(as_bob, number).startswith("Free for 34 s")
    assert 'data-free-until="2026-11-23T09:00:50.000Z"' in page


@pytest.mark.parametrize(
    ("limit", "used", "words"),
    [
        (200, 57, "Counts 1 of this month's 200; used so far: 57."),
        (200, 165, "Counts 1 of this month's 200; used so far: 165."),
        (None, 9_000, "No monthly limit."),
        (200, 200, "This month's 200 LINE messages are used up. When the contact writes, an answer is free for a moment."),
    ],
)
def test_composer_says_what_a_paid_reply_counts(chat, told, as_bob, limit, used, words):
    told(limit, used)

    assert cost(as_bob, chat) == words


def test_composer_says_softly_that_the_quota_is_not_known(chat, as_bob):
    assert cost(as_bob, chat) == "This month's quota is not known yet."


@pytest.mark.parametrize(
    ("people", "words"),
    [
        (5, "5 people in the group: counts 5 of this month's 200; used so far: 57."),
        (1, "1 person in the group: counts 1 of this month's 200; used so far: 57."),
        (None, "Counts once for each person in the group; used so far: 57 of this month's 200."),
    ],
)
def test_composer_counts_the_people_of_a_group(chat, told, change, as_bob, people, words):
    told(200, 57)
    change(Conversation, kind="group", member_count=people)

    assert cost(as_bob, chat) == words


def test_composer_says_that_nothing_arrives_at_a_contact_who_blocked_the_channel(chat, told, change, as_bob):
    told(200, 57)
    change(Identity, blocked_at=now())

    assert cost(as_bob, chat) == "What does not arrive is not counted."
    assert "The contact has blocked this channel, so replies don't arrive." in as_bob.get(f"/chats/{chat}").text


def test_contacts_next_message_makes_a_spent_quota_free_to_send(app, chat, channel, told, as_bob):
    told(200, 200)
    with app.app_context():
        receive(db.session.get_one(Channel, channel), said("still there?"))

    changes = as_bob.get(f"/cases/{chat}/messages?since=0", headers=HTMX).text

    assert "Free to send for" in changes
    assert f'id="case-cost-{chat}"' in changes


def test_send_at_a_spent_quota_explains_and_queues_nothing(app, chat, told, as_bob):
    told(200, 200)

    answer = as_bob.post(f"/cases/{chat}/messages", data={"text": "Hello", "mode": "reply"}, headers=HTMX)

    assert answer.status_code == 422
    assert "This month&#39;s 200 LINE messages are used up, so this was not sent." in answer.text
    with app.app_context():
        assert count(Message) == 1


def test_only_a_refusal_for_want_of_quota_is_lifted_when_sending_is_free_again(app, chat, told, as_bob):
    told(200, 200)

    spent = as_bob.post(f"/cases/{chat}/messages", data={"text": "Hello", "mode": "reply"}, headers=HTMX)
    empty = as_bob.post(f"/cases/{chat}/messages", data={"text": "", "mode": "reply"}, headers=HTMX)

    assert 'data-lifts-after=""' in spent.text
    assert "data-lifts-after" not in empty.text


def test_refusal_in_the_last_moment_of_a_free_reply_outlives_that_moment(app, channel, told, as_bob, clock):
    with app.app_context():
        number = chat_of(db.session.get_one(Channel, channel)).number
    told(200, 200)
    clock.shift(48)

    spent = as_bob.post(f"/cases/{number}/messages", data={"text": "Hello", "mode": "reply"}, headers=HTMX)
    page = as_bob.get(f"/chats/{number}").text

    assert re.findall('data-lifts-after="(.+?)"', spent.text) == re.findall('data-free-until="(.+?)"', page) != []


def test_send_at_a_spent_quota_without_a_script_keeps_the_text_as_a_draft(app, chat, told, as_bob):
    told(200, 200)

    as_bob.post(f"/cases/{chat}/messages", data={"text": "Hello", "mode": "reply"})

    with app.app_context():
        assert db.session.scalar(select(Draft.text)) == "Hello"


def test_note_at_a_spent_quota_is_kept_as_always(app, chat, told, as_bob):
    told(200, 200)

    answer = as_bob.post(f"/cases/{chat}/messages", data={"text": "Note", "mode": "note"}, headers=HTMX)

    assert answer.status_code == 204


@pytest.mark.parametrize(
    ("used", "words"),
    [
        (165, "Shop has used 165 of this month's 200 LINE messages."),
        (200, "Shop has used 200 of this month's 200 LINE messages. Only free replies go out now"),
    ],
)
def test_admins_see_a_quota_that_ends_on_every_page_and_agents_do_not(channel, told, as_alice, as_bob, used, words):
    told(200, used)

    for_alice = as_alice.get("/cases").text.replace("&#39;", "'")

    assert words in for_alice
    assert f'href="/settings/channels/line/{channel}"' in for_alice
    assert "has used" not in as_bob.get("/cases").text


def test_admins_see_a_refused_channel_on_every_page_with_the_way_to_its_form(app, channel, as_alice, as_bob):
    with app.app_context(), transaction.writing():
        channels.refused(channel, "LINE refused the token.")

    page = as_alice.get("/chats").text

    assert "Shop: LINE refused the token." in page
    assert f'href="/settings/channels/line/{channel}"' in page
    assert "LINE refused the token." in as_alice.get("/settings/channels").text
    assert "LINE refused the token." not in as_bob.get("/chats").text


def test_mended_channel_takes_its_banner_away(app, channel, as_alice):
    with app.app_context(), transaction.writing():
        channels.refused(channel, "LINE refused the token.")
        channels.accepted(channel)

    assert "LINE refused" not in as_alice.get("/live/banners", headers=HTMX).text


def test_channels_page_tells_of_use_and_of_what_free_replies_saved(app, channel, chat, told):
    told(200, 165)
    with app.app_context(), app.test_request_context():
        with transaction.writing():
            number = db.session.scalars(select(Case.conversation_id)).one()
            quotas.add(channel, number, "reply")
            quotas.add(channel, number, "reply")
            quotas.add(channel, number, "push")
        words = render_template("line/_quota.html", channel=db.session.get_one(Channel, channel))

    told_words = " ".join(re.sub(r"<[^>]+>", " ", words).split())
    assert told_words.startswith("166 of 200 used 80 % reached")
    assert told_words.endswith("2 free replies this month saved 2 messages; 1 was paid.")

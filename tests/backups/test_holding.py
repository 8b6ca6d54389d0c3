"""What waited when the backup was made may have gone out since: it is never sent again by itself (F33)."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app import background, delivery, mailing, password_mails, transaction
from app.backups import holding
from app.channels.base import TemporaryError
from app.clock import now
from app.domain import chats, messages, password_requests, timeline, webhook_calls
from app.domain.rules import book
from app.extensions import db
from app.models import Case, Delivery, Message, Notification, PasswordRequest, Rule, WebhookCall
from tests.domain.rules.conftest import again, rule
from tests.world import ToyAdapter, chat_of, connected, count, play, receive, said

AT = "2026-11-23 08:00 UTC"
WAITED = ("minutes_since_contact_message", "at_least", 30)


@pytest.fixture(autouse=True)
def _in_context(app):
    with app.app_context():
        yield
        transaction.release()


@pytest.fixture
def toy() -> ToyAdapter:
    return play(ToyAdapter())


@pytest.fixture
def channel(toy):
    return connected("toy")


def hold() -> holding.Held:
    with transaction.writing():
        held = holding.hold(AT)
    db.session.expire_all()
    return held


def reply(case: Case, text: str, agent) -> Message:
    with transaction.writing():
        return chats.reply(db.session.get_one(Case, case.id), text, by=agent, key=None)


def test_waiting_replies_are_unconfirmed_and_not_sent(channel, toy, alice):
    case = chat_of(channel)
    first, second = reply(case, "one", alice), reply(case, "two", alice)
    assert hold().replies == 2
    delivery.deliver_due()

    states = [db.session.get_one(Message, one.id).state for one in (first, second)]
    assert states == ["unconfirmed"] * 2
    assert AT in db.session.get_one(Message, first.id).error
    assert (toy.sent, count(Delivery)) == ([], 0)


def test_reply_that_was_tried_already_is_held_too(channel, toy, alice, clock):
    toy.outcomes = [TemporaryError("busy")]
    reply(chat_of(channel), "one", alice)
    delivery.deliver_due()
    hold()
    clock.shift(timedelta(minutes=5))
    delivery.deliver_due()
    assert len(toy.sent) == 1


def test_held_reply_is_sent_when_an_agent_says_so(channel, toy, alice):
    message = reply(chat_of(channel), "one", alice)
    hold()
    with transaction.writing():
        messages.retry(db.session.get_one(Message, message.id), by=alice)
    delivery.deliver_due()
    assert [one.body for one in toy.sent] == ["one"]


def test_waiting_mails_are_shown_instead(channel, bob):
    rule("new_case", then=[("notify_agents", {"to": ["all"], "by": ["email"], "text": "New"})])
    chat_of(channel)
    assert hold().mails == 1
    told = db.session.scalars(select(Notification)).one()
    assert (told.mail, told.mail_due_at, told.is_shown) == ("failed", None, True)
    assert mailing.mail_one() is False


def test_waiting_links_for_passwords_are_not_mailed_and_admins_learn_of_theirs(app, alice, bob):
    with transaction.writing():
        password_requests.add(alice.email)
        password_requests.add(bob.email, agent=bob)
    assert hold().mails == 1
    (kept,) = db.session.scalars(select(PasswordRequest))
    assert (kept.agent_id, kept.due_at, AT in kept.problem) == (bob.id, None, True)
    assert password_mails.mail_one() is False


def test_waiting_webhook_calls_are_given_up_with_a_reason(channel):
    case = chat_of(channel)
    with transaction.writing():
        webhook_calls.queue(case, "https://example.com/hook", rule_id=None)
    assert hold().calls == 1
    call = db.session.scalars(select(WebhookCall)).one()
    assert (call.state, call.due_at) == ("failed", None)
    assert AT in call.problem


def test_rules_rest_until_an_admin_switches_them_on(channel, alice, clock):
    rule("new_case", then=[("set_priority", "urgent")])
    assert hold().has_rules
    assert book.is_paused()
    assert again(chat_of(channel)).priority == "normal"
    with transaction.writing():
        book.pause(is_paused=False, by=alice)
    assert again(chat_of(channel, who="Uyuki")).priority == "urgent"


def test_timed_rules_leave_alone_what_was_due_before(channel, alice, clock):
    rule("existing_case", WAITED, then=[("send_message", "Are you still there?")])
    case = chat_of(channel)
    clock.shift(timedelta(minutes=31))
    hold()
    with transaction.writing():
        book.pause(is_paused=False, by=alice)
    background.run_timers()
    assert count(Message) == 1
    receive(channel, said("yes"))
    clock.shift(timedelta(minutes=31))
    background.run_timers()
    assert [one.text for one in timeline.newest(again(case))][-1] == "Are you still there?"


def test_rule_that_is_catching_up_stops(channel):
    saved = rule("existing_case", WAITED, then=[("set_priority", "urgent")])
    with transaction.writing():
        db.session.get_one(Rule, saved.id).catches_up_at = now()
    hold()
    assert db.session.get_one(Rule, saved.id).catches_up_at is None


def test_without_rules_nothing_is_switched_off(channel):
    assert hold() == holding.Held(0, 0, 0, False)
    assert not book.is_paused()
    assert chat_of(channel)

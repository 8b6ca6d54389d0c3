"""Numbers of all processes together, and of what waits."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app import background, delivery, downloads, mailing, mails, transaction
from app.channels import registry
from app.channels.base import InboundFile, TemporaryError, Unreadable
from app.channels.registry import Kind
from app.clock import now
from app.domain import (
    attachments,
    channels,
    chats,
    inbox,
    kept_events,
    metrics,
    notifications,
    password_requests,
    webhook_calls,
)
from app.extensions import db
from app.mails import NotMailed
from app.models import Agent, Case, Identity, Metric
from tests.world import ToyAdapter, chat_of, connected, count, play, receive, said

DOWN = TemporaryError("It is down.")
MINUTE = timedelta(minutes=1)


def written(counts, **processes) -> None:
    with transaction.writing():
        metrics.add(counts)
        for name, value in processes.items():
            metrics.tell("mado_open_sockets", value, process=name)


def test_what_processes_count_is_added_up():
    written({"mado_a": 2, "mado_b": 0.5})
    written({"mado_a": 3, "mado_c": 1})
    assert metrics.totals() == {"mado_a": 5, "mado_b": 0.5, "mado_c": 1}


def test_sockets_are_those_of_the_processes_that_live(clock):
    written({}, one=3, two=4)
    assert metrics.totals() == {"mado_open_sockets": 7}
    clock.shift(timedelta(seconds=30))
    written({}, two=1)
    clock.shift(timedelta(seconds=30))
    assert metrics.totals() == {"mado_open_sockets": 1}


def test_the_dead_are_forgotten_and_what_they_counted_is_not(clock):
    written({"mado_a": 2}, one=3)
    clock.shift(timedelta(hours=1))
    with transaction.writing():
        metrics.forget_dead()
    assert count(Metric) == 1
    assert metrics.totals() == {"mado_a": 2}


def test_queues_tell_how_many_wait_and_since_when(clock, alice):
    chat = chat_of(connected())
    assert metrics.waiting()["deliveries"] == (0, 0.0)
    with transaction.writing():
        agent = db.session.get_one(Agent, alice.id)
        chats.reply(chat, "hello", by=agent, key="k1")
        chats.reply(chat, "again", by=agent, key="k2")
    clock.shift(timedelta(seconds=90))
    assert metrics.waiting()["deliveries"] == (2, 90.0)


# ── Since when ──────────────────────────────────────────────────────────────────────────────


def test_a_reply_waits_since_it_was_queued_however_often_it_is_tried(clock, alice):  # F10
    play(ToyAdapter(outcomes=[DOWN] * 9))
    chat = chat_of(connected("toy"))
    with transaction.writing():
        chats.reply(chat, "hello", by=db.session.get_one(Agent, alice.id))
    delivery.deliver_due()
    clock.shift(MINUTE)
    assert delivery.deliver_due() == 1
    assert metrics.waiting()["deliveries"] == (1, 60.0)


def test_a_file_waits_since_its_message_came(clock):
    toy = play(ToyAdapter())
    toy.files["m1"] = [DOWN]
    receive(connected("toy"), said("", message_id="m1", message_kind="image", files=(InboundFile(kind="image"),)))
    assert downloads.work_one()
    clock.shift(MINUTE)
    assert downloads.work_one()
    assert metrics.waiting()["downloads"] == (1, 60.0)


def test_bytes_to_be_deleted_wait_since_their_message_was_taken_back(clock):
    play(ToyAdapter())
    channel = connected("toy")
    receive(channel, said("", message_id="m1", message_kind="image", files=(InboundFile(kind="image"),)))
    clock.shift(timedelta(days=30))
    with transaction.writing():
        attachments.remove(db.session.scalars(select(Case.last_message_id)).one())
    clock.shift(MINUTE)
    assert metrics.waiting()["downloads"] == (1, 60.0)


def test_a_mail_waits_since_somebody_was_to_be_told(clock, alice, monkeypatch):
    def refused(_mail):
        raise NotMailed("It is busy.", is_final=False)

    monkeypatch.setattr(mails, "send", refused)
    chat = chat_of(connected())
    with transaction.writing():
        notifications.notify(chat, "It waits.", to=["all"], by=["email"], rule_id=None)
    assert mailing.mail_one()
    clock.shift(MINUTE)
    assert mailing.mail_one()
    assert metrics.waiting()["mails"] == (1, 60.0)


def test_a_call_waits_since_it_was_ordered(clock):
    chat = chat_of(connected())
    with transaction.writing():
        call = webhook_calls.queue(chat, "https://example.com/hook", rule_id=None)
    clock.shift(MINUTE)
    with transaction.writing():
        webhook_calls.again(call, now() + MINUTE, "It is down.", 503)
    assert metrics.waiting()["webhook_calls"] == (1, 60.0)


def test_a_link_for_a_new_password_waits_since_somebody_asked(clock):
    with transaction.writing():
        password_requests.add("alice@example.com")
    clock.shift(MINUTE)
    asked = db.session.execute(password_requests.next_due()).one()
    with transaction.writing():
        password_requests.try_again(asked, at=now() + MINUTE, problem="It is down.")
    assert metrics.waiting()["password_mails"] == (1, 60.0)


# ── What could not be taken in ──────────────────────────────────────────────────────────────


@pytest.fixture
def hopeless():
    """A channel with an event that can't be read, now or later."""
    bad = Unreadable(key="poison", raw=b"poison", error="boom")
    registry._kinds["toy"] = Kind(adapter=ToyAdapter(), retry=lambda _channel, _raw: [bad])
    channel = connected("toy")
    with transaction.writing():
        inbox.receive_each(inbox.Source.of(channel), [bad], [b"poison"])
    return channel


def tried_again(clock, *, times: int) -> None:
    for _ in range(times):
        clock.shift(MINUTE)
        background.retry_kept_back()


def test_an_event_that_is_tried_again_waits_since_it_came(clock, hopeless):  # S6
    tried_again(clock, times=2)
    assert metrics.waiting()["kept_back"] == (1, 120.0)
    assert kept_events.given_up_count() == 0


def test_an_event_that_is_not_tried_any_more_waits_for_people(clock, hopeless):  # S6
    tried_again(clock, times=5)
    assert metrics.waiting()["kept_back"] == (0, 0.0)
    assert kept_events.given_up_count() == 1


def test_nobody_needs_to_look_at_events_of_a_deleted_channel(clock, hopeless, alice):
    tried_again(clock, times=5)
    with transaction.writing():
        channels.delete(channels.find(hopeless.id), by=db.session.get_one(Agent, alice.id))
    assert kept_events.given_up_count() == 0


# ── Look-ups ────────────────────────────────────────────────────────────────────────────────


def test_a_look_up_waits_from_the_moment_it_is_due(clock):
    chat_of(connected())
    with transaction.writing():
        db.session.execute(update(Identity).values(lookup_due_at=now() + timedelta(days=1)))
    assert metrics.waiting()["look_ups"] == (0, 0.0)
    clock.shift(timedelta(days=1, seconds=60))
    assert metrics.waiting()["look_ups"] == (1, 60.0)

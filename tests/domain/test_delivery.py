"""The way out: one attempt at a time, an honest state at the end."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app import delivery, transaction
from app.channels.base import (
    PermanentError,
    Sent,
    TemporaryError,
    TokenRefused,
    UnknownOutcome,
)
from app.domain import chats, messages
from app.domain.agents import Refused
from app.extensions import db
from app.models import Case, Channel, Delivery, Event, Message
from tests.world import ToyAdapter, chat_of, connected, play, receive, said


@pytest.fixture
def toy(app) -> ToyAdapter:
    return play(ToyAdapter())


@pytest.fixture
def channel(toy) -> Channel:
    return connected("toy")


@pytest.fixture
def chat(channel, alice) -> Case:
    return chat_of(channel)


def reply(case: Case, text: str, agent) -> Message:
    with transaction.writing():
        return chats.reply(case, text, by=agent)


def deliver(*outcomes) -> int:
    tries = delivery.deliver_due()
    db.session.expire_all()
    return tries


def test_reply_is_sent_free_with_the_newest_unused_token(chat, channel, alice, toy):  # L6
    receive(channel, said("second", reply_token="newest"))
    message = reply(chat, "Hello", alice)

    deliver()

    assert [(one.reply_token, one.to, one.body) for one in toy.sent] == [
        ("newest", "Usomchai", "Hello")
    ]
    assert (message.state, message.external_id) == ("sent", "id-1")
    assert db.session.scalars(select(Delivery)).all() == []


def test_what_a_channel_cannot_take_is_refused_and_leaves_the_chat_untaken(chat, alice, toy, monkeypatch):  # L5
    monkeypatch.setattr(toy, "problem_with", lambda content: f"{content.text} is too much.", raising=False)

    with pytest.raises(Refused, match="Hello is too much"):
        reply(chat, "Hello", alice)

    db.session.refresh(chat)
    assert chat.taken_by_id is None
    assert deliver() == 0


def test_a_token_is_used_once(chat, alice, toy):  # L6
    reply(chat, "one", alice)
    reply(chat, "two", alice)

    deliver()

    assert [bool(one.reply_token) for one in toy.sent] == [True, False]


def test_an_old_token_is_not_used(clock, chat, alice, toy):  # L6
    clock.shift(timedelta(seconds=50))
    reply(chat, "Hello", alice)

    deliver()

    assert toy.sent[0].reply_token is None


def test_refused_token_falls_back_to_push_at_once(chat, alice, toy):  # L6
    toy.outcomes = [TokenRefused("run out", retry_after=0)]
    message = reply(chat, "Hello", alice)

    deliver()

    assert [bool(one.reply_token) for one in toy.sent] == [True, False]
    assert message.state == "sent"


def test_refused_reply_is_tried_again_free_while_its_token_is_young(
    clock, chat, alice, toy
):  # L6
    toy.outcomes = [TemporaryError("slow down")]
    reply(chat, "Hello", alice)
    deliver()
    clock.shift(timedelta(seconds=1))
    deliver()

    assert toy.sent[0].reply_token == toy.sent[1].reply_token is not None


def test_ambiguous_reply_is_unconfirmed_and_never_repeated_by_itself(
    clock, chat, alice, toy
):  # L6
    toy.outcomes = [UnknownOutcome("LINE did not answer in time.")]
    message = reply(chat, "Hello", alice)
    deliver()
    clock.shift(timedelta(hours=1))
    deliver()

    assert message.state == "unconfirmed"
    assert "may or may not" in message.error
    assert len(toy.sent) == 1


def test_crash_during_a_reply_is_unconfirmed(clock, chat, alice, toy):  # L6
    message = reply(chat, "Hello", alice)
    assert delivery.claim() is not None
    clock.shift(timedelta(seconds=31))

    deliver()

    assert message.state == "unconfirmed"
    assert toy.sent == []


def test_crash_during_a_push_is_repeated_with_its_key_and_body(clock, chat, alice, toy):  # L7
    clock.shift(timedelta(minutes=1))
    message = reply(chat, "Hello", alice)
    interrupted = delivery.claim()
    clock.shift(timedelta(seconds=31))

    deliver()

    assert toy.sent[0].retry_key == interrupted.retry_key
    assert toy.sent[0].body == interrupted.body
    assert message.state == "sent"


def test_push_cut_off_by_a_crash_long_ago_is_not_repeated(clock, chat, alice, toy):  # L7, F34
    """LINE knows its key no more after 24 hours, and would deliver it again."""
    clock.shift(timedelta(minutes=1))
    message = reply(chat, "Hello", alice)
    assert delivery.claim()
    clock.shift(timedelta(hours=24))

    deliver()

    assert (message.state, toy.sent) == ("unconfirmed", [])


def test_database_copied_back_to_yesterday_sends_nothing_by_itself(clock, chat, alice, toy):  # F34
    first, second = reply(chat, "one", alice), reply(chat, "two", alice)
    clock.shift(timedelta(days=1))

    deliver()
    assert [one.state for one in (first, second)] == ["unconfirmed"] * 2
    assert toy.sent == []

    with transaction.writing():
        messages.retry(first, by=alice)
    deliver()
    assert [one.body for one in toy.sent] == ["one"]


def test_reply_that_waited_for_an_hour_is_still_sent(clock, chat, alice, toy):  # F14
    """A clock may have been put on meanwhile."""
    message = reply(chat, "Hello", alice)
    clock.shift(timedelta(hours=1))

    deliver()

    assert message.state == "sent"


def test_push_is_retried_after_about_1_5_and_20_seconds_with_one_key(
    clock, chat, alice, toy
):  # L7
    clock.shift(timedelta(minutes=1))
    toy.outcomes = [UnknownOutcome("timeout"), TemporaryError("busy"), UnknownOutcome("500")]
    message = reply(chat, "Hello", alice)

    tries = []
    for seconds in (0, 1, 5, 20):
        clock.shift(timedelta(seconds=seconds))
        tries.append(deliver())

    assert tries == [1, 1, 1, 1]
    assert len({one.retry_key for one in toy.sent}) == 1
    assert message.state == "sent"


def test_bubble_says_when_the_next_try_is(clock, chat, alice, toy):  # L7
    toy.outcomes = [TemporaryError("LINE asks to send more slowly.")]
    message = reply(chat, "Hello", alice)
    deliver()

    waiting = messages.delivery_of(message)
    assert message.state == "queued"
    assert waiting.problem == "LINE asks to send more slowly."
    assert db.session.scalar(select(Event.id).where(Event.type == "message.delayed"))


def test_queued_reply_is_failed_after_ten_minutes(clock, chat, alice, toy):  # L7
    clock.shift(timedelta(minutes=1))
    toy.outcomes = [TemporaryError("busy")] * 20
    message = reply(chat, "Hello", alice)
    for _ in range(12):
        deliver()
        clock.shift(timedelta(minutes=1))

    assert (message.state, message.error) == ("failed", "busy")


def test_push_that_never_got_an_answer_ends_unconfirmed(clock, chat, alice, toy):  # L7
    clock.shift(timedelta(minutes=1))
    toy.outcomes = [UnknownOutcome("LINE did not answer in time.")] * 20
    message = reply(chat, "Hello", alice)
    for _ in range(12):
        deliver()
        clock.shift(timedelta(minutes=1))

    assert message.state == "unconfirmed"


def test_permanent_refusal_is_failed_with_its_reason(chat, alice, toy):  # L8
    toy.outcomes = [PermanentError("LINE refused the message.")]
    message = reply(chat, "Hello", alice)
    deliver()

    assert (message.state, message.error) == ("failed", "LINE refused the message.")


def test_case_whose_only_answer_failed_after_the_end_is_open_again(chat, alice, toy):  # U6
    toy.outcomes = [PermanentError("no")]
    reply(chat, "Hello", alice)
    with transaction.writing():
        chats.end(chat, "pending", by=alice)
    deliver()

    assert (chat.chat_state, chat.status) == ("ended", "open")


def test_closed_case_stays_closed_when_its_answer_failed(chat, alice, toy):
    toy.outcomes = [PermanentError("no")]
    reply(chat, "Hello", alice)
    with transaction.writing():
        chats.end(chat, "closed", by=alice)
    deliver()

    assert chat.status == "closed"


def test_retry_really_sends_again_with_a_fresh_key(chat, alice, toy):  # L8
    toy.outcomes = [PermanentError("no")]
    message = reply(chat, "Hello", alice)
    deliver()
    with transaction.writing():
        messages.retry(message, by=alice)
    deliver()

    assert len(toy.sent) == 2
    assert toy.sent[0].retry_key != toy.sent[1].retry_key
    assert message.state == "sent"


def test_sent_message_is_not_sent_again(chat, alice, toy):  # L8
    message = reply(chat, "Hello", alice)
    deliver()

    with pytest.raises(Refused):
        messages.retry(message, by=alice)


def test_what_the_provider_said_outlives_a_database_that_is_away_for_seconds(
    chat, alice, toy, monkeypatch
):  # F8, F17
    record, tries = delivery._record, []

    def fails_at_first(*given: object) -> None:
        tries.append(given)
        if len(tries) < 3:
            raise OperationalError("UPDATE", {}, Exception("locked"))
        record(*given)

    monkeypatch.setattr(delivery, "_record", fails_at_first)
    monkeypatch.setattr(delivery, "RECORD_AGAIN_SECONDS", 0.0)
    message = reply(chat, "Hello", alice)
    deliver()

    assert (message.state, len(toy.sent), len(tries)) == ("sent", 1, 3)


def test_database_that_stays_away_leaves_the_rest_to_the_lease(chat, alice, toy, monkeypatch):  # L6
    def fails(*given: object) -> None:
        raise OperationalError("UPDATE", {}, Exception("locked"))

    monkeypatch.setattr(delivery, "_record", fails)
    monkeypatch.setattr(delivery, "RECORDING_SECONDS", -1.0)
    reply(chat, "Hello", alice)

    with pytest.raises(OperationalError):
        deliver()


def test_failed_reply_leaves_a_postback_counted_as_activity(clock, chat, channel, alice, toy):  # S8, S18
    clock.shift(timedelta(minutes=5))
    receive(channel, said("size=M", kind="activity", message_kind="postback", message_id=None))
    tapped_at = chat.last_activity_at
    clock.shift(timedelta(minutes=1))
    reply(chat, "Hello", alice)
    toy.outcomes = [PermanentError("blocked")]
    deliver()

    assert chat.last_activity_at == tapped_at


def test_stop_trying_gives_a_refused_reply_up(chat, alice, toy):  # L7
    toy.outcomes = [TemporaryError("busy")]
    message = reply(chat, "Hello", alice)
    deliver()
    with transaction.writing():
        messages.stop_trying(message, by=alice)

    assert message.state == "failed"
    assert deliver() == 0


def test_stopping_what_may_have_arrived_leaves_it_unconfirmed(clock, chat, alice, toy):  # L8
    clock.shift(timedelta(minutes=2))
    message = reply(chat, "Hello", alice)
    toy.outcomes = [UnknownOutcome("timeout")]
    deliver()
    with transaction.writing():
        messages.stop_trying(db.session.get_one(Message, message.id), by=alice)

    assert message.state == "unconfirmed"


def test_push_cut_off_by_a_crash_is_never_called_failed(clock, chat, alice, toy):  # L8
    clock.shift(timedelta(minutes=2))
    message = reply(chat, "Hello", alice)
    assert delivery.claim()
    clock.shift(timedelta(seconds=31))
    toy.outcomes = [TemporaryError("slow down", retry_after=900)]
    deliver()

    assert message.state == "unconfirmed"


def test_later_messages_wait_behind_a_queued_one(clock, chat, alice, toy):  # L8
    toy.outcomes = [TemporaryError("busy")]
    reply(chat, "one", alice)
    reply(chat, "two", alice)
    deliver()
    assert [one.body for one in toy.sent] == ["one"]

    clock.shift(timedelta(seconds=1))
    deliver()
    assert [one.body for one in toy.sent] == ["one", "one", "two"]


def test_later_messages_do_not_wait_behind_a_failed_one(chat, alice, toy):  # L8
    toy.outcomes = [PermanentError("no"), Sent()]
    reply(chat, "one", alice)
    second = reply(chat, "two", alice)
    deliver()

    assert second.state == "sent"


def test_slow_conversation_delays_no_other(clock, chat, channel, alice, toy):  # L8
    other = chat_of(channel, who="Uyuki")
    toy.outcomes = [TemporaryError("busy")]
    reply(chat, "one", alice)
    message = reply(other, "two", alice)
    deliver()

    assert message.state == "sent"


def test_an_adapters_own_mistake_is_unconfirmed_not_repeated(chat, alice, toy):  # L6
    toy.outcomes = [RuntimeError("bug")]
    message = reply(chat, "Hello", alice)
    deliver()

    assert message.state == "unconfirmed"
    assert len(toy.sent) == 1


def test_refused_credentials_tell_admins_and_a_success_clears_it(clock, chat, alice, toy):
    toy.outcomes = [TemporaryError("LINE refused the token.", breaks_channel=True)]
    reply(chat, "Hello", alice)
    deliver()
    assert db.session.get(Channel, chat.channel_id).problem == "LINE refused the token."

    clock.shift(timedelta(seconds=1))
    deliver()
    assert db.session.get(Channel, chat.channel_id).problem is None


def test_two_processes_never_claim_the_same_message(app, chat, channel, alice, toy):  # F24
    for number in range(12):
        reply(chat_of(channel, who=f"U{number}"), f"to {number}", alice)
    transaction.release()
    claimed, start = [], threading.Barrier(4)

    def process() -> None:
        with app.app_context():
            start.wait()
            while attempt := delivery.claim():
                claimed.append(attempt.message_id)
            transaction.release()

    threads = [threading.Thread(target=process) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join(20) for thread in threads]

    assert len(claimed) == len(set(claimed)) == 12

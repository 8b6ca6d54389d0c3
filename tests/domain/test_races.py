"""Two writers at once on PostgreSQL: no change is lost, no lock is waited for twice, no fact is told late.

SQLite writes one transaction at a time, so there is nothing to race.
"""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.event import listen, remove

from app import delivery, intake, transaction
from app.channels.base import PermanentError, Profile, TemporaryError
from app.clock import now
from app.domain import (
    cases,
    chats,
    contacts,
    distribution,
    inbox,
    invitations,
    messages,
    password_requests,
    settings,
    sweeps,
    timeline,
)
from app.domain.agents import Refused
from app.domain.throttle import Throttle, TooMany
from app.extensions import db
from app.models import (
    Agent,
    Case,
    Event,
    Identity,
    Invitation,
    Message,
    PasswordRequest,
    Try,
)
from tests.world import ToyAdapter, chat_of, connected, count, play, receive, said

SECONDS = 20


@pytest.fixture
def toy(app) -> ToyAdapter:
    return play(ToyAdapter())


@pytest.fixture
def channel(toy):
    return connected("toy")


@pytest.fixture
def chat(channel) -> Case:
    return chat_of(channel, "My order is late")


@pytest.fixture
def database() -> str:
    return "postgresql"


class Writer:
    """Another process's transaction, held open until it is told to commit."""

    def __init__(self, app: Flask, work: Callable[[], object]) -> None:
        self._app, self._work = app, work
        self._worked, self._may_commit = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Writer":
        self._thread.start()
        assert self._worked.wait(SECONDS)
        return self

    def __exit__(self, *problem: object) -> None:
        self.commit()

    def commit(self) -> None:
        self._may_commit.set()
        self._thread.join(SECONDS)

    def _run(self) -> None:
        with self._app.app_context(), transaction.writing():
            self._work()
            self._worked.set()
            self._may_commit.wait(SECONDS)


def in_thread(app: Flask, work: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        with app.app_context():
            work()
            transaction.release()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_sweep_leaves_a_chat_that_is_being_written_to(app, clock, channel, chat):  # S20
    other = chat_of(channel, who="Uyuki")
    clock.shift(timedelta(minutes=10))
    transaction.release()

    with Writer(app, lambda: cases.lock(db.session.get_one(Case, chat.id))), transaction.writing():
        assert sweeps.end_inactive() == 1

    db.session.expire_all()
    assert (chat.chat_state, other.chat_state) == ("active", "ended")


def test_putting_back_leaves_a_chat_that_somebody_is_claiming(app, clock, chat, alice, bob):  # S26b
    with transaction.writing():
        chats.take(chat, by=alice)
    clock.shift(timedelta(minutes=3))
    transaction.release()

    def take_over() -> None:
        chats.take_over(db.session.get_one(Case, chat.id), by=db.session.get_one(Agent, bob.id))

    with Writer(app, take_over), transaction.writing():
        assert sweeps.put_back_abandoned() == 0

    db.session.expire_all()
    assert chat.taken_by_id == bob.id


@pytest.mark.parametrize("sweep", [sweeps.put_back_abandoned, distribution.take_back_unopened])
def test_sweep_puts_no_chat_back_while_somebody_writes_in_it(app, clock, chat, alice, sweep):  # S26b, H2
    """It has the case already when it asks for the conversation, and a webhook takes them the other way."""
    case_id = chat.id
    with transaction.writing():
        settings.put(settings.GIVES_OUT, "1")
        chats.give_out(chat, db.session.get_one(Agent, alice.id), cause="least_busy")
    clock.shift(timedelta(minutes=3))
    transaction.release()

    with Writer(app, lambda: cases.lock(db.session.get_one(Case, case_id))), transaction.writing():
        assert sweep() == 0
    with transaction.writing():
        assert sweep() == 1


def test_two_agents_who_select_at_once_make_one_change(app, channel, alice, bob):  # S31
    group = {"conversation_kind": "group", "conversation_id": "Cmove"}
    receive(channel, said("hello", who="Uanna", **group))
    with transaction.writing():
        chats.end(db.session.scalars(select(Case)).one(), "open", by=None)
    receive(channel, said("me", who="Uben", **group))
    transaction.release()

    def take() -> None:
        case = db.session.scalars(select(Case)).one()
        chats.take(case, by=db.session.get_one(Agent, alice.id))

    def choose() -> None:
        with transaction.writing():
            case = db.session.scalars(select(Case)).one()
            chats.select_message(case, by=db.session.get_one(Agent, bob.id))

    with Writer(app, take) as first:
        second = in_thread(app, choose)
        second.join(0.5)
        assert second.is_alive()
        first.commit()
        second.join(SECONDS)

    types = db.session.scalars(select(Event.type)).all()
    assert (types.count("chat.selected"), types.count("case.author_changed")) == (1, 1)


def test_failure_recorded_while_a_message_arrives_keeps_the_messages_time(
    app, clock, channel, chat, alice, toy
):  # S18, S20
    clock.shift(timedelta(minutes=2))
    with transaction.writing():
        chats.reply(chat, "Hello", by=alice)
    toy.outcomes = [PermanentError("blocked")]
    attempt = delivery.claim()
    clock.shift(timedelta(minutes=5))
    source = inbox.Source.of(channel)
    transaction.release()

    with Writer(app, lambda: inbox.receive(source, [said("Hello?")])) as writer:
        recording = in_thread(app, lambda: delivery.perform(attempt))
        recording.join(0.5)
        writer.commit()
        recording.join(SECONDS)

    db.session.expire_all()
    newest = db.session.scalar(select(Message).order_by(Message.id.desc()).limit(1))
    assert db.session.get_one(Message, attempt.message_id).state == "failed"
    assert chat.last_activity_at == newest.received_at


def test_claim_waits_for_nobody_who_writes_in_the_conversation(app, channel, chat, alice, toy):  # F8
    """It has the receipt of its free reply then, and a redelivered event waits for that: a circle."""
    with transaction.writing():
        chats.reply(chat, "Hello", by=alice)
    source = inbox.Source.of(channel)
    transaction.release()

    with Writer(app, lambda: inbox.receive(source, [said("Hello?")])):
        attempt = delivery.claim()

    assert attempt and attempt.reply_token


def test_states_of_a_chats_messages_are_told_in_commit_order(app, chat, alice, toy):  # S16
    with transaction.writing():
        chats.reply(chat, "Hello", by=alice)
    attempt = delivery.claim()
    case_id = chat.id
    transaction.release()

    def note() -> None:
        case = db.session.get_one(Case, case_id)
        chats.note(case, "hm", by=db.session.get_one(Agent, alice.id))

    with Writer(app, note) as writer:
        recording = in_thread(app, lambda: delivery.perform(attempt))
        recording.join(0.5)
        assert recording.is_alive(), "the state waits for whoever writes in the conversation"
        writer.commit()
        recording.join(SECONDS)

    query = select(Event.type).where(Event.case_id == case_id).order_by(Event.id.desc()).limit(2)
    assert list(db.session.scalars(query)) == ["message.sent", "note.added"]


@pytest.mark.parametrize("act", ["reads", "takes it", "hands it over", "learns a name"])
def test_open_page_misses_no_message_that_is_still_being_committed(
    app, channel, chat, alice, bob, act
):  # F8
    case_id, identity_id, newest = chat.id, chat.conversation.identity_id, chat.last_message_id
    source, cursor = inbox.Source.of(channel), timeline.cursor_of(chat)
    transaction.release()

    def colleague() -> None:
        case, by = db.session.get_one(Case, case_id), db.session.get_one(Agent, alice.id)
        if act == "reads":
            chats.mark_read(case, newest, by=by)
        elif act == "takes it":
            chats.take(case, by=by)
        elif act == "hands it over":
            chats.hand_over(case, db.session.get_one(Agent, bob.id), by=by)
        else:
            contacts.took_name(db.session.get_one(Identity, identity_id), Profile("Somchai"))

    def acts() -> None:
        with transaction.writing():
            colleague()

    shown: list[str] = []

    def pull(cursor: int) -> int:
        changes = timeline.changed_since(db.session.get_one(Case, case_id), cursor)
        shown.extend(message.text for message in changes.messages)
        transaction.release()
        return changes.cursor

    with Writer(app, lambda: inbox.receive(source, [said("Hello?")])) as writer:
        acting = in_thread(app, acts)
        acting.join(0.5)
        cursor = pull(cursor)
        writer.commit()
        acting.join(SECONDS)
    pull(cursor)

    assert shown == ["Hello?"]


def test_name_that_is_committed_late_is_told_to_who_has_read_on(app, channel, chat):  # F8
    case_id, identity_id = chat.id, chat.conversation.identity_id
    with transaction.writing():
        cases.set_subject(chat, "Late", by=None)  # else its row is held, and the message waits
    cursor = timeline.cursor_of(chat)
    transaction.release()

    def name() -> None:
        contacts.took_name(db.session.get_one(Identity, identity_id), Profile("Somchai"))

    with Writer(app, name):
        receive(channel, said("Hello?"))
        cursor = timeline.changed_since(db.session.get_one(Case, case_id), cursor).cursor
        transaction.release()

    assert "contact.named" in timeline.changed_since(db.session.get_one(Case, case_id), cursor).types


def test_reply_that_is_being_claimed_is_not_stopped(app, clock, chat, alice, toy):  # L7
    """Stopped and sent at once it would be called failed, and reach the contact twice when it is tried again."""
    toy.outcomes = [TemporaryError("busy")]
    with transaction.writing():
        message = chats.reply(chat, "Hello", by=alice)
    delivery.deliver_due()
    clock.shift(timedelta(minutes=1))
    message_id, refused = message.id, []
    transaction.release()

    def claims() -> None:
        delivery._prepare(delivery._next_due((), ()))

    def stop() -> None:
        with transaction.writing(), pytest.raises(Refused) as problem:
            stopped = db.session.get_one(Message, message_id)
            messages.stop_trying(stopped, by=db.session.get_one(Agent, alice.id))
        refused.append(problem.value)

    with Writer(app, claims) as writer:
        stopping = in_thread(app, stop)
        stopping.join(0.5)
        writer.commit()
        stopping.join(SECONDS)

    assert len(refused) == 1
    assert db.session.get_one(Message, message_id).state == "queued"


def test_whoever_takes_a_chat_holds_nothing_that_its_conversations_writer_will_need(
    app, chat, alice, toy, monkeypatch
):  # F8, S9
    """Taking shows the contact that it was read, which is kept with the conversation."""
    monkeypatch.setattr(toy, "marks_read", lambda channel: True)
    monkeypatch.setattr(toy, "read_token", lambda payload: "seen")
    case_id, taken = chat.id, []
    with transaction.writing():
        db.session.get_one(Message, chat.last_message_id).payload = "{}"
    transaction.release()

    def take() -> None:
        with transaction.writing():
            case = db.session.get_one(Case, case_id)
            taken.append(chats.take(case, by=db.session.get_one(Agent, alice.id)))

    with Writer(app, lambda: cases.lock(db.session.get_one(Case, case_id))) as writer:
        taking = in_thread(app, take)
        taking.join(0.5)
        with transaction.writing():
            free = select(Case.id).where(Case.id == case_id).with_for_update(skip_locked=True)
            assert db.session.scalar(free) == case_id
        writer.commit()
        taking.join(SECONDS)

    assert taken == [True]


def test_batches_with_the_same_people_in_another_order_do_not_wait_in_a_circle(
    app, channel
):  # F8, F12
    chat_of(channel, who="Ua")
    chat_of(channel, who="Ub")
    source = inbox.Source.of(channel)
    transaction.release()
    start = threading.Barrier(2)

    def deliver(*order: str) -> None:
        for _ in range(8):
            batch = [said("hi", who=who) for who in order]
            start.wait(SECONDS)
            with transaction.writing():
                inbox.receive(source, batch)

    threads = [
        in_thread(app, lambda: deliver("Ua", "Ub")),
        in_thread(app, lambda: deliver("Ub", "Ua")),
    ]
    [thread.join(SECONDS) for thread in threads]

    assert count(Message) == 2 + 2 * 2 * 8


def test_deadlock_of_calls_with_the_same_new_people_costs_no_message(app, channel):  # F8
    source = inbox.Source.of(channel)
    transaction.release()
    start = threading.Barrier(2)

    def deliver(*order: int) -> None:
        for batch_number in range(6):
            batch = [said("hi", who=f"U{batch_number}-{who}") for who in order]
            start.wait(SECONDS)
            intake.store(intake.Call(source, batch, raw=list))

    forwards, backwards = [0, 1, 2, 3, 4], [4, 3, 2, 1, 0]
    first = in_thread(app, lambda: deliver(*forwards))
    second = in_thread(app, lambda: deliver(*backwards))
    first.join(SECONDS), second.join(SECONDS)

    assert count(Message) == 2 * 6 * 5


def test_two_who_try_at_once_do_not_both_have_the_last_try(app):  # T29
    once, refused = Throttle("once", 1, 60), []

    def try_too() -> None:
        try:
            with transaction.writing():
                once.count("alice")
        except TooMany as error:
            refused.append(error)

    with Writer(app, lambda: once.count("alice")) as first:
        second = in_thread(app, try_too)
        second.join(0.5)
        assert second.is_alive()
        first.commit()
        second.join(SECONDS)

    assert (len(refused), count(Try)) == (1, 1)


def test_two_who_succeed_at_once_take_a_try_back_each(app):  # T29
    many = Throttle("many", 20, 60)
    for _ in range(3):
        with transaction.writing():
            many.count("office")

    with Writer(app, lambda: many.uncount("office")), transaction.writing():
        many.uncount("office")

    assert count(Try) == 1


def test_link_that_is_being_mailed_ends_with_the_newer_one_made_at_that_moment(app, bob):  # T17
    with transaction.writing():
        password_requests.add(bob.email, agent=db.session.get_one(Agent, bob.id))
    due = db.session.execute(password_requests.next_due()).first()
    transaction.release()
    mailed, has_begun = [], threading.Event()

    def begin_to_mail() -> None:
        assert password_requests.claim(due, until=now())
        mailed.append(password_requests.link_for(due)[1])

    def note(_connection, _cursor, statement, *_rest) -> None:
        if statement.startswith("DELETE"):
            has_begun.set()

    def make_a_newer_one() -> None:
        with transaction.writing():
            invitations.create(db.session.get_one(Agent, bob.id), by=None)

    with Writer(app, begin_to_mail):
        listen(db.engine, "before_cursor_execute", note)
        newer = in_thread(app, make_a_newer_one)
        assert has_begun.wait(SECONDS)
        remove(db.engine, "before_cursor_execute", note)
    newer.join(SECONDS)

    assert invitations.find(mailed[0]) is None
    assert (count(Invitation), count(PasswordRequest)) == (1, 0)

"""Plain messages of many calls, table by table: the same rows, nobody waits, nothing twice."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, true

from app import counters, intake, transaction
from app.clock import now
from app.domain import cases, chats, inbox, plain, search
from app.extensions import db
from app.models import Case, Channel, Event, Message, Receipt
from tests.domain.test_races import SECONDS, Writer, in_thread
from tests.live.pages import eventually
from tests.test_intake import arriving_together, counted_commits, make_indigestible
from tests.world import chat_of, connected, count, said, texts

TABLES = ("cases", "messages", "receipts", "events")
# What is another's in each row: ids, and keys of the provider's.
OWN = ("id", "_id", "key", "token")


@pytest.fixture
def channel() -> Channel:
    return connected()


def call(channel: Channel, *batch: Any) -> intake.Call:
    return intake.Call(inbox.Source.of(channel), batch, raw=lambda: [b"{}" for _ in batch])


def rows() -> dict[str, list[dict[str, Any]]]:
    """All of what intake writes, without what is another's in each row."""
    db.session.expire_all()
    found = {}
    # SQLite's index holds no texts to be compared.
    for name in TABLES if db.engine.dialect.name == "sqlite" else (*TABLES, "message_search"):
        table = db.session.execute(text(f"SELECT * FROM {name}")).mappings()
        found[name] = [
            {column: value for column, value in row.items() if not column.endswith(OWN)}
            for row in table
        ]
    found["hits"] = [{word[:3]: hits(word)} for word in ("ORD-0012345", "yesterday")]
    return found


def hits(word: str) -> int:
    return len(search.find_cases(word, condition=true()).case_ids)


@contextmanager
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(plain, "is_plain", lambda event: False)
        yield


def written(channel: Channel, *batch: Any) -> dict[str, list[dict[str, Any]]]:
    """The rows of a chat and these events after it, and nothing else in the database."""
    with transaction.writing():
        connection = db.session.connection()
        search.drop(connection)
        search.create(connection)
        for name in ("events", "messages", "receipts", "cases"):
            db.session.execute(text(f"DELETE FROM {name}"))
    chat_of(channel)
    intake.store(call(channel, *batch))
    return rows()


def test_plain_messages_leave_the_rows_that_they_leave_one_by_one(
    clock, channel, monkeypatch
):  # S6, S18
    sticker = {"type": "sticker", "stickerId": "1"}
    batch = [
        said("คำถาม ORD-0012345", payload={"type": "text"}, quote_token="q"),
        said("", message_kind="sticker", payload=sticker, is_redelivered=True),
        said("from yesterday", reply_token=None, occurred_at=now() - timedelta(days=1)),
    ]
    with one_by_one(monkeypatch):
        singly = written(channel, *batch)

    assert written(channel, *batch) == singly
    assert len(singly["messages"]) == 4
    assert singly["hits"] == [{"ORD": 1}, {"yes": 1}]


def test_plain_messages_are_not_taken_in_one_by_one(channel, monkeypatch):  # S6
    chat_of(channel)
    monkeypatch.setattr(inbox, "receive", lambda *_: pytest.fail("event by event"))

    intake.store(call(channel, said("plain"), said("and simple")))

    assert count(Message) == 3


def test_event_that_comes_again_changes_nothing(channel):  # S6
    chat = chat_of(channel)
    event = said("once")
    again = replace(event, is_redelivered=True)

    intake.store(call(channel, event, again))
    intake.store(call(channel, again))

    assert texts(chat) == ["hello", "once"]
    assert (count(Receipt), count(Event)) == (2, 3)
    counted = counters.take()
    assert counted[counters.series(counters.INTAKE, outcome="taken_in")] == 2
    assert counted[counters.series(counters.INTAKE, outcome="redelivered")] == 2


def test_message_that_comes_under_another_event_is_there_once(channel):  # S6
    chat = chat_of(channel)
    event = said("once")

    intake.store(call(channel, event, replace(event, key="another")))

    assert texts(chat) == ["hello", "once"]
    assert count(Receipt) == 3


def test_messages_of_a_conversation_stay_in_order_when_calls_come_together(app, channel):  # S16
    chats_ = [chat_of(channel, who=who) for who in ("Ua", "Ub")]
    calls = [call(channel, *(said(str(n), who=who) for who in ("Ua", "Ub"))) for n in range(4)]
    transaction.release()

    with arriving_together(app, calls) as told:
        assert told == dict.fromkeys(range(4))

    found = [texts(chat) for chat in chats_]
    assert found[0] == found[1]
    assert sorted(found[0]) == ["0", "1", "2", "3", "hello"]
    db.session.expire_all()
    newest = db.session.scalar(select(Message.id).order_by(Message.id.desc()).limit(1))
    assert newest in [chat.last_message_id for chat in chats_]


@pytest.mark.parametrize("database", ["postgresql"])
def test_conversation_that_somebody_holds_keeps_none_of_the_others_waiting(app, channel):  # F8
    held, free = chat_of(channel, who="Uheld"), chat_of(channel, who="Ufree")
    calls = [call(channel, said("a", who="Uheld")), call(channel, said("b", who="Ufree"))]
    ids = held.id, free.id
    transaction.release()

    with Writer(app, lambda: cases.lock(db.session.get_one(Case, ids[0]))) as holder:
        waiting = in_thread(app, lambda: intake.store(calls[0]))
        intake.store(calls[1])
        transaction.release()
        waiting.join(0.3)
        assert waiting.is_alive()
        assert texts(db.session.get_one(Case, ids[1])) == ["hello", "b"]
        transaction.release()
        holder.commit()
        waiting.join(SECONDS)

    assert texts(db.session.get_one(Case, ids[0])) == ["hello", "a"]


@pytest.mark.parametrize(("database", "most", "turns"), [("postgresql", 20, 2), ("postgresql", 1, 3)])
def test_calls_about_several_of_whom_one_is_held_wait_together_and_nobody_else_does(
    app, channel, most, turns, monkeypatch
):  # F8, F22
    monkeypatch.setattr(intake, "MOST_WHO_WAIT", most)
    ids = {who: chat_of(channel, who=who).id for who in ("Uheld", "Ua", "Ub")}
    calls = [call(channel, said(f"{n}", who="Uheld"), said(f"{n}", who="Ua")) for n in range(3)]
    transaction.release()

    with Writer(app, lambda: cases.lock(db.session.get_one(Case, ids["Uheld"]))) as holder:
        waiting = [in_thread(app, lambda one=one: intake.store(one)) for one in calls]
        second = app.extensions["intake"]._second
        eventually(lambda: len(second._waiting) == 2 and second._is_taken)
        intake.store(call(channel, said("alone", who="Ub")))
        with counted_commits() as commits:
            transaction.release()
            holder.commit()
            [thread.join(SECONDS) for thread in waiting]

    found = {who: texts(db.session.get_one(Case, id_)) for who, id_ in ids.items()}
    assert found["Ub"] == ["hello", "alone"]
    assert sorted(found["Uheld"]) == sorted(found["Ua"]) == ["0", "1", "2", "hello"]
    # The holder's, that of the call which waited first, and one for all that waited behind it, up to `most`.
    assert commits == ["commit"] * (1 + turns)


def test_chat_that_ended_is_reactivated_by_a_plain_message(channel):  # S25
    chat = chat_of(channel)
    with transaction.writing():
        chats.end(chat, "pending", by=None)

    intake.store(call(channel, said("me again"), said("and again")))

    db.session.expire_all()
    assert (chat.chat_state, texts(chat)) == ("active", ["hello", "me again", "and again"])


def test_message_that_was_taken_back_before_it_came_shows_nothing(channel):  # L3
    chat = chat_of(channel)
    event = said("secret")
    unsent = said(key="unsent", kind="unsent", message_id=event.message_id)
    intake.store(call(channel, unsent))

    intake.store(call(channel, event))

    assert texts(chat) == ["hello", ""]
    assert "secret" not in str(rows())
    assert hits("secret") == 0


def test_two_processes_take_the_same_events_in_once(app, channel):  # S6, F8
    events = [said(str(n), who=f"U{n % 5}") for n in range(40)]
    for n in range(5):
        chat_of(channel, who=f"U{n}")
    # Each Turns is another process: they know nothing of each other.
    processes = [intake.Turns(), intake.Turns()]
    source = inbox.Source.of(channel)
    transaction.release()
    start = threading.Barrier(4)

    def deliver(process: intake.Turns, order: int) -> None:
        start.wait(SECONDS)
        for event in events[::order]:
            process.store(intake.Call(source, [event], raw=lambda: [b"{}"]))

    threads = [
        in_thread(app, lambda process=process, order=order: deliver(process, order))
        for process in processes
        for order in (1, -1)
    ]
    [thread.join(SECONDS) for thread in threads]

    assert (count(Message), count(Receipt)) == (45, 45)
    assert count(Event) == 5 * 2 + 40


@pytest.mark.parametrize(
    ("database", "bad"), [("postgresql", "nul \0"), ("postgresql", "poison"), ("sqlite", "poison")]
)
def test_what_fails_among_plain_messages_is_kept_back_alone(app, channel, bad, monkeypatch):  # S6
    chat_of(channel, who="Ua"), chat_of(channel, who="Ub")
    calls = [call(channel, said("good", who="Ua")), call(channel, said(bad, who="Ub"))]
    transaction.release()
    make_indigestible(monkeypatch, "poison")

    with arriving_together(app, calls) as told:
        assert told == dict.fromkeys(range(2))

    assert db.session.scalars(select(Message.text).order_by(Message.id)).all()[2:] == ["good"]
    assert count(Receipt) == 4
    assert db.session.scalar(select(Receipt.raw).where(Receipt.error.is_not(None))) == b"{}"


@pytest.mark.parametrize(
    "more",
    [
        {"kind": "unsent"},
        {"quoted_id": "m1"},
        {"conversation_kind": "group"},
        {"message_id": None},
        {"conversation_id": None},
        {"album_key": "a"},
    ],
)
def test_what_needs_more_is_not_plain(more):
    assert plain.is_plain(said())
    assert not plain.is_plain(said(**more))

"""What a contact did to a message afterwards: unsend and edit, before and after it came (L3)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import select

from app import transaction
from app.channels.base import InboundFile
from app.clock import now
from app.domain import access, cases, changes, chat_lists, chats, inbox, search, timeline
from app.extensions import db
from app.models import (
    Attachment,
    Case,
    Channel,
    Conversation,
    EarlyChange,
    Event,
    Message,
    Receipt,
)
from tests.world import ToyAdapter, connected, count, play, receive, said

SECRET = "my card is QX4242"


@pytest.fixture
def channel(app) -> Channel:
    play(ToyAdapter())
    return connected("toy")


def unsent(message_id: str, **fields):
    return said("", kind="unsent", message_id=message_id, **fields)


def edited(message_id: str, text: str, *, minutes: int = 0, **fields):
    moment = now() + timedelta(minutes=minutes)
    payload = {"text": text}
    return said(
        text, kind="edited", message_id=message_id, occurred_at=moment, payload=payload, **fields
    )


def only_message() -> Message:
    return db.session.scalars(select(Message)).one()


def only_case() -> Case:
    return db.session.scalars(select(Case)).one()


def found(q: str) -> list[int]:
    return [case.id for case in cases.listed(access.EVERYTHING, chat="all", q=q).cases]


def whole_database() -> str:
    """Everything that any of our tables holds, the search index of SQLite apart."""
    rows = []
    for table in (Message, Case, Event, Receipt, EarlyChange, Attachment):
        rows += [repr(tuple(row)) for row in db.session.execute(select(table.__table__))]
    return "\n".join(rows)


def test_unsent_message_keeps_its_place_and_nothing_of_its_content(channel):  # L3
    receive(channel, said(SECRET, message_id="m1", payload={"text": SECRET}, quote_token="q"))

    receive(channel, unsent("m1"))

    message = only_message()
    assert (message.text, message.payload, message.quote_token) == ("", None, None)
    assert message.unsent_at is not None
    assert found("QX4242") == []
    assert "QX4242" not in whole_database()


def test_subject_made_of_an_unsent_text_becomes_the_contacts_name(channel):  # L3
    receive(channel, said(SECRET, message_id="m1"), said("hello", message_id="m2"))

    receive(channel, unsent("m1"))

    assert only_case().subject == "Toy chat with Usomchai"


def test_agents_own_subject_stays_when_a_text_is_unsent(channel, alice):  # L3
    receive(channel, said(SECRET, message_id="m1"))
    with transaction.writing():
        cases.set_subject(only_case(), "Payment", by=alice)

    receive(channel, unsent("m1"))

    assert only_case().subject == "Payment"
    assert "QX4242" not in whole_database()


def test_history_holds_no_copy_of_an_edited_and_unsent_text(channel, alice):  # L3
    receive(channel, said(SECRET, message_id="m1"))
    with transaction.writing():
        cases.set_subject(only_case(), "Payment", by=alice)
    receive(channel, edited("m1", "my card is QX5555"))

    receive(channel, unsent("m1"))

    assert "QX4242" not in whole_database()
    assert "QX5555" not in whole_database()


def test_files_of_an_unsent_message_wait_to_be_deleted(channel):  # L3
    file = InboundFile("file", filename="salary.pdf", size=9, url="https://example.com/salary")
    receive(channel, said("salary.pdf", message_kind="file", message_id="m1", files=(file,)))

    receive(channel, unsent("m1"))

    removed = db.session.scalars(select(Attachment)).one()
    assert (removed.state, removed.filename, removed.source_url) == ("removed", "", None)
    assert removed.due_at is not None
    assert "salary" not in whole_database()


def test_unsend_that_came_first_leaves_the_mark_alone(channel):  # L3
    file = InboundFile("image", url="https://example.com/secret.jpg")
    receive(channel, unsent("m1"))

    receive(channel, said(SECRET, message_id="m1", payload={"text": SECRET}, files=(file,)))

    message = only_message()
    assert (message.text, message.unsent_at is not None) == ("", True)
    assert only_case().subject == "Toy chat with Usomchai"
    assert (count(Attachment), count(EarlyChange)) == (0, 0)
    assert "QX4242" not in whole_database()
    assert found("QX4242") == []


def test_unsend_before_anything_was_written_opens_no_chat(channel):  # L3, S13
    receive(channel, unsent("m1"))

    assert (count(Case), count(Conversation)) == (0, 1)


def test_unsend_twice_is_one_fact(channel):  # S6
    receive(channel, said(message_id="m1"))

    receive(channel, unsent("m1"))
    receive(channel, unsent("m1"))

    facts = db.session.scalars(select(Event.type).where(Event.type == "message.unsent")).all()
    assert len(facts) == 1


def test_unsend_reaches_a_message_that_was_kept_back(channel, monkeypatch):  # L3, S6
    raw = json.dumps({"message": {"id": "m1", "text": SECRET}}).encode()
    keep_back(channel, raw)
    late = said(SECRET, message_id="m1", payload={"text": SECRET})
    monkeypatch.setattr(kind(), "retry", lambda channel, raw: [late])

    receive(channel, unsent("m1"))

    assert only_message().unsent_at is not None
    assert "QX4242" not in whole_database()


def test_unsent_message_that_never_could_be_read_loses_its_bytes(channel, monkeypatch):  # L3
    keep_back(channel, json.dumps({"message": {"id": "m1", "text": SECRET}}).encode())
    keep_back(channel, b'{"message": {"id": "m2", "quotedMessageId": "m1"}}')
    monkeypatch.setattr(kind(), "retry", broken)

    receive(channel, unsent("m1"))

    first, second, _ = db.session.scalars(select(Receipt).order_by(Receipt.id)).all()
    assert (first.raw, first.due_at, first.error) == (None, None, inbox.TAKEN_BACK)
    assert second.raw is not None
    assert "QX4242" not in whole_database()


def keep_back(channel: Channel, raw: bytes) -> None:
    with transaction.writing():
        key = f"kept-{len(raw)}"
        db.session.add(
            Receipt(channel_id=channel.id, event_key=key, raw=raw, error="ValueError", due_at=now())
        )


def kind():
    from app.channels import registry

    return registry.kind("toy")


def broken(channel, raw):
    raise ValueError("still not readable")


def test_edit_shows_the_newest_text_and_search_follows(channel):  # L3
    receive(channel, said("see you at nine", message_id="m1"))

    receive(channel, edited("m1", "see you at ten", quote_token="new"))

    message = only_message()
    assert (message.text, message.quote_token) == ("see you at ten", "new")
    assert message.edited_at is not None
    assert (found("nine"), found("ten")) == ([], [message.case_id])
    assert only_case().subject == "see you at ten"


def test_of_edits_out_of_order_the_newest_stays(channel):  # L3
    receive(channel, said("one", message_id="m1"))

    receive(channel, edited("m1", "three", minutes=3), edited("m1", "two", minutes=2))

    assert only_message().text == "three"
    assert found("two") == []


def test_edits_that_came_first_wait_for_their_message(channel):  # L3
    receive(channel, edited("m1", "three", minutes=3), edited("m1", "two", minutes=2))

    receive(channel, said("one", message_id="m1"))

    message = only_message()
    assert message.text == "three"
    assert message.edited_at is not None
    assert json.loads(message.payload) == {"text": "three"}
    assert count(EarlyChange) == 0
    assert found("three") == [message.case_id]


@pytest.mark.parametrize(
    "order",
    [
        ("message", "unsent", "edited"),
        ("unsent", "message", "edited"),
        ("unsent", "edited", "message"),
        ("edited", "unsent", "message"),
    ],
    ids=" ".join,
)
def test_nothing_comes_back_after_an_unsend(channel, order):  # L3
    told = {
        "message": said(SECRET, message_id="m1"),
        "unsent": unsent("m1"),
        "edited": edited("m1", "card QX4242, again", minutes=5),
    }

    receive(channel, told[order[0]])
    receive(channel, told[order[1]])
    receive(channel, told[order[2]])

    message = only_message()
    assert (message.text, message.unsent_at is not None) == ("", True)
    assert "QX4242" not in whole_database()


def test_edit_reactivates_nothing_and_lights_nothing(channel, alice):  # L3, S25
    receive(channel, said("one", message_id="m1"))
    with transaction.writing():
        chats.reply(only_case(), "answer", by=alice)
        chats.end(only_case(), "pending", by=alice)
    activity = only_case().last_activity_at

    receive(channel, edited("m1", "two", minutes=1))

    case = only_case()
    assert (case.chat_state, case.status, case.unanswered_since) == ("ended", "pending", None)
    assert case.last_activity_at == activity
    assert list(chat_lists.incoming(access.EVERYTHING)) == []


def test_open_page_learns_of_a_change(channel):  # L3
    receive(channel, said("one", message_id="m1"), said("two", quoted_id="m1"))
    cursor = timeline.cursor_of(only_case())

    receive(channel, unsent("m1"))

    changed = timeline.changed_since(only_case(), cursor).messages
    assert [message.text for message in changed] == ["", "two"]


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_change_costs_an_open_page_as_much_in_a_long_chat_as_in_a_short_one(channel):
    def steps_after(*texts: str) -> int:
        receive(channel, *map(said, texts))
        cursor = timeline.cursor_of(only_case())
        receive(channel, said("newest"))
        with counted_steps() as steps:
            assert [one.text for one in timeline.changed_since(only_case(), cursor).messages] == ["newest"]
        return len(steps)

    short, long = steps_after("first"), steps_after(*[f"{n}" for n in range(200)])
    assert long < 1.2 * short


@contextmanager
def counted_steps() -> Iterator[list[None]]:
    """What SQLite's virtual machine does meanwhile."""
    steps: list[None] = []
    connection = db.session.connection().connection.dbapi_connection
    connection.set_progress_handler(lambda: steps.append(None), 1)
    try:
        yield steps
    finally:
        connection.set_progress_handler(None, 1)


def test_edited_text_is_found_as_it_was_told_to_the_index(channel):  # H4
    receive(channel, said("apples", message_id="m1"))
    receive(channel, edited("m1", "pears"))
    receive(channel, unsent("m1"))

    receive(channel, said("apples and pears", message_id="m2"))

    assert search.newest_hits("pears", [only_case().id]) == {only_case().id: 2}


def test_changes_whose_message_never_comes_are_forgotten(channel):
    receive(channel, edited("m1", "old", minutes=-90), edited("m2", "new"))

    with transaction.writing():
        changes.forget_early(now() - timedelta(minutes=60))

    assert list(db.session.scalars(select(EarlyChange.external_id))) == ["m2"]

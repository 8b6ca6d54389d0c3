"""Deleting cases for good: at once for everybody, then piece by piece, with nothing left behind."""

from datetime import timedelta

import pytest
from sqlalchemy import func, inspect, select, text

from app import background, delivery, downloads, storage, transaction
from app.channels.base import InboundFile
from app.domain import (
    access,
    attachments,
    cases,
    chats,
    deletions,
    drafts,
    events,
    labels,
    notifications,
)
from app.domain.agents import Refused
from app.domain.rules import book, definitions
from app.extensions import db
from app.models import Attachment, Base, Case, Event, Message
from tests import files, world
from tests.world import ToyAdapter, chat_of, connected, play, receive, said


@pytest.fixture
def toy(app) -> ToyAdapter:
    return play(ToyAdapter())


@pytest.fixture
def channel(toy):
    return connected("toy")


def full(channel, bob) -> Case:
    """A case with something of all that a case can have, in the trash."""
    action = {"action": "set_priority", "value": "high"}
    with transaction.writing():
        book.add(definitions.read({"type": "new_case", "name": "A rule", "actions": [action]}), by=None)
    chat = chat_of(channel, "secret words")
    with transaction.writing():
        labels.add(chat, [labels.create("vip", by=None)], by=bob)
        notifications.notify(chat, "Look", to=["all"], by=["app"], rule_id=None)
        chats.reply(chat, "a secret answer", by=bob)
        chats.note(chat, "a secret note", by=bob)
        files.sent(chat, "photo.jpg", b"a picture", by=bob)
        drafts.keep(chat, "half a secret", is_note=False, by=bob)
    receive(channel, said("secret too", files=(InboundFile("image"),)))
    delivery.deliver_due()
    with transaction.writing():
        chats.trash(chat, by=bob)
    return chat


def deleted(case: Case) -> None:
    with transaction.writing():
        deletions.delete(case, by=None)


def emptied() -> None:
    """What the processes do in the next minute."""
    while downloads.work_one():
        pass
    background.empty_trash()
    db.session.expire_all()


def rows_of(case_id: int) -> dict[str, int]:
    """How many rows of each table speak of the case."""
    with_case = [table for table in Base.metadata.sorted_tables if "case_id" in table.c]
    counts = {
        table.name: db.session.scalar(
            select(func.count()).select_from(table).where(table.c.case_id == case_id)
        )
        for table in with_case
    }
    return {name: count for name, count in counts.items() if count}


def stored(case_id: int) -> list[str]:
    """Names of the case's files and of their pictures, in the storage."""
    columns = select(Attachment.storage_key, Attachment.preview_key)
    rows = db.session.execute(columns.where(Attachment.case_id == case_id))
    return [key for row in rows for key in row if key]


def found(q: str) -> list[int]:
    return [case.id for flag in (None, "spam", "trash") for case in cases.listed(
        access.EVERYTHING, cases.Filters(flag=flag), chat="all", q=q).cases]  # fmt: skip


def test_only_what_is_in_the_trash_is_deleted(channel):
    chat = chat_of(channel)
    with transaction.writing(), pytest.raises(Refused):
        deletions.delete(chat, by=None)
    assert cases.visible(chat.id, access.EVERYTHING)


def test_a_deleted_case_is_gone_for_everybody_at_once(channel, bob):
    chat = full(channel, bob)
    file_id = db.session.scalars(select(Attachment.id)).first()
    deleted(chat)
    db.session.expire_all()
    assert cases.visible(chat.id, access.EVERYTHING) is None
    assert found("secret") == found(str(chat.id)) == []
    assert attachments.visible(file_id, bob) is None
    assert notifications.listed(bob, limit=10) == []


def test_nothing_of_a_deleted_case_is_left(channel, bob, toy, either_storage):
    chat = full(channel, bob)
    number = chat.id
    newer = chat_of(channel, "something else", who="Uyuki").id
    before, keys = rows_of(number), stored(number)
    assert {"messages", "attachments", "events", "drafts", "notifications", "case_labels", "rule_runs"} <= before.keys()
    assert [storage.size_of(key) is None for key in keys] == [False, False]
    deleted(chat)
    emptied()
    assert rows_of(number) == {}
    assert db.session.get(Case, number) is None
    assert [storage.size_of(key) is None for key in keys] == [True, True]
    assert not any("secret" in event.data for event in db.session.scalars(select(Event)))
    assert found("something") == [newer]
    assert world.count(Message) == 1


def test_the_index_of_all_texts_is_whole_afterwards(channel, bob):  # L3
    chat = full(channel, bob)
    chat_of(channel, "secret of another", who="Uyuki")
    deleted(chat)
    emptied()
    is_sqlite = db.engine.dialect.name == "sqlite"
    check = "INSERT INTO message_search(message_search) VALUES ('integrity-check')"
    with transaction.writing():
        db.session.execute(text(check if is_sqlite else "SELECT 1"))
    rows = text("SELECT count(*) FROM message_search WHERE message_search MATCH 'secret'")
    rest = text("SELECT count(*) FROM message_search WHERE strpos(words, 'secret') > 0")
    assert db.session.scalar(rows if is_sqlite else rest) == 1


def test_files_bytes_go_before_their_names(channel, bob):
    chat = full(channel, bob)
    number = chat.id
    chat_of(channel, who="Uyuki")
    deleted(chat)
    background.empty_trash()
    assert "attachments" in rows_of(number)
    emptied()
    assert rows_of(number) == {}


def test_the_number_of_the_newest_case_is_never_given_again(channel, bob):
    chat = full(channel, bob)
    number = chat.id
    deleted(chat)
    emptied()
    assert rows_of(number) == {}
    newer = chat_of(channel, "again")
    assert newer.id > number
    emptied()
    assert db.session.get(Case, number) is None


def test_events_go_on_being_counted_upwards(channel, bob):
    chat = full(channel, bob)
    newest = events.newest_ids(1)[0]
    deleted(chat)
    emptied()
    chat_of(channel, "again")
    assert events.newest_ids(1)[0] > newest


def test_a_contacts_message_after_it_begins_a_new_case(channel, bob):  # S26
    chat = full(channel, bob)
    deleted(chat)
    assert chat_of(channel, "hello again").id != chat.id


def test_a_reply_that_still_waited_is_not_sent(channel, bob, toy):
    chat = chat_of(channel)
    with transaction.writing():
        chats.reply(chat, "too late", by=bob)
        chats.trash(chat, by=bob)
    deleted(chat)
    assert delivery.deliver_due() == 0
    assert toy.sent == []


def test_a_reply_that_was_being_sent_meanwhile_is_recorded_nowhere(channel, bob, toy):
    chat = chat_of(channel)
    with transaction.writing():
        chats.reply(chat, "just now", by=bob)
        chats.trash(chat, by=bob)
    attempt = delivery.claim()
    deleted(chat)
    chat_of(channel, who="Uyuki")
    emptied()
    delivery.perform(attempt)
    assert db.session.get(Message, attempt.message_id) is None


def test_a_message_that_quotes_one_of_it_stays_without_the_quote(channel, bob):  # L4
    chat = full(channel, bob)
    newer = chat_of(channel, "about that")
    first = db.session.scalars(select(Message).where(Message.case_id == chat.id)).first()
    with transaction.writing():
        db.session.get_one(Message, newer.last_message_id).quoted_id = first.id
    deleted(chat)
    db.session.expire_all()
    assert db.session.get_one(Message, newer.last_message_id).quoted_id is None


def test_the_trash_keeps_a_case_for_30_days(channel, bob, clock):  # H6
    chat = full(channel, bob)
    clock.shift(timedelta(days=30) - timedelta(seconds=1))
    background.empty_trash()
    assert cases.visible(chat.id, access.EVERYTHING)
    clock.shift(timedelta(seconds=1))
    background.empty_trash()
    assert cases.visible(chat.id, access.EVERYTHING) is None


def test_what_was_taken_out_of_the_trash_in_time_stays(channel, bob, clock):
    chat = full(channel, bob)
    with transaction.writing():
        cases.set_trashed(chat, is_trashed=False, by=bob)
    clock.shift(timedelta(days=31))
    background.empty_trash()
    assert cases.visible(chat.id, access.EVERYTHING)


def test_a_long_case_goes_in_portions(channel, bob, monkeypatch):
    chat = chat_of(channel)
    number = chat.id
    receive(channel, *(said(f"number {number}") for number in range(25)))
    chat_of(channel, who="Uyuki")
    with transaction.writing():
        chats.trash(chat, by=bob)
    deleted(chat)
    monkeypatch.setattr(deletions, "PORTION", 10)
    monkeypatch.setattr(deletions, "PORTION_SECONDS", 0)
    with transaction.writing():
        assert deletions.take_apart()
    assert rows_of(number)["messages"] == 16
    emptied()
    assert rows_of(number) == {}


def test_every_table_that_speaks_of_cases_is_found_by_them(app):
    """Else each deletion would look through all of that table."""
    inspector = inspect(db.engine)
    of_cases = [table for table in Base.metadata.sorted_tables if "case_id" in table.c]
    lacking = [table.name for table in of_cases if not _is_indexed(inspector, table.name)]
    assert lacking == []


def _is_indexed(inspector, table: str) -> bool:
    keys = [inspector.get_pk_constraint(table)["constrained_columns"]]
    keys += [
        index["column_names"]
        for index in inspector.get_indexes(table)
        if not any(name.endswith("_where") for name in index.get("dialect_options", {}))
    ]
    return any(columns[:1] == ["case_id"] for columns in keys)


def test_deleted_case_is_neither_restored_nor_answered(channel, bob):
    case = full(channel, bob)
    deleted(case)
    with pytest.raises(Refused, match="deleted for good"):
        cases.set_trashed(case, is_trashed=False, by=bob)
    with transaction.writing(), pytest.raises(Refused, match="deleted for good"):
        chats.reply(case, "Too late", by=bob)

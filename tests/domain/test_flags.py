"""Spam and trash: what they do to chats and cases, and what clears them."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app import transaction
from app.domain import access, cases, chats, events
from app.domain.agents import Refused
from app.domain.rules import book, definitions
from app.extensions import db
from app.models import Case, RuleRun
from tests.world import ToyAdapter, chat_of, connected, play, receive, said

MARK = {"spam": chats.mark_spam, "trash": chats.trash}
FLAGS = pytest.mark.parametrize("flag", MARK)


@pytest.fixture
def channel(app):
    play(ToyAdapter())
    return connected("toy")


def marked(case: Case, flag: str, *, by) -> Case:
    with transaction.writing():
        MARK[flag](case, by=by)
    return case


def is_flagged(case: Case) -> bool:
    db.session.expire_all()
    return case.is_spam or case.trashed_at is not None


def told(case: Case) -> list[str]:
    return [event.type for event in events.of_case(case)]


@FLAGS
def test_an_active_chat_ends_first_with_the_status_it_would_have_had(channel, bob, flag):
    chat = marked(chat_of(channel), flag, by=bob)
    assert (chat.chat_state, chat.status) == ("ended", "open")
    assert is_flagged(chat)
    assert cases.listed(access.EVERYTHING, chat="all").cases == []


@FLAGS
def test_an_answered_chat_is_pending_afterwards(channel, bob, flag):
    chat = chat_of(channel)
    with transaction.writing():
        chats.reply(chat, "hello", by=bob)
    assert marked(chat, flag, by=bob).status == "pending"


@FLAGS
def test_marking_twice_is_once(channel, bob, flag):
    chat = marked(marked(chat_of(channel), flag, by=bob), flag, by=bob)
    assert len([name for name in told(chat) if name in ("case.marked_spam", "case.trashed")]) == 1


def test_the_first_moment_in_the_trash_counts(channel, bob, clock):
    chat = marked(chat_of(channel), "trash", by=bob)
    before = chat.trashed_at
    clock.shift(timedelta(days=1))
    assert marked(chat, "trash", by=bob).trashed_at == before


def test_an_active_chat_has_no_flag(channel, bob):
    chat = chat_of(channel)
    with transaction.writing(), pytest.raises(Refused):
        cases.set_spam(chat, is_spam=True, by=bob)
    with transaction.writing(), pytest.raises(Refused):
        cases.set_trashed(chat, is_trashed=True, by=bob)


@FLAGS
def test_a_contacts_message_begins_a_new_case(channel, bob, flag):  # S26
    chat = marked(chat_of(channel), flag, by=bob)
    receive(channel, said("again"))
    newest = db.session.scalars(select(Case).order_by(Case.id.desc()).limit(1)).one()
    assert newest.id != chat.id and newest.is_active_chat
    assert is_flagged(chat)


@FLAGS
def test_an_agents_reply_clears_the_flag_and_says_so(channel, bob, flag):  # S26
    chat = marked(chat_of(channel), flag, by=bob)
    with transaction.writing():
        chats.reply(chat, "one more thing", by=bob)
    assert not is_flagged(chat)
    assert (chat.chat_state, chat.status) == ("active", "open")
    assert {"case.unmarked_spam", "case.restored"} & set(told(chat))


@FLAGS
def test_a_note_leaves_the_flag(channel, bob, flag):  # S26
    chat = marked(chat_of(channel), flag, by=bob)
    with transaction.writing():
        chats.note(chat, "surely", by=bob)
    assert is_flagged(chat)


@FLAGS
def test_a_reply_to_a_mail_like_case_clears_the_flag_too(bob, flag):
    with transaction.writing():
        case = cases.open_by_hand(subject="A", text_="B", contact_name="Yuki", by=None)
    marked(case, flag, by=bob)
    with transaction.writing():
        chats.reply(case, "hello", by=bob)
    assert not is_flagged(case)


@FLAGS
def test_no_rule_acts_on_it(channel, bob, flag):
    action = {"action": "send_message", "value": "How was it?"}
    clause = {"condition": "happened", "operator": "is", "value": "chat_ended_by_agent"}
    block = {"match": "all", "conditions": [clause]}
    given = {"type": "updated_case", "name": "Ask", "blocks": [block], "actions": [action]}
    with transaction.writing():
        book.add(definitions.read(given), by=None)
    marked(chat_of(channel), flag, by=bob)
    assert db.session.scalars(select(RuleRun)).all() == []

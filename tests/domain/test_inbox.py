"""What a webhook event does to conversations, chats and messages."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app import transaction
from app.clock import now
from app.domain import access, cases, chat_lists, chats, inbox
from app.extensions import db
from app.models import Case, Channel, Contact, Event, Identity, Message, Receipt
from tests.world import connected, count, receive, said


@pytest.fixture
def line(app) -> Channel:
    return connected()


def only_case() -> Case:
    return db.session.scalars(select(Case)).one()


def test_first_message_opens_an_active_untaken_chat(line):  # S13
    receive(line, said("Hello, is anybody there?"))

    case = only_case()
    assert (case.chat_state, case.status, case.taken_by_id) == ("active", "open", None)
    assert case.subject == "Hello, is anybody there?"
    assert case.unanswered_since is not None
    assert [case.id for case in chat_lists.incoming(access.EVERYTHING)] == [case.id]


def test_redelivered_webhook_adds_no_second_message(line):  # S6
    event = said()

    receive(line, event)
    receive(line, event)

    assert (count(Message), count(Receipt), count(Case)) == (1, 1, 1)


def test_message_without_an_id_is_lost_in_no_case(line, bob):
    receive(line, said("first"))
    with transaction.writing():
        chats.reply(only_case(), "an answer", by=bob)
        chats.end(only_case(), "open", by=bob)
    receive(line, said("second", message_id=None))

    assert only_case().chat_state == "active"
    said_in = select(Message.text).where(Message.direction == "in").order_by(Message.id)
    assert db.session.scalars(said_in).all() == ["first", "second"]


def test_same_message_under_another_event_id_is_one_message(line):  # S6
    event = said()

    receive(line, event)
    receive(line, said(message_id=event.message_id))

    assert count(Message) == 1


def test_known_message_under_another_event_id_reopens_nothing(line, alice):  # S6
    event = said()
    receive(line, event)
    with transaction.writing():
        chats.end(only_case(), "closed", by=alice)

    receive(line, said(message_id=event.message_id))

    assert only_case().chat_state == "ended"


def test_second_message_goes_on_in_the_same_chat(line):
    receive(line, said("one"), said("two"))

    case = only_case()
    messages = db.session.scalars(select(Message).order_by(Message.id)).all()
    assert [message.text for message in messages] == ["one", "two"]
    assert case.last_contact_message_id == messages[1].id
    assert case.unanswered_since == messages[0].received_at


@pytest.mark.parametrize("status", ["open", "pending"])
def test_message_to_an_ended_chat_reactivates_the_same_case(line, alice, status):  # S25
    receive(line, said())
    with transaction.writing():
        case = only_case()
        chats.take(case, by=alice)
        chats.end(case, status, by=alice)

    receive(line, said("again"))
    db.session.expire_all()

    case = only_case()
    assert (case.chat_state, case.status, case.taken_by_id) == ("active", "open", None)
    kinds = db.session.scalars(select(Event.type).where(Event.case_id == case.id)).all()
    assert "chat.reactivated_by_contact" in kinds


def test_message_to_a_closed_case_makes_a_new_one(line, alice):  # S26
    receive(line, said())
    with transaction.writing():
        chats.end(only_case(), "closed", by=alice)

    receive(line, said("something else"))

    old, new = db.session.scalars(select(Case).order_by(Case.id)).all()
    assert (old.chat_state, old.status) == ("ended", "closed")
    assert (new.chat_state, new.subject) == ("active", "something else")


def test_closed_case_is_reactivated_where_the_channel_says_so(line, alice):  # S26
    with transaction.writing():
        db.session.merge(line).reactivates_closed = True
    line.reactivates_closed = True
    receive(line, said())
    with transaction.writing():
        chats.end(only_case(), "closed", by=alice)

    receive(line, said("again"))
    db.session.expire_all()

    assert only_case().chat_state == "active"


def test_all_messages_of_a_group_are_in_one_chat_each_with_its_sender(line):  # S29
    group = {"conversation_kind": "group", "conversation_id": "Cmove"}

    receive(line, said("A", who="Uanna", **group), said("B", who="Uben", **group))
    receive(line, said("private", who="Uanna"))

    in_group, alone = db.session.scalars(select(Case).order_by(Case.id)).all()
    senders = db.session.scalars(
        select(Message.contact_id).where(Message.case_id == in_group.id)
    ).all()
    assert in_group.subject == "LINE group Cmove"
    assert len(set(senders)) == 2
    assert alone.conversation_id != in_group.conversation_id
    assert alone.contact_id == in_group.contact_id


def test_group_message_without_a_user_id_is_kept(line):  # S33
    receive(
        line,
        said("who am I", conversation_kind="group", conversation_id="Cmove", sender_id=None),
    )

    assert db.session.scalars(select(Message)).one().contact_id is None


def test_new_contact_is_to_be_looked_up_and_shown_by_id_until_then(line):  # S34
    receive(line, said(message_kind="image", text=""))

    identity = db.session.scalars(select(Identity)).one()
    assert identity.lookup_due_at is not None
    assert only_case().subject == "LINE chat with Usomchai"


def test_follow_opens_no_chat(line):  # S8
    receive(line, said(kind="followed", message_id=None, text=""))

    assert (count(Case), count(Contact), count(Receipt)) == (0, 0, 1)


def test_unfollow_and_follow_mark_the_contact_blocked_and_back(line):  # S8
    receive(line, said())

    receive(line, said(kind="unfollowed", message_id=None, text=""))
    db.session.expire_all()
    was_blocked = db.session.scalars(select(Identity)).one().blocked_at
    receive(line, said(kind="followed", message_id=None, text=""))
    db.session.expire_all()

    assert was_blocked is not None
    assert db.session.scalars(select(Identity)).one().blocked_at is None


def test_postback_shows_as_a_line_and_counts_as_activity(line, clock):  # S8
    receive(line, said())
    clock.shift(timedelta(minutes=3))

    receive(line, said("size=M", kind="activity", message_kind="postback", message_id=None))
    db.session.expire_all()

    kinds = db.session.scalars(select(Message.direction).order_by(Message.id)).all()
    assert kinds == ["in", "system"]
    assert only_case().last_activity_at == now()


def test_postback_opens_no_chat(line):  # S8
    receive(line, said("size=M", kind="activity", message_kind="postback", message_id=None))

    assert count(Case) == 0


def test_bad_event_never_harms_its_neighbours(line):  # S6
    good, other = said("good"), said("fine")
    bad = said("bad", occurred_at="not a moment")

    with transaction.writing():
        raw = [b"1", b"2", b"3"]
        inbox.receive_each(inbox.Source.of(line), [good, bad, other], raw)

    texts = db.session.scalars(select(Message.text).order_by(Message.id)).all()
    kept = db.session.scalars(select(Receipt).where(Receipt.error.is_not(None))).one()
    assert texts == ["good", "fine"]
    assert (kept.raw, kept.event_key, kept.due_at is not None) == (b"2", bad.key, True)


def test_database_refuses_a_second_active_chat_of_a_conversation(line):  # S26a
    receive(line, said())
    case = only_case()
    twin = Case(channel_id=line.id, conversation_id=case.conversation_id, chat_state="active")

    with pytest.raises(Exception, match=r"one_active_chat|UNIQUE"), transaction.writing():
        db.session.add(twin)
        db.session.flush()

    assert cases.active_in(case.conversation_id).id == case.id

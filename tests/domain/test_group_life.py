"""Groups and rooms beside their messages: coming and going, names, sizes, people (S8, S27-S34)."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from app import lookups, transaction
from app.channels import registry
from app.channels.base import Profile, TemporaryError
from app.clock import now
from app.domain import access, cases, chats, contacts
from app.domain.agents import Refused
from app.extensions import db
from app.models import Case, Channel, Contact, Conversation, Event, Identity, Message
from tests.world import ToyAdapter, connected, count, play, receive, said, texts

GROUP = {"conversation_kind": "group", "conversation_id": "Cmove"}
ROOM = {"conversation_kind": "room", "conversation_id": "Rlunch"}
QUIET = {"message_id": None, "text": "", "sender_id": None}


@pytest.fixture
def toy(app) -> ToyAdapter:
    return play(ToyAdapter())


@pytest.fixture
def channel(toy) -> Channel:
    return connected("toy")


def joined(**where: object) -> object:
    return said(**{"kind": "joined", "message_kind": "join"} | QUIET | GROUP | where)


def left(**where: object) -> object:
    return said(**{"kind": "left", "message_kind": "leave"} | QUIET | GROUP | where)


def members(kind: str, *ids: str) -> object:
    return said(**{"kind": "line", "message_kind": kind, "member_ids": ids} | QUIET | GROUP)


def look_up_all() -> None:
    while lookups.look_up_one():
        pass
    db.session.expire_all()


def only_case() -> Case:
    return db.session.scalars(select(Case)).one()


def place() -> Conversation:
    return db.session.scalars(select(Conversation)).one()


def of_type(type_: str) -> list[Event]:
    query = select(Event).where(Event.type == type_).order_by(Event.id)
    return list(db.session.scalars(query))


def lines() -> list[tuple[str, str]]:
    query = select(Message.kind, Message.text).where(Message.direction == "system")
    return [tuple(row) for row in db.session.execute(query.order_by(Message.id))]


# ── Coming and going ────────────────────────────────────────────────────────────────────────


def test_a_channel_that_is_added_to_a_group_makes_no_case(channel):  # S27
    receive(channel, joined())

    assert (count(Case), count(Conversation)) == (0, 0)
    assert [json.loads(event.data) for event in of_type("channel.joined_group")] == [
        {"group": "Cmove"}
    ]


def test_joining_and_leaving_at_once_leaves_only_lines_in_the_channels_log(channel):  # S28
    receive(channel, joined(), left())
    look_up_all()

    assert (count(Case), count(Conversation), count(Message), count(Contact)) == (0, 0, 0, 0)
    assert [event.type for event in db.session.scalars(select(Event).order_by(Event.id))] == [
        "channel.joined_group", "channel.left_group",
    ]  # fmt: skip


@pytest.mark.parametrize("where", [GROUP, ROOM])
def test_leaving_keeps_the_history_and_refuses_replies(channel, alice, where):  # S28
    receive(channel, said("hello", **where))
    receive(channel, left(**where))

    case = only_case()
    assert (case.chat_state, texts(case)) == ("active", ["hello", ""])
    assert lines() == [("leave", "")]
    with pytest.raises(Refused, match="left this group"), transaction.writing():
        chats.reply(case, "anybody?", by=alice)
    assert [event.case_id for event in of_type("channel.left_group")] == [case.id]


def test_coming_back_frees_the_chat(channel, alice):  # S28
    receive(channel, said("hello", **GROUP), left())
    assert place().left_at is not None

    receive(channel, joined())

    assert place().left_at is None
    with transaction.writing():
        assert chats.reply(only_case(), "Here again", by=alice).state == "queued"


def test_leaving_an_ended_chat_is_told_to_its_page(channel, alice):  # S28
    receive(channel, said("hello", **GROUP))
    with transaction.writing():
        chats.end(only_case(), "closed", by=alice)

    receive(channel, left())

    assert lines() == []
    assert place().left_at is not None
    assert [event.case_id for event in of_type("channel.left_group")] == [only_case().id]


def test_nobody_asks_about_a_group_that_the_channel_left(channel, toy):  # S28, S34
    receive(channel, said("hello", **GROUP), left())
    assert place().lookup_due_at is None

    receive(channel, joined())

    assert place().lookup_due_at is not None


def test_a_message_after_the_leaving_shows_that_the_channel_is_back(channel):  # S28
    gone = now()
    receive(channel, said("hello", occurred_at=gone - timedelta(minutes=2), **GROUP))
    receive(channel, left(occurred_at=gone))
    late = said("late", occurred_at=gone - timedelta(minutes=1), is_redelivered=True, **GROUP)

    receive(channel, late)
    assert place().left_at is not None
    receive(channel, said("back", occurred_at=gone + timedelta(minutes=1), **GROUP))

    assert place().left_at is None


def test_a_joining_that_comes_after_the_later_leaving_frees_nothing(channel):  # S28
    gone = now()
    hello = said("hello", occurred_at=gone - timedelta(minutes=2), **GROUP)
    receive(channel, hello, left(occurred_at=gone))

    receive(channel, joined(occurred_at=gone - timedelta(minutes=1)))

    assert place().left_at is not None


# ── Members come and go ─────────────────────────────────────────────────────────────────────


def test_each_who_joins_or_leaves_is_a_line_of_their_own(channel):  # S8
    receive(channel, said("hello", **GROUP))

    receive(channel, members("member_joined", "Uben", "Uchris"), members("member_left", "Uben"))

    assert lines() == [
        ("member_joined", "Uben"), ("member_joined", "Uchris"), ("member_left", "Uben"),
    ]  # fmt: skip


def test_member_lines_open_no_chat_and_keep_none_open(channel, clock):  # S8, S18
    receive(channel, members("member_joined", "Uben"))
    assert count(Case) == 0
    receive(channel, said("hello", **GROUP))
    began = only_case().last_activity_at
    clock.shift(timedelta(minutes=3))

    receive(channel, members("member_joined", "Uben"))

    assert only_case().last_activity_at == began


def test_who_joined_is_looked_up_and_the_page_is_told(channel, toy):  # S8, S33
    receive(channel, said("hello", who="Uanna", **GROUP))
    receive(channel, members("member_joined", "Uben"))
    toy.profiles["Uben"] = Profile("Ben")
    look_up_all()

    line = db.session.scalars(select(Message).where(Message.direction == "system")).one()
    assert line.contact.name == "Ben"
    assert [event.case_id for event in of_type("contact.named")] == [only_case().id]


def test_a_line_without_ids_is_still_a_line(channel):  # S8
    receive(channel, said("hello", **GROUP))

    receive(channel, members("member_left"))

    assert lines() == [("member_left", "")]


# ── Names and sizes ─────────────────────────────────────────────────────────────────────────


def test_a_room_has_a_size_and_no_name(channel, toy):  # S27, S33
    toy.profiles["Rlunch"] = Profile(None, member_count=3)
    receive(channel, said("hello", **ROOM))
    look_up_all()

    assert (place().name, place().member_count) == (None, 3)
    assert [event.case_id for event in of_type("conversation.counted")] == [only_case().id]


def test_a_groups_size_follows_who_joins(channel, toy):  # S33
    toy.profiles["Cmove"] = Profile("Office move", member_count=2)
    receive(channel, said("hello", **GROUP))
    look_up_all()
    toy.profiles["Cmove"] = Profile("Office move", member_count=3)

    receive(channel, members("member_joined", "Uben"))
    look_up_all()

    assert place().member_count == 3


def test_a_rename_updates_the_subject_that_nobody_edited(clock, channel, toy, alice):  # S32
    toy.profiles["Cmove"] = Profile("Office move")
    receive(channel, said("hello", **GROUP))
    look_up_all()
    assert only_case().subject == "Office move"
    toy.profiles["Cmove"] = Profile("New office")

    clock.shift(timedelta(days=1, seconds=1))
    look_up_all()

    assert only_case().subject == "New office"
    assert [case.id for case in cases.listed(access.EVERYTHING, chat="active", q="New office").cases] == [1]


def test_a_rename_keeps_the_subject_that_an_agent_wrote(clock, channel, toy, alice):  # S32
    receive(channel, said("hello", **GROUP))
    with transaction.writing():
        cases.set_subject(only_case(), "Late desks", by=alice)
    toy.profiles["Cmove"] = Profile("New office")
    look_up_all()

    assert place().name == "New office"
    assert only_case().subject == "Late desks"


@pytest.mark.parametrize("answer", [None, TemporaryError("down")])
def test_a_group_that_nobody_can_name_is_asked_about_again(clock, channel, toy, answer):  # S32
    toy.profiles["Cmove"] = answer
    receive(channel, said("hello", sender_id=None, **GROUP))
    waits = []
    for _ in range(2):
        look_up_all()
        waits.append((place().lookup_due_at - now()).total_seconds())
        clock.move_to(place().lookup_due_at)

    assert waits == [5, 30]
    assert (only_case().subject, texts(only_case())) == ("Cmove", ["hello"])


def test_a_group_that_is_never_named_is_asked_about_daily_in_the_end(clock, channel):  # S32, S34
    receive(channel, said("hello", sender_id=None, **GROUP))
    for _ in lookups.BACKOFF_SECONDS:
        look_up_all()
        clock.move_to(place().lookup_due_at)

    look_up_all()

    assert place().lookup_due_at - now() == timedelta(days=1)


def test_a_stranger_is_asked_about_daily(clock, channel):  # S33, S34
    receive(channel, said("hello", who="Uben", **GROUP))
    look_up_all()

    due = db.session.scalars(select(Identity)).one().lookup_due_at
    assert due - now() == timedelta(days=1)


# ── People ──────────────────────────────────────────────────────────────────────────────────


def test_a_member_who_becomes_a_friend_is_named_everywhere(channel, toy):  # S33
    receive(channel, said("hello", who="Uanna", **GROUP), said("me too", who="Uben", **GROUP))
    look_up_all()
    ben = db.session.scalars(select(Identity).where(Identity.external_id == "Uben")).one()
    assert ben.contact.name is None
    toy.profiles["Uben"] = Profile("Ben")

    receive(channel, said(kind="followed", who="Uben", message_id=None, text=""))
    look_up_all()

    message = db.session.scalars(select(Message).where(Message.text == "me too")).one()
    assert message.contact.name == "Ben"
    assert [event.case_id for event in of_type("contact.named")] == [only_case().id]


def test_who_becomes_a_friend_while_asked_about_is_asked_about_again(channel, toy):  # S33
    receive(channel, said("hello", who="Uben", **GROUP))

    def follows(*_: object) -> None:
        toy.profiles["Uben"] = Profile("Ben")
        receive(channel, said(kind="followed", who="Uben", message_id=None, text=""))

    asked = toy.person
    toy.person = lambda *them: follows() if not toy.profiles else asked(*them)  # type: ignore[method-assign]
    look_up_all()

    assert db.session.scalars(select(Contact)).one().name == "Ben"


def test_a_member_may_be_named_by_the_group(channel, toy):  # S33
    toy.members["Cmove", "Uben"] = Profile("Ben in the group")
    receive(channel, said("hello", who="Uben", **GROUP))
    look_up_all()

    assert db.session.scalars(select(Contact)).one().name == "Ben in the group"
    assert toy.members_asked == [("group", "Cmove", "Uben")]


def test_the_group_is_not_asked_about_friends(channel, toy):  # S33
    toy.profiles["Uben"] = Profile("Ben")
    receive(channel, said("hello", who="Uben", **GROUP))
    look_up_all()

    assert toy.members_asked == []


def test_no_group_is_asked_about_who_only_wrote_alone_or_where_the_channel_left(channel, toy):
    receive(channel, said("hello", who="Uanna"), said("hello", who="Uben", **GROUP), left())
    look_up_all()

    assert toy.members_asked == []


def test_a_new_way_to_learn_names_asks_about_the_nameless_alone(channel, toy):  # S33
    toy.profiles["Uanna"] = Profile("Anna")
    receive(channel, said("hello", who="Uanna", **GROUP), said("me", who="Uben", **GROUP))
    look_up_all()

    with transaction.writing():
        contacts.ask_for_names_again(channel)

    due = select(Identity.external_id).where(Identity.lookup_due_at <= now())
    assert db.session.scalars(due).all() == ["Uben"]


def test_a_kind_that_knows_no_groups_names_no_members(channel):  # S33
    assert registry.adapter("manual").member(channel, "group", "C", "U") is None


def test_ending_is_refused_in_the_name_of_whoever_wrote_last(channel, toy, alice):  # S17
    toy.profiles |= {"Ugina": Profile("Gina"), "Ugunter": Profile("Gunter")}
    receive(channel, said("hello", who="Ugina", **GROUP))
    seen = only_case().last_message_id
    receive(channel, said("wait", who="Ugunter", **GROUP))
    look_up_all()
    with pytest.raises(chats.NewerMessage, match="Gunter just wrote"), transaction.writing():
        chats.end(only_case(), "open", by=alice, last_seen=seen)
    assert contacts.author_name(only_case()) == "Gina"

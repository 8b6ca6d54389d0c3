"""Channels from draft to deletion, on both engines (S1, S2, S7)."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app import transaction
from app.clock import now
from app.domain import access, cases, channels, chats, events, timeline
from app.domain.agents import Refused
from app.domain.channels import Account, Details
from app.extensions import db
from app.models import Agent, Channel, Delivery, Event, Message, Receipt
from tests import world

ACCOUNT = Account("Ubot", "Sakura Store", None)


@pytest.fixture
def admin(alice: Agent) -> Agent:
    """Alice, in this session."""
    return db.session.get_one(Agent, alice.id)


def draft(admin: Agent) -> Channel:
    with transaction.writing():
        return channels.draft_of(db.session.get_one(Agent, admin.id), "line")


def test_admin_has_one_draft_however_often_asked(admin: Agent) -> None:
    """S2"""
    first, second = draft(admin), draft(admin)
    assert (first.id, first.key) == (second.id, second.key)
    assert world.count(Channel) == 1


def test_key_has_at_least_128_bits_and_is_found_by_its_hash(admin: Agent) -> None:
    """S2"""
    made = draft(admin)
    assert made.key and len(made.key) * 6 >= 128
    assert made.key_hash == channels.key_hash(made.key)


def test_connected_draft_makes_room_for_the_next(admin: Agent) -> None:
    """S1"""
    first = draft(admin)
    with transaction.writing():
        channels.connect(first, Details(name="Shop"), ACCOUNT, by=admin)
    second = draft(admin)
    assert first.key != second.key
    assert [one.state for one in channels.listed()] == ["connected", "draft"]


def test_only_a_draft_is_connected(admin: Agent) -> None:
    made = draft(admin)
    with transaction.writing():
        channels.connect(made, Details(name="Shop"), ACCOUNT, by=admin)
    with pytest.raises(Refused):
        channels.connect(made, Details(name="Again"), ACCOUNT, by=admin)


def test_name_falls_back_to_the_account_and_then_to_the_kind(admin: Agent) -> None:
    with transaction.writing():
        first = channels.draft_of(admin, "line")
        channels.connect(first, Details(), ACCOUNT, by=admin)
        second = channels.draft_of(admin, "line")
        channels.connect(second, Details(), Account("Uother", ""), by=admin)
    assert (first.name, second.name) == ("Sakura Store", "LINE")


def test_change_records_the_fields_and_not_their_values(admin: Agent) -> None:
    channel = world.connected()
    with transaction.writing():
        channels.change(channel, Details(name="Store", inactivity_minutes=5), by=admin)
        channels.change(channel, Details(name="Store", inactivity_minutes=5), by=admin)
    recorded = db.session.scalars(select(Event.data).where(Event.type == "channel.changed")).all()
    assert recorded == ['{"fields": ["inactivity_minutes", "name"]}']


def test_switching_twice_is_one_change(admin: Agent) -> None:
    channel = world.connected()
    with transaction.writing():
        assert channels.disable(channel, by=admin) is True
        assert channels.disable(channel, by=admin) is False
        assert channels.enable(channel, by=admin) is True
    assert channel.state == "connected"


def test_deleted_draft_can_not_be_switched_on(admin: Agent) -> None:
    made = draft(admin)
    with transaction.writing():
        channels.delete(made, by=admin)
        assert channels.enable(made, by=admin) is False
    assert channels.find(made.id) is None


def test_deleting_ends_only_its_own_chats(admin: Agent) -> None:
    """S7"""
    shop, other = world.connected(), world.connected()
    ended, stays = world.chat_of(shop), world.chat_of(other)
    with transaction.writing():
        channels.delete(db.session.get_one(Channel, shop.id), by=admin)
    db.session.expire_all()
    assert (ended.chat_state, stays.chat_state) == ("ended", "active")
    assert db.session.get_one(Channel, other.id).state == "connected"
    told = db.session.scalars(select(Message.text).where(Message.direction == "system")).all()
    assert told == [channels.DELETED]
    ending = [event for event in events.of_case(ended) if event.type == "chat.ended"]
    assert [(event.agent_id, "channel_deleted" in event.data) for event in ending] == [
        (admin.id, True)
    ]


def test_deleting_unties_the_taker_and_sets_the_status_of_who_wrote_last(admin: Agent) -> None:
    """S24: a reply that failed is no answer."""
    case = world.chat_of(world.connected())
    with transaction.writing():
        chats.reply(case, "coming", by=admin)
        assert case.taken_by_id == admin.id
    with transaction.writing():
        channels.delete(db.session.get_one(Channel, case.channel_id), by=admin)
    db.session.expire_all()
    assert (case.taken_by_id, case.status, case.chat_state) == (None, "open", "ended")
    assert world.count(Delivery) == 0


def test_reply_that_is_being_sent_is_unconfirmed_by_a_deletion(admin: Agent) -> None:
    """L6: nobody knows whether it arrives."""
    case = world.chat_of(world.connected())
    with transaction.writing():
        waiting = chats.reply(case, "on its way", by=admin)
        db.session.get_one(Delivery, waiting.id).leased_until = now() + timedelta(seconds=20)
    with transaction.writing():
        channels.delete(db.session.get_one(Channel, case.channel_id), by=admin)
    db.session.expire_all()
    assert db.session.get_one(Message, waiting.id).state == "unconfirmed"


def test_history_of_a_deleted_channel_stays_readable_and_unanswerable(admin: Agent) -> None:
    """S7"""
    case = world.chat_of(world.connected(), "hello there")
    with transaction.writing():
        channels.delete(db.session.get_one(Channel, case.channel_id), by=admin)
    db.session.expire_all()
    assert [one.id for one in cases.listed(access.EVERYTHING).cases] == [case.id]
    assert world.texts(case) == ["hello there", channels.DELETED]
    with transaction.writing(), pytest.raises(Refused):
        chats.reply(case, "more", by=admin)


def test_kept_back_events_of_a_deleted_channel_are_not_retried(admin: Agent) -> None:
    channel = world.connected()
    with transaction.writing():
        receipt = Receipt(channel_id=channel.id, event_key="k", error="bad", raw=b"7", due_at=now())
        db.session.add(receipt)
    with transaction.writing():
        channels.delete(db.session.get_one(Channel, channel.id), by=admin)
    db.session.expire_all()
    assert (receipt.due_at, receipt.error) == (None, "bad")


def test_deletion_says_what_it_would_end(admin: Agent) -> None:
    channel = world.connected()
    case = world.chat_of(channel)
    with transaction.writing():
        chats.reply(case, "queued", by=admin)
    assert (channels.active_count(channel), channels.queued_count(channel)) == (1, 1)


def test_failing_signatures_are_those_after_the_last_event(admin: Agent) -> None:
    """S5"""
    moment = now()
    early, late = moment - timedelta(hours=2), moment - timedelta(hours=1)
    failing = Channel(kind="line", failed_signature_at=late, last_event_at=early)
    mended = Channel(kind="line", failed_signature_at=early, last_event_at=late)
    old = Channel(kind="line", failed_signature_at=moment - timedelta(hours=25))
    assert [channels.has_failing_signatures(one) for one in (failing, mended, old)] == [
        True,
        False,
        False,
    ]


def test_same_account_on_two_channels_is_seen(admin: Agent) -> None:
    with transaction.writing():
        first = channels.draft_of(admin, "line")
        channels.connect(first, Details(name="First"), ACCOUNT, by=admin)
        second = channels.draft_of(admin, "line")
        channels.connect(second, Details(name="Second"), ACCOUNT, by=admin)
        third = channels.draft_of(admin, "line")
    assert [one.name for one in channels.same_account(second)] == ["First"]
    assert channels.same_account(third) == []


@pytest.mark.parametrize("typed", ["0", "1441", "7.5", "-1", "ten", "１０"])
def test_minutes_of_a_channel_are_whole_and_bounded(typed: str) -> None:
    """S19"""
    with pytest.raises(Refused):
        channels.inactivity_minutes(typed)


@pytest.mark.parametrize(("typed", "minutes"), [("", None), ("  ", None), ("1", 1), ("1440", 1440)])
def test_minutes_left_empty_are_the_installations(typed: str, minutes: int | None) -> None:
    """S19"""
    assert channels.inactivity_minutes(typed) == minutes


def test_domain_verbs_do_not_commit(admin: Agent) -> None:
    transaction.start_writing()
    channels.draft_of(admin, "line")
    channels.create("line", "Shop", credentials="{}")
    transaction.release()
    assert db.session.scalar(select(func.count()).select_from(Channel)) == 0


def test_settled_messages_have_a_reason_for_people(admin: Agent) -> None:
    case = world.chat_of(world.connected())
    with transaction.writing():
        reply = chats.reply(case, "queued", by=admin)
    with transaction.writing():
        channels.delete(db.session.get_one(Channel, case.channel_id), by=admin)
    db.session.expire_all()
    assert timeline.find(case, reply.id).error == channels.DELETED

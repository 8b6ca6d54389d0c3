"""What the scheduler and the workers do beside requests."""

import gc
import threading
import weakref
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app import background, lookups, transaction
from app.channels import registry
from app.channels.base import Inbound, Kind, Profile, TemporaryError, Unreadable
from app.clock import now
from app.domain import cases, chats, contacts, inbox, kept_events, sweeps, ticks
from app.extensions import db
from app.models import Case, Contact, Event, Identity, Lease, Message, Receipt
from tests.world import ToyAdapter, chat_of, connected, count, play, receive, said


@pytest.fixture
def toy(app) -> ToyAdapter:
    return play(ToyAdapter())


@pytest.fixture
def channel(toy):
    return connected("toy")


def look_up_all() -> None:
    while lookups.look_up_one():
        pass
    db.session.expire_all()


def as_another_process(monkeypatch, name: str) -> None:
    monkeypatch.setattr(background, "OWNER", name)


def test_sweep_ends_what_is_due(clock, channel):  # S18
    chat = chat_of(channel)
    clock.shift(timedelta(minutes=10))

    background.sweep()
    db.session.expire_all()

    assert db.session.get_one(Case, chat.id).chat_state == "ended"


def test_each_due_chat_is_ended_once_by_two_schedulers(app, clock, channel):  # F24
    for number in range(30):
        chat_of(channel, who=f"U{number}")
    clock.shift(timedelta(minutes=10))
    transaction.release()

    def scheduler() -> None:
        with app.app_context():
            background.end_quiet_chats()

    threads = [threading.Thread(target=scheduler) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join(20) for thread in threads]

    ended = db.session.scalars(select(Event.case_id).where(Event.type == "chat.ended")).all()
    assert len(ended) == len(set(ended)) == 30


def test_one_scheduler_leads_until_its_lease_runs_out(clock, monkeypatch):  # F24
    as_another_process(monkeypatch, "one")
    assert background.lead_clock()
    as_another_process(monkeypatch, "two")
    assert not background.lead_clock()

    clock.shift(timedelta(seconds=16))
    assert background.lead_clock()


def test_lease_of_a_clock_that_stepped_back_is_taken(clock, monkeypatch):  # F14
    as_another_process(monkeypatch, "one")
    background.lead_clock()
    clock.shift(timedelta(hours=-1))
    as_another_process(monkeypatch, "two")

    assert background.lead_clock()


def test_more_than_a_portion_is_ended_in_one_sweep(clock, channel, monkeypatch):  # F25
    monkeypatch.setattr(sweeps, "PORTION", 10)
    monkeypatch.setattr(sweeps.end_inactive, "__kwdefaults__", {"limit": 10})
    for number in range(25):
        chat_of(channel, who=f"U{number}")
    clock.shift(timedelta(hours=1))

    background.sweep()

    active = db.session.scalars(select(Case.id).where(Case.chat_state == "active")).all()
    assert active == []


def test_a_portion_ends_when_its_time_is_up(clock, channel, monkeypatch):
    for number in range(3):
        chat_of(channel, who=f"U{number}")
    clock.shift(timedelta(hours=1))
    monkeypatch.setattr(sweeps, "PORTION_SECONDS", 0)

    with transaction.writing():
        assert sweeps.end_inactive() == 1
    background.sweep()

    assert db.session.scalars(select(Case.id).where(Case.chat_state == "active")).all() == []


def test_nobody_is_judged_gone_before_pages_could_be_seen(
    clock, channel, alice, monkeypatch
):  # S26b, F14
    monkeypatch.setattr(background, "_steadiness", background.Steadiness())
    chat = chat_of(channel)
    with transaction.writing():
        chats.take(chat, by=alice)
    clock.shift(timedelta(minutes=5))
    background.sweep()
    db.session.expire_all()
    assert chat.taken_by_id == alice.id

    for _ in range(4):
        clock.shift(timedelta(seconds=30))
        background.sweep()
    db.session.expire_all()
    assert chat.taken_by_id is None


def test_dead_leader_delays_no_ending_beyond_fifteen_seconds():  # S18, F24
    tick = timedelta(seconds=5)
    assert ticks.LEASE > tick
    assert ticks.LEASE + tick < timedelta(seconds=15)


def test_the_latest_tick_is_known_and_late_after_a_minute(clock, monkeypatch):
    monkeypatch.setattr(background, "STARTED_AT", now())
    assert ticks.latest() is None
    assert not background.is_late(None)
    clock.shift(timedelta(seconds=61))
    assert background.is_late(None)

    background.sweep()
    assert ticks.latest() == now()

    clock.shift(timedelta(seconds=61))
    assert background.is_late(ticks.latest())


def test_name_is_looked_up_after_the_commit_and_shown(channel, toy):  # S34
    toy.profiles["Usomchai"] = Profile("Somchai", "th", None)
    chat = chat_of(channel, "")
    look_up_all()

    contact = db.session.scalars(select(Contact)).one()
    assert (contact.name, contact.language) == ("Somchai", "th")
    assert contacts.author_name(db.session.get_one(Case, chat.id)) == "Somchai"
    assert db.session.scalar(select(Event.id).where(Event.type == "contact.named"))


def test_name_of_a_groups_member_is_told_to_the_groups_page(channel, toy):  # S33
    group = {"conversation_kind": "group", "conversation_id": "C1"}
    receive(channel, said("hi", **group), said("ho", **group | {"sender_id": "Uyuki"}))
    toy.profiles["Uyuki"] = Profile("Yuki")
    look_up_all()

    case_id = db.session.scalar(select(Case.id))
    named = select(Event.case_id).where(Event.type == "contact.named", Event.case_id == case_id)
    assert db.session.scalars(named).all() == [case_id]


def test_subject_that_an_agent_edits_meanwhile_is_kept(channel, toy, alice):  # S32
    chat = chat_of(channel, "")
    assert not chat.subject_is_edited
    with transaction.writing():
        seen = db.session.get_one(Case, chat.id)
        assert not seen.subject_is_edited
        edited = {"subject": "Late order", "subject_is_edited": True}
        db.session.execute(update(Case.__table__).values(edited))

        cases.refresh_subject(seen)
        assert seen.subject == "Late order"


def test_unedited_subject_follows_the_name(channel, toy):  # S32
    toy.profiles["Usomchai"] = Profile("Somchai")
    receive(channel, said("", message_kind="sticker"))
    look_up_all()

    assert db.session.scalars(select(Case)).one().subject == "Toy chat with Somchai"


def test_groups_name_is_the_subject(channel, toy):  # S32
    toy.profiles["Cmove"] = Profile("Office move 引越し")
    receive(channel, said("hi", conversation_kind="group", conversation_id="Cmove"))
    look_up_all()

    assert db.session.scalars(select(Case)).one().subject == "Office move 引越し"


def test_failed_look_up_is_tried_again_after_5_and_30_seconds(clock, channel, toy):  # S34
    toy.profiles["Usomchai"] = TemporaryError("LINE could not be asked.")
    chat_of(channel)
    waits = []
    for _ in range(2):
        look_up_all()
        due = db.session.scalars(select(Identity)).one().lookup_due_at
        waits.append((due - now()).total_seconds())
        clock.move_to(due)

    assert waits == [5, 30]


def test_name_is_refreshed_daily(clock, channel, toy):  # S34
    toy.profiles["Usomchai"] = Profile("Somchai")
    chat_of(channel)
    look_up_all()
    toy.profiles["Usomchai"] = Profile("Somchai P.")
    clock.shift(timedelta(days=1, seconds=1))
    look_up_all()

    assert db.session.scalars(select(Contact)).one().name == "Somchai P."


def test_message_is_kept_although_nobody_knows_the_name(channel, toy):  # S34
    toy.profiles["Usomchai"] = TemporaryError("down")
    chat_of(channel, "hello")
    look_up_all()

    assert count(Message) == 1


def keep_back(channel, raw: bytes) -> None:
    with transaction.writing():
        event = Unreadable(key=raw.decode(), raw=raw, error="boom")
        inbox.receive_each(inbox.Source.of(channel), [event], [raw])


def test_kept_back_event_is_retried_and_comes_in(clock, channel, toy):  # S6
    keep_back(channel, b"poison")
    registry._kinds["toy"] = Kind(adapter=toy, retry=lambda _channel, _raw: [said("mended")])
    clock.shift(timedelta(seconds=31))

    background.retry_kept_back()
    db.session.expire_all()

    receipt = db.session.scalars(select(Receipt).where(Receipt.event_key == "poison")).one()
    assert (receipt.error, receipt.raw, receipt.due_at) == (None, None, None)
    assert db.session.scalars(select(Message.text)).all() == ["mended"]


def test_hopeless_event_rests_after_five_tries_and_stays_visible(clock, channel, toy):  # S6
    def still_bad(_channel, raw: bytes) -> list[Inbound | Unreadable]:
        return [Unreadable("poison", raw, "still bad")]

    keep_back(channel, b"poison")
    registry._kinds["toy"] = Kind(adapter=toy, retry=still_bad)
    for _ in range(8):
        clock.shift(timedelta(minutes=1))
        background.retry_kept_back()
    db.session.expire_all()

    receipt = db.session.scalars(select(Receipt)).one()
    assert (receipt.attempts, receipt.due_at, receipt.raw) == (5, None, b"poison")
    assert [kept.id for kept in kept_events.of_channel(channel)] == [receipt.id]


def test_tidying_forgets_old_receipts_but_not_kept_back_ones(clock, channel):
    receive(channel, said())
    keep_back(channel, b"poison")
    clock.shift(timedelta(days=31))

    background.tidy()

    assert [one.event_key for one in db.session.scalars(select(Receipt))] == ["poison"]


def test_tidying_keeps_young_receipts_and_is_not_kept_from_old_ones_by_a_clock_that_was_ahead(clock, channel):
    clock.shift(timedelta(days=365))
    receive(channel, said("from the future"))
    clock.shift(timedelta(days=-365))
    receive(channel, said("old"))
    clock.shift(timedelta(days=31))
    receive(channel, said("young"))
    ahead, _old, young = db.session.scalars(select(Receipt.id).order_by(Receipt.id)).all()

    background.tidy()

    assert db.session.scalars(select(Receipt.id).order_by(Receipt.id)).all() == [ahead, young]


class Ring:
    def __init__(self) -> None:
        self.itself = self


def test_what_stays_is_not_looked_through_again_and_what_comes_later_is():
    stays = Ring()
    background._set_apart_what_stays()
    try:
        later = weakref.ref(Ring())
        seen = {id(one) for one in gc.get_objects()}
        gc.collect()
        assert id(stays) not in seen
        assert later() is None
    finally:
        gc.unfreeze()


def test_all_workers_are_told_to_stop_before_one_is_waited_for(app, monkeypatch):
    told: list[str] = []

    class Busy:
        def end_soon(self) -> None:
            told.append("end soon")

        def stop(self, seconds: float) -> None:
            assert 0 <= seconds <= background.STOP_SECONDS
            told.append("wait")

    monkeypatch.setitem(app.extensions, "mado.workers", (Busy(), Busy()))
    monkeypatch.setattr(background.downloads, "is_stopping", threading.Event())

    background.stop_workers(app)

    assert told == ["end soon", "end soon", "wait", "wait"]


def test_lease_row_is_the_only_state_of_the_clock():
    background.lead_clock()

    assert [lease.name for lease in db.session.scalars(select(Lease))] == ["clock"]

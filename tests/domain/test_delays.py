"""A provider that hangs delays those whom it hangs for, and nobody else (L8)."""

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from sqlalchemy import select, update

from app import delivery, transaction
from app.channels.base import Outgoing, Sent
from app.domain import chats
from app.extensions import db
from app.models import Case, Channel, Delivery
from tests.world import ToyAdapter, chat_of, connected, play

PATIENCE_SECONDS = 20


@dataclass
class HangingAdapter(ToyAdapter):
    """Calls to these hang until they are let go; what was called first stands first."""

    hangs_for: set[str] = field(default_factory=set)
    let_go: threading.Event = field(default_factory=threading.Event)
    begun: queue.Queue[str] = field(default_factory=queue.Queue)
    arrived: queue.Queue[str] = field(default_factory=queue.Queue)

    def send(self, outgoing: Outgoing) -> Sent:
        self.begun.put(outgoing.to)
        if outgoing.to in self.hangs_for:
            self.let_go.wait(PATIENCE_SECONDS * 3)
        self.arrived.put(outgoing.to)
        return Sent()


@pytest.fixture
def toy(app) -> HangingAdapter:
    return play(HangingAdapter())


@pytest.fixture
def dispatcher(app, toy) -> Iterator[delivery.Dispatcher]:
    made = delivery.Dispatcher(app)
    made.worker.start()
    yield made
    toy.let_go.set()
    made.stop()


def queue_replies(channel: Channel, agent, *people: str) -> list[Case]:
    cases = [chat_of(channel, who=one) for one in people]
    with transaction.writing():
        [chats.reply(case, f"to {who}", by=agent) for case, who in zip(cases, people, strict=True)]
    return cases


def hanging(toy: HangingAdapter, number: int, of: str) -> list[str]:
    people = [f"U-{of}-{n}" for n in range(number)]
    toy.hangs_for |= set(people)
    return people


def taken(from_: queue.Queue[str], number: int) -> list[str]:
    return sorted(from_.get(timeout=PATIENCE_SECONDS) for _ in range(number))


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_channels_that_hang_leave_threads_for_another(channels, toy, dispatcher, alice):
    hang = [connected("toy") for _ in range(channels)]
    fine = connected("toy")
    [queue_replies(channel, alice, *hanging(toy, 12, str(channel.id))) for channel in hang]
    dispatcher.worker.wake()
    taken(toy.begun, min(channels * delivery.THREADS_PER_CHANNEL, delivery.THREADS_FOR_ALL))

    queue_replies(fine, alice, "Ufine")
    dispatcher.worker.wake()

    assert taken(toy.arrived, 1) == ["Ufine"]


def test_conversations_that_hang_delay_no_other_of_their_channel(toy, dispatcher, alice):
    channel = connected("toy")
    queue_replies(channel, alice, *hanging(toy, delivery.THREADS_PER_CHANNEL - 1, "slow"))
    dispatcher.worker.wake()
    taken(toy.begun, delivery.THREADS_PER_CHANNEL - 1)

    queue_replies(channel, alice, "U1", "U2", "U3")
    dispatcher.worker.wake()

    assert taken(toy.arrived, 3) == ["U1", "U2", "U3"]


def test_retries_that_hang_leave_threads_for_what_was_never_tried(toy, dispatcher, alice):
    channel = connected("toy")
    queue_replies(channel, alice, *hanging(toy, 20, "slow"))
    with transaction.writing():
        db.session.execute(update(Delivery).values(attempts=1))
    dispatcher.worker.wake()
    taken(toy.begun, delivery.RETRIES_PER_CHANNEL)

    queue_replies(channel, alice, "Ufresh")
    dispatcher.worker.wake()

    assert taken(toy.arrived, 1) == ["Ufresh"]


def test_later_message_of_a_conversation_waits_for_the_one_that_hangs(toy, dispatcher, alice):
    channel = connected("toy")
    (case,) = queue_replies(channel, alice, *hanging(toy, 1, "slow"))
    with transaction.writing():
        chats.reply(db.session.get_one(Case, case.id), "second", by=alice)
    dispatcher.worker.wake()
    taken(toy.begun, 1)
    queue_replies(channel, alice, "Uother")
    dispatcher.worker.wake()
    assert taken(toy.begun, 1) == ["Uother"]

    toy.let_go.set()

    assert taken(toy.begun, 1) == ["U-slow-0"]
    dispatcher.stop()
    db.session.expire_all()
    assert db.session.scalars(select(Delivery)).all() == []

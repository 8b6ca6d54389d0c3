"""Events in any order, several times, in any batches: the same is known in the end (F13, S6).

A contact's phone is played at random: it writes, edits, takes back, blocks, and puts the channel into a
group and out of it. What it told travels as it likes. Where the phone stands in the end is known, and so
must Mado. The order of messages among each other is not compared: it is that of their arrival.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import permutations
from random import Random
from typing import Any

import pytest
from sqlalchemy import select, true

from app.channels.base import Inbound
from app.clock import now
from app.domain import search
from app.extensions import db
from app.models import Channel, Conversation, EarlyChange, Identity, Message, Receipt
from tests.world import ToyAdapter, connected, count, play, receive, said

GROUP = {"conversation_kind": "group", "conversation_id": "Gfamily"}
ALONE = {"conversation_kind": "user", "conversation_id": "Usomchai"}
STEPS = 60
MOST_AT_ONCE = 4
COPIED = 0.3


@pytest.fixture
def channel() -> Channel:
    play(ToyAdapter())
    return connected("toy")


@dataclass
class Phone:
    """Where it stands, and what it told that has not arrived yet."""

    chance: Random
    moment: datetime = field(default_factory=now)
    texts: dict[str, str] = field(default_factory=dict)
    taken_back: set[str] = field(default_factory=set)
    is_blocking: bool = False
    has_channel_in_group: bool = True
    under_way: list[Inbound] = field(default_factory=list)
    told: list[Inbound] = field(default_factory=list)

    def do_something(self) -> None:
        doings = [
            self.write,
            self.write_in_group,
            self.edit,
            self.take_back,
            self.block,
            self.invite,
        ]
        self.chance.choice(doings)()

    def write(self) -> None:
        self._write(ALONE)

    def write_in_group(self) -> None:
        if self.has_channel_in_group:
            self._write(GROUP)

    def edit(self) -> None:
        if id_ := self._any_message():
            self.texts[id_] = self._new_text()
            self._tell(
                self.texts[id_], kind="edited", message_id=id_, payload={"text": self.texts[id_]}
            )

    def take_back(self) -> None:
        if id_ := self._any_message():
            self.taken_back.add(id_)
            self._tell("", kind="unsent", message_id=id_)

    def block(self) -> None:
        """Or the opposite, where it blocks already."""
        self.is_blocking = not self.is_blocking
        self._tell("", kind="unfollowed" if self.is_blocking else "followed", message_id=None)

    def invite(self) -> None:
        """Or the opposite, where the channel is in the group."""
        self.has_channel_in_group = not self.has_channel_in_group
        kind = "joined" if self.has_channel_in_group else "left"
        self._tell("", kind=kind, message_id=None, **GROUP)

    def some_of_it(self) -> list[Inbound]:
        """A batch that arrives now; some of it will come once more."""
        self.chance.shuffle(self.under_way)
        size = self.chance.randint(1, MOST_AT_ONCE)
        batch, self.under_way = self.under_way[:size], self.under_way[size:]
        copied = [event for event in batch if self.chance.random() < COPIED]
        self.under_way += [replace(event, is_redelivered=True) for event in copied]
        return batch

    def stands(self) -> dict[str, Any]:
        """What ought to be known of it."""
        shown = {id_: "" if id_ in self.taken_back else text for id_, text in self.texts.items()}
        return {
            "texts": shown,
            "taken back": self.taken_back,
            "found": {text for text in shown.values() if text},
            "blocks": self.is_blocking,
            "is in the group": self.has_channel_in_group,
            "events": len(self.told),
            "early": 0,
        }

    def _write(self, place: dict[str, str]) -> None:
        id_ = f"m{len(self.texts)}"
        self.texts[id_] = self._new_text()
        self._tell(self.texts[id_], message_id=id_, payload={"text": self.texts[id_]}, **place)

    def _any_message(self) -> str | None:
        left = sorted(self.texts.keys() - self.taken_back)
        return self.chance.choice(left) if left else None

    def _new_text(self) -> str:
        return f"word{len(self.told):04}"

    def _tell(self, text: str, **fields: Any) -> None:
        self.moment += timedelta(seconds=1)
        self.told.append(said(text, key=f"e{len(self.told)}", occurred_at=self.moment, **fields))
        self.under_way.append(self.told[-1])


def known(phone: Phone) -> dict[str, Any]:
    """The same, as it is in the database."""
    messages = db.session.scalars(select(Message).where(Message.direction == "in")).all()
    written = [event.text for event in phone.told if event.text]
    return {
        "texts": {message.external_id: message.text for message in messages},
        "taken back": {message.external_id for message in messages if message.unsent_at},
        "found": {text for text in written if search.find_cases(text, condition=true()).case_ids},
        "blocks": db.session.scalars(select(Identity)).one().blocked_at is not None,
        "is in the group": group().left_at is None,
        "events": count(Receipt),
        "early": count(EarlyChange),
    }


def group() -> Conversation:
    return db.session.scalars(select(Conversation).where(Conversation.kind == "group")).one()


def arrive(channel: Channel, phone: Phone) -> None:
    """Everything that is under way, in any order."""
    while phone.under_way:
        receive(channel, *phone.some_of_it())


def live(channel: Channel, phone: Phone) -> None:
    """Both are met, then much happens, and some of it arrives meanwhile."""
    phone.write()
    phone.write_in_group()
    arrive(channel, phone)
    for _ in range(STEPS):
        phone.do_something()
        if phone.chance.random() < 1 / MOST_AT_ONCE:
            receive(channel, *phone.some_of_it())
    arrive(channel, phone)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_known_in_the_end_does_not_depend_on_the_order_of_events(
    channel, seed
):  # F13, S6, L3
    phone = Phone(Random(seed))

    live(channel, phone)

    assert known(phone) == phone.stands(), [
        (one.key, one.kind, one.message_id) for one in phone.told
    ]


def after(channel: Channel, *events: Inbound) -> None:
    """Each in a call of its own."""
    for event in events:
        receive(channel, event)


def in_any_order(*kinds: str, **place: str) -> Callable[[Any], Any]:
    """These happen one after another, and arrive in each order."""
    moments = [now() + timedelta(minutes=minute) for minute in range(len(kinds))]
    told = [
        said("", kind=kind, message_id=None, occurred_at=at, **place)
        for kind, at in zip(kinds, moments, strict=True)
    ]
    orders = list(permutations(told))
    return pytest.mark.parametrize(
        "events", orders, ids=lambda order: " ".join(one.kind for one in order)
    )


@in_any_order("unfollowed", "followed", "unfollowed")
def test_who_blocked_last_blocks_in_whatever_order_it_is_told(channel, events):  # F13, S8
    receive(channel, said())

    after(channel, *events)

    assert db.session.scalars(select(Identity)).one().blocked_at is not None


@in_any_order("followed", "unfollowed", "followed")
def test_who_came_back_last_does_not_block_in_whatever_order_it_is_told(channel, events):  # F13, S8
    receive(channel, said())

    after(channel, *events)

    assert db.session.scalars(select(Identity)).one().blocked_at is None


@in_any_order("joined", "left", "joined", **GROUP)
def test_channel_that_was_taken_in_last_is_in_the_group_in_whatever_order(
    channel, events
):  # F13, S28
    receive(channel, said(occurred_at=now() - timedelta(minutes=1), **GROUP))

    after(channel, *events)

    assert group().left_at is None


def test_leaving_that_comes_after_a_later_message_takes_nothing_away(channel):  # F13, S28
    receive(channel, said(**GROUP))
    left = said("", kind="left", message_id=None, occurred_at=now(), **GROUP)

    receive(channel, said("back again", occurred_at=now() + timedelta(minutes=1), **GROUP))
    receive(channel, left)

    assert group().left_at is None

"""Numbers of all processes together, and of what waits."""

from datetime import timedelta

from sqlalchemy import update

from app import transaction
from app.clock import now
from app.domain import chats, metrics
from app.extensions import db
from app.models import Agent, Identity, Metric
from tests.world import chat_of, connected, count


def written(counts, **processes) -> None:
    with transaction.writing():
        metrics.add(counts)
        for name, value in processes.items():
            metrics.tell("mado_open_sockets", value, process=name)


def test_what_processes_count_is_added_up():
    written({"mado_a": 2, "mado_b": 0.5})
    written({"mado_a": 3, "mado_c": 1})
    assert metrics.totals() == {"mado_a": 5, "mado_b": 0.5, "mado_c": 1}


def test_sockets_are_those_of_the_processes_that_live(clock):
    written({}, one=3, two=4)
    assert metrics.totals() == {"mado_open_sockets": 7}
    clock.shift(timedelta(seconds=30))
    written({}, two=1)
    clock.shift(timedelta(seconds=30))
    assert metrics.totals() == {"mado_open_sockets": 1}


def test_the_dead_are_forgotten_and_what_they_counted_is_not(clock):
    written({"mado_a": 2}, one=3)
    clock.shift(timedelta(hours=1))
    with transaction.writing():
        metrics.forget_dead()
    assert count(Metric) == 1
    assert metrics.totals() == {"mado_a": 2}


def test_queues_tell_how_many_wait_and_since_when(clock, alice):
    chat = chat_of(connected())
    assert metrics.waiting()["deliveries"] == (0, 0.0)
    with transaction.writing():
        agent = db.session.get_one(Agent, alice.id)
        chats.reply(chat, "hello", by=agent, key="k1")
        chats.reply(chat, "again", by=agent, key="k2")
    clock.shift(timedelta(seconds=90))
    assert metrics.waiting()["deliveries"] == (2, 90.0)


def test_a_look_up_waits_from_the_moment_it_is_due(clock):
    chat_of(connected())
    with transaction.writing():
        db.session.execute(update(Identity).values(lookup_due_at=now() + timedelta(days=1)))
    assert metrics.waiting()["look_ups"] == (0, 0.0)
    clock.shift(timedelta(days=1, seconds=60))
    assert metrics.waiting()["look_ups"] == (1, 60.0)

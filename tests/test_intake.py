"""Webhook calls that arrive together: one commit, one answer each, and no bad neighbours."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from app import intake, transaction
from app.domain import inbox
from app.domain.search import tokens
from app.extensions import db
from app.models import Message, Receipt
from tests.live.pages import eventually
from tests.world import connected, count, said

DEADLINE = 10.0


@pytest.fixture
def source(app) -> Iterator[inbox.Source]:
    with app.app_context():
        yield inbox.Source.of(connected())


def call(source: inbox.Source, *texts: str, **fields) -> intake.Call:
    batch = [said(text, **fields) for text in texts]
    return intake.Call(source, batch, raw=lambda: [b"{}" for _ in batch])


@contextmanager
def arriving_together(app, calls: list[intake.Call]) -> Iterator[dict[int, BaseException | None]]:
    """Calls that all wait before the first of them gets its turn, and what each was told."""
    told: dict[int, BaseException | None] = {}
    turns = app.extensions["intake"] = intake.Turns()
    turns._is_taken = True

    def bring(number: int) -> None:
        with app.app_context():
            try:
                told[number] = intake.store(calls[number])
            except OperationalError as problem:
                told[number] = problem
            transaction.release()

    threads = [threading.Thread(target=bring, args=[n]) for n in range(len(calls))]
    for thread in threads:
        thread.start()
    eventually(lambda: len(turns._waiting) == len(calls))
    turns._waiting[0].has_turn.put(True)
    for thread in threads:
        thread.join(DEADLINE)
    yield told


@contextmanager
def counted_commits() -> Iterator[list[str]]:
    commits: list[str] = []

    def note(_connection) -> None:
        commits.append("commit")

    event.listen(db.engine, "commit", note)
    yield commits
    event.remove(db.engine, "commit", note)


def make_indigestible(monkeypatch: pytest.MonkeyPatch, poison: str) -> None:
    """Words are read as ever, but not those of this text."""
    read = tokens.read

    def reads(text: str) -> tokens.Words:
        if text == poison:
            raise ValueError("indigestible")
        return read(text)

    monkeypatch.setattr(tokens, "read", reads)


def test_calls_that_wait_together_are_stored_in_one_transaction(app, source):  # S6
    calls = [call(source, f"text {n}", who=f"U{n}") for n in range(6)]

    with counted_commits() as commits, arriving_together(app, calls) as told:
        assert told == dict.fromkeys(range(6))

    assert commits == ["commit"]
    assert (count(Message), count(Receipt)) == (6, 6)


def test_a_bad_call_spoils_nothing_for_those_it_arrived_with(app, source, monkeypatch):  # S6
    calls = [call(source, "good"), call(source, "fine", "poison"), call(source, "well")]
    make_indigestible(monkeypatch, "poison")

    with arriving_together(app, calls) as told:
        assert told == dict.fromkeys(range(3))

    assert count(Message) == 3
    kept = db.session.scalars(select(Receipt.error).where(Receipt.error.is_not(None))).all()
    assert kept == ["ValueError: indigestible"]


def test_an_outage_is_told_to_everybody_who_waits(app, source, monkeypatch):  # S6
    calls = [call(source, f"text {n}") for n in range(4)]
    problem = OperationalError("BEGIN", {}, Exception("database is locked"))
    monkeypatch.setattr(inbox, "receive", lambda *_: (_ for _ in ()).throw(problem))

    with arriving_together(app, calls) as told:
        assert set(told.values()) == {problem}

    assert count(Message) == 0


def test_nobody_is_told_that_all_is_well_when_the_one_who_stores_is_stopped(
    app, source, monkeypatch
):
    first = call(source, "text")
    monkeypatch.setattr(inbox, "receive", lambda *_: (_ for _ in ()).throw(SystemExit))

    with pytest.raises(SystemExit):
        intake.Turns().store(first)

    assert isinstance(first.problem, SystemExit)


def test_next_call_has_its_turn_after_an_outage(app, source, monkeypatch):
    turns = intake.Turns()
    with monkeypatch.context() as patch:
        problem = OperationalError("BEGIN", {}, Exception("database is locked"))
        patch.setattr(inbox, "receive", lambda *_: (_ for _ in ()).throw(problem))
        with pytest.raises(OperationalError):
            turns.store(call(source, "lost"))

    turns.store(call(source, "kept"))

    assert count(Message) == 1


def test_calls_of_a_moment_ago_make_it_busy(source, monkeypatch):
    monkeypatch.setattr(intake, "_last", float("-inf"))
    monkeypatch.setattr(intake, "BUSY_SECONDS", 60.0)
    assert not intake.is_busy()

    intake.store(call(source, "hello"))

    assert intake.is_busy()
    monkeypatch.setattr(intake, "BUSY_SECONDS", 0.0)
    assert not intake.is_busy()

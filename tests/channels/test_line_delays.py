"""LINE hangs for one channel's replies; the other channel's leave meanwhile (L8), measured."""

import queue
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
from sqlalchemy import select

from app import delivery, transaction
from app.channels.line import client
from app.channels.line.credentials import Credentials
from app.domain import chats
from app.extensions import db
from app.models import Case, Channel
from linesim import create_app
from linesim.serving import Running
from tests.world import chat_of, connected, receive, said

TOKEN = "token-of-the-delays"
HANGS_SECONDS = 60.0
WITHIN_SECONDS = 10.0  # of a busy machine; on a quiet one it is a tenth of a second


@pytest.fixture
def line() -> Iterator[Running]:
    running = Running(create_app(token=TOKEN, secret="s" * 32))
    yield running
    running.stop()


@pytest.fixture
def dispatcher(app, line, monkeypatch) -> Iterator[delivery.Dispatcher]:
    config = replace(app.extensions["mado"], line_api_url=line.url)
    monkeypatch.setitem(app.extensions, "mado", config)
    monkeypatch.setattr(client, "TIMEOUT", (1.0, HANGS_SECONDS))
    with app.app_context():
        client.messaging(TOKEN)  # what importing the SDK costs is not measured here
        made = delivery.Dispatcher(app)
        made.worker.start()
        yield made
        requests.delete(f"{line.url}/_sim/faults", timeout=5)
        made.stop()
        transaction.release()


def line_channel() -> Channel:
    made = connected("line")
    with transaction.writing():
        Credentials(token=TOKEN, secret="s" * 32).keep(db.session.get_one(Channel, made.id))
    return made


def ask(line: Running, method: str, path: str, **body: object) -> dict:
    answer = requests.request(method, f"{line.url}/_sim/{path}", json=body, timeout=5)
    assert answer.status_code < 300, answer.text
    return answer.json()


@pytest.fixture
def done(monkeypatch) -> queue.Queue[int]:
    """The channel of each try whose outcome is recorded."""
    tries: queue.Queue[int] = queue.Queue()
    perform = delivery.perform

    def watched(attempt: delivery.Attempt) -> None:
        perform(attempt)
        tries.put(attempt.channel_id)

    monkeypatch.setattr(delivery, "perform", watched)
    return tries


def test_other_channels_replies_leave_while_one_hangs(line, done, dispatcher, alice):
    slow, fine = line_channel(), line_channel()
    people = [item["user_id"] for item in ask(line, "GET", "customers")["items"]]
    ask(line, "POST", "faults", call="reply", what="timeout-before", times=50, seconds=HANGS_SECONDS * 2)
    hanging = [chat_of(slow, who=one) for one in people]
    with transaction.writing():
        [chats.reply(case, "slow", by=alice) for case in hanging]
    dispatcher.worker.wake()

    receive(fine, *(said("hi", who=one, reply_token=None) for one in people))
    waiting = db.session.scalars(select(Case).where(Case.channel_id == fine.id)).all()
    with transaction.writing():
        [chats.reply(case, "fine", by=alice) for case in waiting]
    began = time.monotonic()
    dispatcher.worker.wake()

    assert [done.get(timeout=HANGS_SECONDS / 2) for _ in people] == [fine.id] * len(people)
    assert time.monotonic() - began < WITHIN_SECONDS

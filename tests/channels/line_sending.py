"""A reply on its way to a simulated LINE: the channel, the customer, and what arrived on the phone."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests

from app import delivery, transaction
from app.channels.line import client
from app.channels.line.credentials import Credentials
from app.clock import now
from app.domain import messages
from app.extensions import db
from app.models import Channel, Message
from linesim import create_app
from linesim.serving import Running
from tests.world import connected

TOKEN = "token-of-the-table"
PERHAPS = "It may or may not have arrived."
# What the connection and the answer may take, in seconds.
PATIENT, HASTY = (1.0, 10.0), (1.0, 0.3)


@pytest.fixture(scope="module")
def line() -> Iterator[Running]:
    running = Running(create_app(token=TOKEN, secret="s" * 32))
    yield running
    running.stop()


@pytest.fixture
def asked(app, line, monkeypatch) -> Iterator[None]:
    """LINE as it was at first, and Mado asks it."""
    requests.post(f"{line.url}/_sim/reset", json={}, timeout=5)
    requests.delete(f"{line.url}/_sim/faults", timeout=5)
    requests.delete(f"{line.url}/_sim/calls", timeout=5)
    point_at(app, line.url, monkeypatch)
    monkeypatch.setattr(client, "TIMEOUT", PATIENT)
    with app.app_context():
        yield
        transaction.release()


@pytest.fixture
def somchai(line) -> str:
    items = ask(line, "GET", "customers")["items"]
    return next(item["user_id"] for item in items if item["name"] == "Somchai")


@pytest.fixture
def channel(app) -> Channel:
    made = connected("line")
    with transaction.writing():
        Credentials(token=TOKEN, secret="s" * 32).keep(db.session.get_one(Channel, made.id))
    return made


def point_at(app, url: str, monkeypatch) -> None:
    monkeypatch.setitem(app.extensions, "mado", replace(app.extensions["mado"], line_api_url=url))


def ask(line: Running, method: str, path: str, **body: object) -> dict:
    answer = requests.request(method, f"{line.url}/_sim/{path}", json=body, timeout=5)
    assert answer.status_code < 300, answer.text
    return answer.json()


def deliver(limit: int) -> int:
    tries = delivery.deliver_due(limit=limit)
    db.session.expire_all()
    return tries


def arrived(line: Running, user_id: str) -> int:
    items = ask(line, "GET", f"customers/{user_id}/talk")["items"]
    return [item["text"] for item in items if item["from"] == "account"].count("Hello")


def keys(line: Running) -> set[str]:
    return {call["retry_key"] for call in ask(line, "GET", "calls?name=push")["items"]}


def waiting(message: Message) -> tuple[str, float, str]:
    """Why it waits, for how many seconds, and how it will go out."""
    row = messages.delivery_of(message)
    return row.problem, (row.due_at - now()).total_seconds(), row.method or "push"

"""What /metrics tells of a Mado at work: each outcome, each queue, and the house."""

import re
import socket
from datetime import timedelta
from types import SimpleNamespace

import pytest

from app import (
    background,
    calling,
    delivery,
    mailing,
    outgoing,
    password_mails,
    storage,
    transaction,
)
from app.channels import registry
from app.channels.base import PermanentError, TemporaryError, UnknownOutcome, Unreadable
from app.channels.registry import Kind
from app.domain import chats, inbox, metrics, password_requests, webhook_calls
from app.extensions import db
from app.live import service
from app.live.hub import Client, Hub
from app.models import Agent
from app.outgoing import Answer, OutgoingError
from tests.domain.rules.conftest import rule
from tests.web.desk import counted
from tests.web.test_metrics_page import read
from tests.world import ToyAdapter, chat_of, connected, play

DOWN = TemporaryError("It is down.")
NOBODY_KNOWS = UnknownOutcome("It did not answer.")
REFUSED = PermanentError("It was refused.")


@pytest.fixture
def replied(app, alice):
    """A function that replies in a chat and lets the channel's provider answer once."""

    def reply(*outcome) -> None:
        with app.app_context():
            play(ToyAdapter(outcomes=list(outcome)))
            chat = chat_of(connected("toy"))
            with transaction.writing():
                chats.reply(chat, "hello", by=db.session.get_one(Agent, alice.id))
            delivery.deliver_due()

    return reply


@pytest.fixture
def called(app, monkeypatch):
    """A function that calls another program, which answers with this status or not at all."""

    def call(status: int | None) -> None:
        def answered(*_given, **_options) -> Answer:
            if status is None:
                raise OutgoingError("It did not answer.")
            return Answer(status, "text/plain", b"")

        monkeypatch.setattr(outgoing, "request", answered)
        with app.app_context():
            chat = chat_of(connected())
            with transaction.writing():
                webhook_calls.queue(chat, "https://example.com/hook", rule_id=None)
            calling.call_one()

    return call


@pytest.fixture
def two_pages(app, monkeypatch):
    """Two open websockets of this process."""
    hub, ends = Hub(), [socket.socketpair() for _ in range(2)]
    monkeypatch.setattr(service.of(app), "hub", hub)
    for near, _far in ends:
        hub.adopt(SimpleNamespace(sock=near, mode="gunicorn", connected=True), client=Client(1, "a", "everybody"))
    yield
    hub.stop(within=0.05)
    for _near, far in ends:
        far.close()


def events_told(found: dict[str, str]) -> set[str]:
    """What became of messages: the types of their events."""
    return set(re.findall(r'mado_events_total\{type="message\.(\w+)"\}', " ".join(found))) - {"received", "queued"}


# ── What was done, by what came of it ───────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("outcome", "told"),
    [((), "sent"), ((REFUSED,), "failed"), ((NOBODY_KNOWS,), "unconfirmed"), ((DOWN,), "delayed")],
)
def test_deliveries_are_told_by_outcome(client, replied, outcome, told):  # L6, L7
    replied(*outcome)
    found = read(client)
    assert events_told(found) == {told}
    assert found[f'mado_events_total{{type="message.{told}"}}'] == "1"


def test_rule_runs_are_told_by_outcome(app, client, monkeypatch):  # R4
    def broken(*_args, **_kwargs):
        raise RuntimeError("no such thing")

    monkeypatch.setattr("app.domain.messages.add_automatic_note", broken)
    with app.app_context():
        play(ToyAdapter())
        rule("new_case", then=[("add_note", "hello")], name="Bad")
        rule("new_case", then=[("set_status", "pending")], name="Good")
        rule("new_case", then=[("set_priority", "urgent")], name="Better")
        chat_of(connected("toy"))
    found = read(client)
    assert found['mado_rule_runs_total{outcome="fired"}'] == "2"
    assert found['mado_rule_runs_total{outcome="failed"}'] == "1"


@pytest.mark.parametrize(("answer", "told"), [([], "sent"), (["451 later"], "delayed"), (["550 nobody"], "failed")])
def test_mails_are_told_by_outcome(app, client, bob, sink, answer, told):
    sink.answers["RCPT"] = answer
    with app.app_context():
        play(ToyAdapter())
        rule("new_case", then=[("notify_agents", {"to": ["all"], "by": ["email"], "text": "It waits"})])
        chat_of(connected("toy"))
        mailing.mail_one()
    assert read(client)[f'mado_mails_total{{outcome="{told}"}}'] == "1"


@pytest.mark.parametrize(("answer", "told"), [([], "sent"), (["451 later"], "delayed"), (["550 nobody"], "failed")])
def test_links_for_a_new_password_are_mails_too(app, client, bob, sink, answer, told):
    sink.answers["RCPT"] = answer
    with app.app_context():
        with transaction.writing():
            password_requests.add(bob.email)
        password_mails.mail_one()
    assert read(client)[f'mado_mails_total{{outcome="{told}"}}'] == "1"


@pytest.mark.parametrize(("status", "told"), [(204, "succeeded"), (503, "delayed"), (None, "delayed"), (410, "failed")])
def test_calls_of_other_programs_are_told_by_outcome(client, called, status, told):
    called(status)
    assert read(client)[f'mado_webhook_calls_total{{outcome="{told}"}}'] == "1"


# ── What waits ──────────────────────────────────────────────────────────────────────────────


def test_every_queue_is_told_when_nothing_waits(client):
    found = read(client)
    names = {name for name, *_ in metrics.QUEUES}
    assert names >= {"deliveries", "downloads", "mails", "password_mails", "webhook_calls", "kept_back"}
    assert {found[f'mado_queue_depth{{queue="{name}"}}'] for name in names} == {"0"}
    assert {found[f'mado_queue_age_seconds{{queue="{name}"}}'] for name in names} == {"0"}


def test_while_a_provider_is_down_the_age_of_what_waits_grows(client, replied, clock):  # F10
    replied(DOWN)
    clock.shift(timedelta(seconds=90))
    found = read(client)
    assert found['mado_queue_depth{queue="deliveries"}'] == "1"
    assert found['mado_queue_age_seconds{queue="deliveries"}'] == "90"


def test_events_that_nobody_tries_any_more_are_told(app, client, clock):  # S6
    bad = Unreadable(key="poison", raw=b"poison", error="boom")
    registry._kinds["toy"] = Kind(adapter=ToyAdapter(), retry=lambda _channel, _raw: [bad])
    with app.app_context():
        channel = connected("toy")
        with transaction.writing():
            inbox.receive_each(inbox.Source.of(channel), [bad], [b"poison"])
        assert read(client)["mado_given_up_events"] == "0"
        for _ in range(4):
            clock.shift(timedelta(minutes=1))
            background.retry_kept_back()
    found = read(client)
    assert found["mado_given_up_events"] == "1"
    assert found['mado_queue_depth{queue="kept_back"}'] == "0"


def test_being_scraped_costs_few_statements(app, client):
    read(client)
    with counted(app) as statements:
        client.get("/metrics")
    assert len(statements) <= 3


# ── The house ───────────────────────────────────────────────────────────────────────────────


def test_open_pages_are_told(client, two_pages):
    assert read(client)["mado_open_sockets"] == "2"


def test_the_schedulers_age_is_told_from_its_first_tick_on(app, client, clock):
    assert "mado_scheduler_tick_age_seconds" not in read(client)
    with app.app_context():
        background.lead_clock()
    clock.shift(timedelta(seconds=75))
    assert read(client)["mado_scheduler_tick_age_seconds"] == "75"


def test_disk_and_database_are_told(client, monkeypatch):
    monkeypatch.setattr(storage, "free_bytes", lambda: 12345)
    found = read(client)
    assert (found["mado_disk_free_bytes"], found["mado_database_up"]) == ("12345", "1")

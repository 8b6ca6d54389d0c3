"""Webhook calls: signed, guarded, tried again, given up with a reason (R3, H11)."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from flask import Flask
from sqlalchemy import select

from app import calling, transaction
from app.clock import now
from app.domain import events, webhook_calls
from app.domain.agents import Refused
from app.domain.rules.definitions import Invalid
from app.extensions import db
from app.models import Agent, Case, Setting, WebhookCall
from tests.domain.rules.conftest import rule
from tests.world import ToyAdapter, chat_of, connected, play


@dataclass
class Receiver:
    """Another program on loopback: it notes each call and answers the next of `answers`, else 200."""

    port: int = 0
    answers: list[int] = field(default_factory=list)
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def bodies(self) -> list[dict]:
        return [json.loads(body) for _headers, body in self.calls]


@pytest.fixture
def receiver(app: Flask) -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.calls.append((dict(self.headers), body))
            self.send_response(found.answers.pop(0) if found.answers else 200)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    config = app.extensions["mado"]
    hosts = frozenset({f"127.0.0.1:{found.port}"})
    app.extensions["mado"] = replace(config, allow_private_hosts=hosts)
    yield found
    app.extensions["mado"] = config
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def case(app: Flask, receiver: Receiver) -> Case:
    """A chat of which a rule tells the receiver."""
    play(ToyAdapter())
    rule("new_case", then=[("call_webhook", receiver.url)], name="Night shift")
    return chat_of(connected("toy"))


def call() -> WebhookCall:
    db.session.expire_all()
    return db.session.scalars(select(WebhookCall)).one()


def test_call_tells_the_rule_and_the_case_as_the_api_does(case, receiver):
    assert calling.call_one() is True
    (body,) = receiver.bodies
    assert body["event"] == "rule.acted"
    assert body["rule"] == {"id": call().rule_id, "name": "Night shift"}
    assert (body["case"]["number"], body["case"]["chat"]) == (case.number, "active")
    assert body["id"] == call().key
    assert (call().state, call().status, call().due_at) == ("sent", 200, None)
    assert calling.call_one() is False


def test_call_is_signed_over_its_time_and_bytes(case, receiver, clock):
    with transaction.writing():
        secret = webhook_calls.renew_secret(by=None)  # type: ignore[arg-type]
    calling.call_one()
    headers, body = receiver.calls[0]
    parts = dict(part.split("=") for part in headers["Mado-Signature"].split(","))
    signed = hmac.new(secret.encode(), f"{parts['t']}.".encode() + body, hashlib.sha256)
    assert parts["v1"] == signed.hexdigest()
    assert int(parts["t"]) == int(now().timestamp())


def test_secret_is_made_by_the_first_call_and_is_encrypted(case, receiver):  # T26
    calling.call_one()
    assert receiver.calls[0][0]["Mado-Signature"]
    with transaction.writing():
        secret = webhook_calls.secret()
    kept = db.session.scalars(select(Setting.value).where(Setting.name == "webhooks.secret")).one()
    assert len(secret) >= 40
    assert secret not in kept


def test_secret_that_nobody_can_read_is_told_to_admins(case, receiver):
    with transaction.writing():
        db.session.add(Setting(name="webhooks.secret", value="of another key"))
    calling.call_one()
    assert receiver.calls == []
    assert call().state == "failed"
    assert "Make a new one" in call().problem


@pytest.mark.parametrize("status", [500, 503, 408, 429, 302])
def test_a_bad_moment_is_tried_again_under_the_same_id(case, receiver, clock, status):
    receiver.answers = [status]
    calling.call_one()
    assert (call().state, call().attempts) == ("queued", 1)
    assert calling.call_one() is False
    clock.shift(timedelta(seconds=10))
    assert calling.call_one() is True
    assert call().state == "sent"
    assert len({body["id"] for body in receiver.bodies}) == 1


def test_call_that_lay_for_hours_is_made_at_an_admins_word_alone(clock, case, receiver, alice):  # F34
    """Mado did not run, or its database is yesterday's, and it may have been made since."""
    clock.shift(timedelta(hours=2, seconds=1))
    assert calling.call_one() is True
    assert (call().state, call().attempts, call().due_at) == ("failed", 0, None)
    assert "may have gone out before" in call().problem
    assert calling.call_one() is False
    assert receiver.calls == []

    with transaction.writing():
        webhook_calls.retry(call(), by=alice)
    calling.call_one()
    assert (call().state, len(receiver.calls)) == ("sent", 1)


def test_call_that_was_refused_before_it_lay_for_hours_is_given_up_too(clock, case, receiver):  # F34
    receiver.answers = [503]
    calling.call_one()
    clock.shift(timedelta(days=1))
    calling.call_one()
    assert (call().state, call().attempts, len(receiver.calls)) == ("failed", 1, 1)


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_a_refusal_is_given_up_at_once(case, receiver, status):
    receiver.answers = [status]
    calling.call_one()
    assert (call().state, call().status) == ("failed", status)
    assert call().problem == f"It answered {status}."
    assert "webhook.failed" in [event.type for event in events.of_case(case)]


def test_given_up_after_five_tries(case, receiver, clock):
    receiver.answers = [500] * 9
    tries = [_an_hour_later(clock) for _ in range(7)]
    assert tries == [True] * 5 + [False] * 2
    assert (call().state, len(receiver.calls)) == ("failed", 5)


def _an_hour_later(clock) -> bool:
    tried = calling.call_one()
    clock.shift(timedelta(minutes=45))
    return tried


def test_given_up_call_is_really_made_again(case, receiver, alice):
    receiver.answers = [404]
    calling.call_one()
    with transaction.writing():
        webhook_calls.retry(call(), by=db.session.get_one(Agent, alice.id))
    calling.call_one()
    assert (call().state, call().attempts) == ("sent", 1)
    with transaction.writing(), pytest.raises(Refused):
        webhook_calls.retry(call(), by=db.session.get_one(Agent, alice.id))


def test_redirect_is_not_followed(case, receiver):  # T10
    receiver.answers = [307]
    calling.call_one()
    assert "leads elsewhere" in call().problem


def test_host_that_is_not_public_is_never_called(app, case, receiver):  # T10
    allowed = app.extensions["mado"]
    app.extensions["mado"] = replace(allowed, allow_private_hosts=frozenset())
    calling.call_one()
    assert receiver.calls == []
    assert call().state == "failed"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://localhost/x",
        "http://mado.localhost./x",
        "http://2130706433/x",
        "http://0x7f.1/x",
        "http://[::1]/x",
        "http://[::ffff:127.0.0.1]/x",
        "http://169.254.169.254/latest",
        "http://10.0.0.1/x",
        "https://example.com:6379/x",
    ],
)
def test_address_that_is_never_called_is_refused_when_it_is_saved(app, url):  # T10
    with pytest.raises(Invalid) as refusal, app.app_context():
        rule("new_case", then=[("call_webhook", url)])
    assert set(refusal.value.errors) == {"actions[0].value"}


def test_what_was_unsent_meanwhile_is_not_told(case, receiver):  # L3
    receiver.answers = [500]
    assert case.subject == "hello"
    calling.call_one()
    with transaction.writing():
        call().due_at = now()
        db.session.get_one(Case, case.id).subject = "LINE chat"
    calling.call_one()
    assert [body["case"]["subject"] for body in receiver.bodies] == ["hello", "LINE chat"]


def test_call_of_a_process_that_died_is_made_by_another(case, receiver, clock, monkeypatch):  # F3
    monkeypatch.setattr(calling, "_made", _die)
    with pytest.raises(SystemExit):
        calling.call_one()
    monkeypatch.undo()
    assert calling.call_one() is False
    clock.shift(calling.LEASE + timedelta(seconds=1))
    assert calling.call_one() is True
    assert call().state == "sent"


def _die(*_: object) -> None:
    raise SystemExit


def test_only_one_of_two_claims_a_call(case):  # F24
    (due,) = db.session.execute(calling.due())
    transaction.release()
    assert calling._claim(due, now() + calling.LEASE) is True
    assert calling._claim(due, now() + calling.LEASE) is False


def test_host_that_is_being_called_delays_no_other(case, receiver, monkeypatch):  # F10
    monkeypatch.setattr(calling, "_busy", {"hangs.example.com": "https://hangs.example.com/x"})
    monkeypatch.setattr(calling, "LOOKED_AT", 1)
    with transaction.writing():
        hanging = webhook_calls.queue(case, "https://hangs.example.com/x", rule_id=None)
        hanging.due_at = now() - timedelta(minutes=1)
    assert calling.call_one() is True
    assert len(receiver.calls) == 1
    assert calling.call_one() is False


def test_old_calls_are_forgotten(case, receiver):
    with transaction.writing():
        call().created_at = now() - timedelta(days=30, seconds=1)
        webhook_calls.forget_old()
    assert webhook_calls.listed(limit=10) == []


def test_calls_are_listed_by_rule(case, receiver):
    assert [one.id for one in webhook_calls.listed(rule_id=call().rule_id, limit=10)] == [call().id]
    assert webhook_calls.listed(rule_id=999, limit=10) == []
    assert webhook_calls.listed(before=call().id, limit=10) == []

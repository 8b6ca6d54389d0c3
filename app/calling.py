"""Webhook calls on their way: claimed with a lease, signed, made, tried again, given up (R3).

The address is somebody's choice, so the call goes through the guarded client: public hosts only, no
redirects, bounded in time and size (T10). The receiver may get a call twice, under one key: when its
answer was lost, or when Mado died before it could write the answer down. What lay for hours in which
nobody tried is given up, and made at an admin's word.
"""

import hashlib
import hmac
import json
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Row, Select, select

from app import counters, outgoing, transaction
from app.blueprints.api import documents
from app.clock import now
from app.domain import queues, webhook_calls
from app.domain.agents import Refused
from app.extensions import db
from app.models import WebhookCall
from app.outgoing import OutgoingError
from app.workers import backoff

LEASE = timedelta(seconds=60)
SECONDS = 10.0
BACKOFF_SECONDS = (10, 60, 300, 1800)
MOST_TRIES = len(BACKOFF_SECONDS) + 1
LATEST = timedelta(hours=1)  # nothing waits longer: a later due time is a clock that stepped back
LOOKED_AT = 200
# A host that hangs holds one of the threads, and the other calls everybody else.
THREADS = 2
PASSING = frozenset({408, 425, 429})

# Hosts that are being called, and the addresses at which.
_busy: dict[str, str] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Outcome:
    """The status that came back, or why none did; `is_final` when another try makes no sense."""

    status: int | None = None
    problem: str = ""
    is_final: bool = False


def call_one() -> bool:
    """Make one due call to a host that no other thread is calling. False when there is none."""
    found = db.session.execute(due()).all()
    transaction.release()
    for row in found:
        host = urlsplit(row.url).netloc
        with _lock:
            if host in _busy:
                continue
            _busy[host] = row.url
        try:
            _call(row)
        finally:
            with _lock:
                _busy.pop(host, None)
        return True
    return False


def signature(secret: str, at: int, body: bytes) -> str:
    """What the receiver works out anew: HMAC-SHA256 over the time, a dot and the body (docs/webhook-calls.md)."""
    signed = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


def due() -> Select[Any]:
    """The query for calls that are due, to addresses that no thread is calling now."""
    due_at = WebhookCall.due_at
    return (
        select(WebhookCall.id, WebhookCall.url, due_at)
        .where(
            queues.is_due(due_at, longest=LATEST),
            WebhookCall.url.not_in(_addresses_being_called()),
        )
        .order_by(due_at, WebhookCall.id)
        .limit(LOOKED_AT)
    )


def _addresses_being_called() -> list[str]:
    """However many wait for a host that hangs, they don't hide the others."""
    with _lock:
        return list(_busy.values())


def _call(row: Row[Any]) -> None:
    if queues.is_too_late(row.due_at):
        _record(row.id, row.due_at, Outcome(problem=queues.TOO_LATE, is_final=True))
        return
    leased_until = now() + LEASE
    if not _claim(row, leased_until):
        return
    try:
        with transaction.writing():  # the first call makes the secret
            secret, body = webhook_calls.secret(), _body(db.session.get_one(WebhookCall, row.id))
    except Refused as problem:
        outcome = Outcome(problem=str(problem), is_final=True)
    else:
        outcome = _made(row.url, body, secret)
    _record(row.id, leased_until, outcome)


def _claim(row: Row[Any], leased_until: datetime) -> bool:
    with transaction.writing():
        return queues.claim(row, WebhookCall.due_at, WebhookCall.attempts, until=leased_until)


def _body(call: WebhookCall) -> bytes:
    """The case is told as it is at this try."""
    rule = {"id": call.rule.id, "name": call.rule.name} if call.rule else None
    document = {
        "id": call.key,
        "event": "rule.acted" if rule else "macro.used",
        "time": documents.moment(call.created_at),
        "rule": rule,
        "case": documents.of_case(call.case),
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _made(url: str, body: bytes, secret: str) -> Outcome:
    at = int(now().timestamp())
    headers = {"Content-Type": "application/json", "Mado-Signature": signature(secret, at, body)}
    try:
        answer = outgoing.request("POST", url, body=body, headers=headers, seconds=SECONDS)
    except outgoing.NotAllowed as problem:
        return Outcome(problem=str(problem), is_final=True)
    except OutgoingError as problem:
        return Outcome(problem=str(problem))
    if 200 <= answer.status < 300:
        return Outcome(answer.status)
    is_passing = answer.status >= 500 or answer.status in PASSING
    return Outcome(answer.status, f"It answered {answer.status}.", is_final=not is_passing)


def _record(call_id: int, leased_until: datetime, outcome: Outcome) -> None:
    with transaction.writing():
        call = db.session.get_one(WebhookCall, call_id, with_for_update=True)
        if call.due_at != leased_until:
            return  # the lease ran out, and somebody else has it
        if not outcome.problem:
            came = "succeeded"
            webhook_calls.succeeded(call, outcome.status or 0)
        elif outcome.is_final or call.attempts >= MOST_TRIES:
            came = "failed"
            webhook_calls.give_up(call, outcome.problem, outcome.status)
        else:
            came = "delayed"
            at = now() + backoff(call.attempts, BACKOFF_SECONDS)
            webhook_calls.again(call, at, outcome.problem, outcome.status)
        transaction.count(counters.CALLS, outcome=came)

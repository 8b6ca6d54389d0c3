"""Calls of other programs' addresses that rules order: queued here, made in the background.

A call is a row with a due time. Nothing is called from here, and no body is kept: it is put
together at each try. The secret that signs them is encrypted at rest and shown once, when it is made.
"""

import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime

from cryptography.fernet import InvalidToken
from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from app import encryption
from app.clock import now
from app.domain import events
from app.domain.agents import Refused
from app.domain.notifications import KEPT
from app.domain.upsert import insert
from app.extensions import db
from app.models import Agent, Case, Setting, WebhookCall
from app.transaction import wake_after_commit

KEPT_AS = "webhooks.secret"


def queue(
    case: Case, url: str, *, rule_id: int | None, by: Agent | None = None
) -> WebhookCall:
    """One call, due at once; `by` is the agent whose macro orders it, where it is no rule."""
    call = WebhookCall(key=str(uuid.uuid4()), case_id=case.id, rule_id=rule_id, url=url)
    db.session.add(call)
    db.session.flush()
    wake_after_commit("webhook_calls")
    events.record("webhook.queued", case_id=case.id, by=by, call=call.id)
    return call


def retry(call: WebhookCall, *, by: Agent) -> None:
    """Really make it again, under the same key. Raise Refused while it is on its way."""
    if call.state != "failed":
        raise Refused("Only a call that was given up can be made again.")
    call.state, call.due_at, call.attempts, call.finished_at = "queued", now(), 0, None
    wake_after_commit("webhook_calls")
    events.record("webhook.queued", case_id=call.case_id, by=by, call=call.id)


# ── What came of it ─────────────────────────────────────────────────────────────────────────


def succeeded(call: WebhookCall, status: int) -> None:
    call.state, call.status, call.problem = "sent", status, None
    call.due_at, call.finished_at = None, now()


def again(call: WebhookCall, at: datetime, problem: str, status: int | None) -> None:
    call.due_at, call.problem, call.status = at, problem, status


def give_up(call: WebhookCall, problem: str, status: int | None) -> None:
    call.state, call.problem, call.status = "failed", problem, status
    call.due_at, call.finished_at = None, now()
    events.record("webhook.failed", case_id=call.case_id, call=call.id, error=problem)


# ── Reading ─────────────────────────────────────────────────────────────────────────────────


def listed(
    *, before: int | None = None, rule_id: int | None = None, limit: int
) -> Sequence[WebhookCall]:
    """Newest first, of all rules or of one."""
    query = select(WebhookCall).options(joinedload(WebhookCall.rule))
    if before:
        query = query.where(WebhookCall.id < before)
    if rule_id:
        query = query.where(WebhookCall.rule_id == rule_id)
    return db.session.scalars(query.order_by(WebhookCall.id.desc()).limit(limit)).all()


def find(call_id: int) -> WebhookCall | None:
    return db.session.get(WebhookCall, call_id)


def forget_old() -> None:
    """As long as notifications are kept."""
    old = select(WebhookCall.id).where(WebhookCall.created_at < now() - KEPT).limit(5000)
    db.session.execute(delete(WebhookCall).where(WebhookCall.id.in_(old)))


# ── The secret ──────────────────────────────────────────────────────────────────────────────


def has_secret() -> bool:
    return _kept() is not None


def secret() -> str:
    """What signs the next call, made where there is none. Raise Refused when it can't be read."""
    kept = _kept()
    if kept is None:
        return _make()
    try:
        return encryption.decrypt(kept)
    except InvalidToken as problem:
        raise Refused("The secret can't be read. Make a new one under Settings, Webhooks.") from problem


def renew_secret(*, by: Agent) -> str:
    """A new one, which signs from now on."""
    made = _make()
    events.record("setting.changed", by=by, name=KEPT_AS)
    return made


def _kept() -> str | None:
    return db.session.scalar(select(Setting.value).where(Setting.name == KEPT_AS))


def _make() -> str:
    made = secrets.token_urlsafe(32)
    value = encryption.encrypt(made)
    statement = insert(Setting).values(name=KEPT_AS, value=value)
    db.session.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"value": value})
    )
    return made

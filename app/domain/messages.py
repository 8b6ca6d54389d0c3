"""Messages of a case: adding one, and what their delivery came to; `timeline` reads them.

A message enters once per provider's id and once per idempotency key. States say only what is
known: queued, sent, failed, unconfirmed. Nothing here talks to a provider.
"""

import json
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy import text as sql

from app.channels import registry
from app.clock import now
from app.domain import (
    cases,
    costs,
    drafts,
    events,
    public_links,
    quotas,
    quotes,
    search,
    uploads,
)
from app.domain.agents import Refused
from app.extensions import db
from app.models import AUTOMATIC, Agent, Case, Delivery, Message
from app.transaction import wake_after_commit

# What rules may say in one conversation within an hour: the other side may be a machine, too (T22).
MOST_AUTOMATIC_AN_HOUR = 5
# A message that the provider brings so long after it was written gets no automatic answer (T3).
MOST_LATE = timedelta(minutes=5)


class KeyReused(Refused):
    """An idempotency key that came with another text or other files before."""


def sent_before(
    case: Case, direction: str, text: str, *, by: Agent, key: str | None, files: Collection[int] = ()
) -> Message | None:
    """The message this key made already. Raise KeyReused when it was not this one."""
    if not key:
        return None
    message = db.session.scalar(
        select(Message).where(Message.agent_id == by.id, Message.idempotency_key == key)
    )
    if message and (message.case_id, message.direction) != (case.id, direction):
        raise KeyReused("This Idempotency-Key was used for another message.")
    if message and message.text != text:
        raise KeyReused("This Idempotency-Key was used with another text.")
    if message and uploads.ids_of(message) != sorted(set(files)):
        raise KeyReused("This Idempotency-Key was used with other files.")
    return message


def add_reply(
    case: Case,
    text: str,
    *,
    by: Agent,
    key: str | None,
    files: Collection[int] = (),
    quoted: Message | None = None,
) -> Message:
    """An agent's answer: queued for delivery where the channel can send, else just kept.

    `files` are ids of the agent's uploads in this case; those that go out get public links.
    """
    can_send = registry.adapter(case.channel.kind).can_send
    state = "queued" if can_send else None
    message = _add(case, "out", text, by=by, key=key, state=state, files=files)
    message.quoted_id = quoted.id if quoted else None
    if can_send:
        public_links.give(message.attachments)
    case.last_message_at = case.last_activity_at = message.received_at
    case.last_message_id = case.last_agent_message_id = message.id
    case.last_agent_at = message.received_at
    case.unanswered_since = None
    if can_send:
        _queue(message, case)
    db.session.flush()
    events.record("message.queued", case_id=case.id, message_id=message.id, by=by)
    return message


def add_note(
    case: Case, text: str, *, by: Agent, key: str | None, files: Collection[int] = ()
) -> Message:
    """An internal note. It is no activity and never reactivates (S18, S26)."""
    message = _add(case, "note", text, by=by, key=key, state=None, files=files)
    events.record("note.added", case_id=case.id, message_id=message.id, by=by)
    return message


def add_automatic(case: Case, text: str) -> Message:
    """A message to the contact that no person wrote: it counts as nobody's activity (S18)."""
    can_send = registry.adapter(case.channel.kind).can_send
    message = _add(case, "out", text, by=None, key=None, state="queued" if can_send else None)
    case.last_message_at, case.last_message_id = message.received_at, message.id
    if can_send:
        _queue(message, case)
    db.session.flush()
    events.record("message.queued", case_id=case.id, message_id=message.id, automatic=True)
    return message


def check_automatic(case: Case, latest: Message | None) -> None:
    """Raise Refused when rules have said enough here for an hour (T22), or answer far too late (T3)."""
    has_just_come = latest and latest.is_late and latest.received_at > now() - MOST_LATE
    if has_just_come and latest.sent_at and latest.sent_at < now() - MOST_LATE:
        raise Refused("The message came late, and nobody expects an automatic answer any more.")
    query = select(func.count()).where(
        Message.case_id.in_(select(Case.id).where(Case.conversation_id == case.conversation_id)),
        Message.direction == "out",
        sql(AUTOMATIC),
        Message.received_at > now() - timedelta(hours=1),
    )
    if (db.session.scalar(query) or 0) >= MOST_AUTOMATIC_AN_HOUR:
        raise Refused(
            f"Rules sent {MOST_AUTOMATIC_AN_HOUR} messages here within an hour,"
            " and two machines must not talk to each other."
        )


def add_automatic_note(case: Case, text: str) -> Message:
    """A note that a rule wrote."""
    message = _add(case, "note", text, by=None, key=None, state=None)
    events.record("note.added", case_id=case.id, message_id=message.id)
    return message


def add_system_line(case: Case, kind: str, text: str) -> Message:
    message = Message(
        case_id=case.id, channel_id=case.channel_id, direction="system", kind=kind, text=text
    )
    db.session.add(message)
    db.session.flush()
    events.record("line.added", case_id=case.id, message_id=message.id)
    return message


def retry(message: Message, *, by: Agent) -> None:
    """Really send again what failed or stayed unconfirmed, with a fresh retry key (L8)."""
    if message.direction != "out" or message.state not in ("failed", "unconfirmed"):
        raise Refused("Only a reply that failed or is unconfirmed can be sent again.")
    if any(file.revoked_at for file in message.attachments):
        raise Refused("The link of a file was revoked, so nobody could open it. Send the file anew.")
    costs.check(message.case)
    message.state, message.error = "queued", None
    _queue(message, message.case)
    recompute(message.case)
    message.case.last_activity_at = now()
    db.session.flush()
    facts = {"case_id": message.case_id, "message_id": message.id}
    events.record("message.queued", **facts, by=by, again=True)


def stop_trying(message: Message, *, by: Agent) -> None:
    """Give up a queued reply whose first try was refused (L7)."""
    delivery = held_delivery(message)
    if message.state != "queued" or delivery is None:
        raise Refused("This reply is not waiting any more.")
    if delivery.leased_until and delivery.leased_until > now():
        raise Refused("LINE is being asked right now. Try again in a few seconds.")
    if delivery.attempts == 0:
        raise Refused("This reply is on its way.")
    if delivery.is_ambiguous:
        error = "Stopped by an agent. An earlier try may have arrived."
        settle(message, "unconfirmed", error=error, by=by)
    else:
        settle(message, "failed", error="Stopped by an agent.", by=by)


def settle(
    message: Message,
    state: str,
    *,
    error: str | None = None,
    external_ids: tuple[str, ...] = (),
    quote_token: str | None = None,
    at: datetime | None = None,
    by: Agent | None = None,
) -> None:
    """The final word on a queued message: sent, failed or unconfirmed."""
    message.state, message.error = state, error
    if state == "sent":
        message.sent_at = at or now()
        message.external_id = external_ids[0] if external_ids else None
        message.payload = json.dumps({"sent_ids": external_ids})
        message.quote_token = quote_token
        quotes.keep_sent(message, external_ids)
        if delivery := delivery_of(message):
            quotas.add(delivery.channel_id, delivery.conversation_id, delivery.method or "push")
    db.session.execute(delete(Delivery).where(Delivery.message_id == message.id))
    db.session.flush()
    events.record(
        f"message.{state}", case_id=message.case_id, message_id=message.id, by=by, error=error
    )
    if state == "failed":
        recompute(message.case)
        _show_unanswered(message.case)


def _show_unanswered(case: Case) -> None:
    """A chat that ended as pending, its only answer failed, waits for us after all (U6)."""
    if case.chat_state == "ended" and case.status == "pending" and case.contact_wrote_last:
        cases.set_status(case, "open", by=None, cause="reply failed")


def recompute(case: Case) -> None:
    """Who wrote last and when, from the messages themselves: a failed reply does not count (S18)."""
    db.session.flush()
    counts = (Message.case_id == case.id, Message.is_automatic.is_(False))
    agents = (*counts, Message.direction == "out", Message.state.is_distinct_from("failed"))
    last_out = db.session.execute(
        select(func.max(Message.id), func.max(Message.received_at)).where(*agents)
    ).one()
    contacts = (*counts, Message.direction == "in")
    last_in = db.session.scalar(select(func.max(Message.received_at)).where(*contacts))
    tapped = (*counts, Message.direction == "system", Message.kind == "postback")
    last_tap = db.session.scalar(select(func.max(Message.received_at)).where(*tapped))
    case.last_agent_message_id, case.last_agent_at = last_out
    moments = [moment for moment in (last_out[1], last_in, last_tap) if moment]
    case.last_activity_at = max(moments, default=case.created_at)
    case.unanswered_since = db.session.scalar(
        select(func.min(Message.received_at)).where(*contacts, Message.id > (last_out[0] or 0))
    )
    db.session.flush()


def delivery_of(message: Message) -> Delivery | None:
    return db.session.get(Delivery, message.id)


def held_delivery(message: Message) -> Delivery | None:
    """As it is now, and nobody claims it before this transaction ends."""
    return db.session.get(Delivery, message.id, with_for_update=True, populate_existing=True)


def _add(
    case: Case,
    direction: str,
    text: str,
    *,
    by: Agent | None,
    key: str | None,
    state: str | None,
    files: Collection[int] = (),
) -> Message:
    """A message of an agent's, whose draft it was, or of nobody's."""
    message = Message(
        case_id=case.id,
        channel_id=case.channel_id,
        direction=direction,
        text=text,
        agent_id=by.id if by else None,
        is_automatic=by is None,
        idempotency_key=key,
        state=state,
        received_at=now(),
    )
    db.session.add(message)
    db.session.flush()
    search.add_message(message.id, case.id, text)
    if by and files:
        uploads.claim(message, files, by=by)
        message.kind = "text" if text else message.attachments[0].kind
    if by:
        drafts.forget(case, by=by)
    return message


def _queue(message: Message, case: Case) -> None:
    moment = now()
    db.session.add(
        Delivery(
            message_id=message.id,
            conversation_id=case.conversation_id,
            channel_id=case.channel_id,
            retry_key=str(uuid.uuid4()),
            queued_at=moment,
            due_at=moment,
        )
    )
    wake_after_commit("deliveries")



"""Rows as the JSON that programs get. Every member is named here; nothing else ever leaves (T27).

A list costs a fixed number of queries, however long it is and whoever wrote.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from flask import Response, current_app, g, url_for
from sqlalchemy import select

from app.channels import registry
from app.domain import attachments, contacts, quotes
from app.domain.health import Health
from app.extensions import db
from app.models import (
    Agent,
    Attachment,
    Case,
    Channel,
    Contact,
    Conversation,
    Event,
    Identity,
    Message,
)

Document = dict[str, Any]
Names = dict[tuple[int, int], str]

# What events tell beside who and when; a fact that is not named here stays inside.
FACTS = ("old", "new", "cause", "reason", "error", "until", "taken_by", "contact", "conversation")


def answer(document: Document, status: int = 200, **headers: str) -> Response:
    """A JSON response, compact and in UTF-8."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return Response(body, status, headers, content_type="application/json")


def page(items: list[Document], next_: object | None) -> Document:
    """A part of a list; `next` leads on, null at the end."""
    return {"items": items, "next": None if next_ is None else str(next_)}


def of_cases(cases: Sequence[Case]) -> list[Document]:
    names = _external_ids((case.channel_id, case.contact) for case in cases)
    return [_case(case, names) for case in cases]


def of_case(case: Case) -> Document:
    return of_cases([case])[0]


def of_messages(messages: Sequence[Message], channel: Channel) -> list[Document]:
    names = _external_ids((channel.id, message.contact) for message in messages)
    return [_message(message, channel, names) for message in messages]


def of_message(message: Message, channel: Channel) -> Document:
    return of_messages([message], channel)[0]


def of_event(event: Event) -> Document:
    facts = json.loads(event.data)
    return {
        "id": event.id,
        "type": event.type,
        "occurred_at": moment(event.occurred_at),
        "agent": _agent(event.agent),
        "message": event.message_id,
        "facts": {name: facts[name] for name in FACTS if name in facts},
    }


def of_health(health: Health) -> Document:
    channel = health.channel
    return {
        "channel": {"id": channel.id, "kind": channel.kind, "name": channel.name},
        "state": channel.state,
        "problem": channel.problem,
        "checks": [
            {
                "name": check.name,
                "is_good": check.is_good,
                "text": check.words,
                "checked_at": moment(check.checked_at),
            }
            for check in health.checks
        ],
        "last_event_at": moment(channel.last_event_at),
        "failed_signature_count": channel.failed_signature_count,
        "failed_signature_at": moment(channel.failed_signature_at),
        "ignored_count": channel.ignored_count,
        "kept_back_count": health.kept_back_count,
        "quota": {
            "limit": channel.quota_limit,
            "used": channel.quota_used,
            "asked_at": moment(channel.quota_asked_at),
        },
        "failures": [
            {
                "occurred_at": moment(failure.occurred_at),
                "call": failure.call,
                "status": failure.status,
                "request_id": failure.request_id,
                "reason": failure.reason,
            }
            for failure in health.failures
        ],
    }


def _case(case: Case, names: Names) -> Document:
    return {
        "number": case.number,
        "subject": case.subject,
        "status": case.status,
        "priority": case.priority,
        "labels": [{"id": label.id, "name": label.name} for label in case.labels],
        "is_spam": case.is_spam,
        "trashed_at": moment(case.trashed_at),
        "chat": case.chat_state if case.is_chat else None,
        "channel": _channel(case.channel),
        "conversation": _conversation(case.conversation, case.channel),
        "author": _person(case.contact, case.channel, names),
        "taken_by": _agent(case.taken_by),
        "assignee": _agent(case.assignee),
        "created_at": moment(case.created_at),
        "last_message_at": moment(case.last_message_at),
    }


def _message(message: Message, channel: Channel, names: Names) -> Document:
    return {
        "id": message.id,
        "direction": message.direction,
        "sender": _sender(message, channel, names),
        "kind": message.kind,
        "text": message.text,
        "sent_at": moment(message.sent_at),
        "received_at": moment(message.received_at),
        "quoted": _quoted(message),
        "edited_at": moment(message.edited_at),
        "unsent_at": moment(message.unsent_at),
        "state": message.state,
        "error": message.error or _hold_up(message),
        "attachments": [_attachment(file) for file in message.attachments if file.state != "removed"],
    }


def _attachment(file: Attachment) -> Document:
    """Its address takes the token that this document was asked with."""
    path = url_for("api.attachment", attachment_id=file.id)
    public_url = current_app.extensions["mado"].public_url
    return {
        "id": file.id,
        "filename": attachments.name_of(file),
        "content_type": file.content_type,
        "size": file.size,
        "url": f"{public_url}{path}" if file.state == "stored" else None,
    }


def _quoted(message: Message) -> Document | None:
    """What it quotes, unless that stands in a case that the token's agent may not see."""
    if message.quoted is None or not quotes.may_read(g.agent, message):
        return None
    return {"id": message.quoted.id, "text": message.quoted.text}


def _hold_up(message: Message) -> str | None:
    """Why a queued reply was not taken yet (L7)."""
    is_waiting = message.state == "queued" and message.delivery
    return message.delivery.problem if is_waiting else None


def _channel(channel: Channel) -> Document:
    return {"id": channel.id, "kind": channel.kind, "name": channel.name}


def _conversation(conversation: Conversation, channel: Channel) -> Document:
    """Groups and rooms have a name of their own; a person's conversation has their name."""
    name = None
    if conversation.is_group:
        adapter = registry.adapter(channel.kind)
        name = conversation.name or adapter.unnamed(conversation.kind, conversation.external_id)
    return {"id": conversation.id, "kind": conversation.kind, "name": name}


def _sender(message: Message, channel: Channel, names: Names) -> Document | None:
    """Contacts write `in`, agents `out` and `note`; a system line has no sender."""
    if message.direction == "in":
        return _person(message.contact, channel, names)
    return _agent(message.agent)


def _person(contact: Contact | None, channel: Channel, names: Names) -> Document:
    external_id = names.get((channel.id, contact.id)) if contact else None
    name = contacts.shown_name(contact, channel.kind, external_id)
    return {"id": contact.id if contact else None, "name": name}


def _agent(agent: Agent | None) -> Document | None:
    return {"id": agent.id, "name": agent.name} if agent else None


def _external_ids(people: Iterable[tuple[int, Contact | None]]) -> Names:
    """What channels call those whose names are not known yet, by channel and contact."""
    unnamed = {(channel, contact.id) for channel, contact in people if contact and not contact.name}
    if not unnamed:
        return {}
    query = (
        select(Identity.channel_id, Identity.contact_id, Identity.external_id)
        .where(Identity.contact_id.in_({contact for _, contact in unnamed}))
        .order_by(Identity.id.desc())
    )
    return {(row[0], row[1]): row[2] for row in db.session.execute(query)}


def moment(at: datetime | None) -> str | None:
    """RFC 3339, UTC, milliseconds."""
    if at is None:
        return None
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

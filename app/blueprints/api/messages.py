"""Messages of a case for programs: reading them in order, and answering, once per key."""

from flask import Blueprint, Response, g

from app import transaction
from app.blueprints.api import documents
from app.blueprints.api.cases import case_or_404
from app.blueprints.api.inputs import Body, Query
from app.channels import registry
from app.domain import chats, timeline


def register(blueprint: Blueprint) -> None:
    blueprint.get("/cases/<int:number>/messages")(list_messages)
    blueprint.post("/cases/<int:number>/messages")(reply)


def list_messages(number: int) -> Response:
    """A page of messages in the order they came."""
    case = case_or_404(number)
    asked = Query()
    after, limit = asked.after(), asked.limit()
    asked.check()
    found = timeline.after(case, after, limit=limit + 1)
    items = documents.of_messages(found[:limit], case.channel)
    return documents.answer(documents.page(items, items[-1]["id"] if len(found) > limit else None))


def reply(number: int) -> Response:
    """An answer to the contact: it takes an untaken chat and reactivates an ended one (S26)."""
    case = case_or_404(number)
    body = Body()
    text = body.text("text", longest=registry.adapter(case.channel.kind).text_limit)
    key = body.idempotency_key()
    body.check()
    message, is_new = chats.reply_once(case, text, by=g.agent, key=key)
    document = documents.of_message(message, case.channel)
    transaction.commit()
    return documents.answer(document, 201 if is_new else 200)

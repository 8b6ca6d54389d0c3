"""The API's description for programs: OpenAPI 3.1 at /api/v1/openapi.json.

Limits come from the modules that keep them. It holds nobody's data and needs no token.
"""

import json
from functools import cache
from typing import Any

from flask import Blueprint, Response

from app.blueprints.api.cases import LONGEST_NAME, LONGEST_QUERY, LONGEST_SUBJECT
from app.blueprints.api.inputs import LONGEST_KEY
from app.blueprints.api.macro_paths import macro_paths
from app.blueprints.api.operations import (
    WITH_BODY,
    WORDS,
    after,
    answer,
    limit,
    operation,
    parameter,
    problem,
)
from app.blueprints.api.refusals import KEY_HEADER
from app.blueprints.api.rule_paths import rule_paths
from app.blueprints.api.schemas import SCHEMAS
from app.blueprints.api.shapes import Schema
from app.domain.narrowing import CHATS, FLAGS
from app.models import PRIORITIES, STATUSES

VERSION = "1.0.0"


def register(blueprint: Blueprint) -> None:
    blueprint.get("/openapi.json")(description)


def description() -> Response:
    """This document."""
    return Response(_body(), content_type="application/json")


@cache
def document() -> dict[str, Any]:
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Mado",
            "version": VERSION,
            "description": "Cases, chats and their messages. A program acts as its token's agent.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {f"Problem{status}": problem(status) for status in WORDS},
        },
    }


@cache
def _body() -> bytes:
    return json.dumps(document(), ensure_ascii=False, separators=(",", ":")).encode()


def _paths() -> dict[str, Any]:
    number = {"parameters": [parameter("number", "path", {"type": "integer", "minimum": 1})]}
    channel = {"parameters": [parameter("channel_id", "path", {"type": "integer", "minimum": 1})]}
    return {
        "/cases": {"get": _list_cases(), "post": _open_case()},
        "/cases/{number}": {"get": _show_case(), **number},
        "/cases/{number}/messages": {"get": _list_messages(), "post": _reply(), **number},
        "/cases/{number}/ending": {"post": _end_chat(), **number},
        "/cases/{number}/selection": {"post": _select_chat(), **number},
        "/cases/{number}/events": {"get": _list_events(), **number},
        "/attachments/{attachment_id}": {"get": _read_attachment(), **_attachment_id()},
        **rule_paths(number),
        **macro_paths(number),
        "/channels/{channel_id}/health": {"get": _show_health(), **channel},
        "/openapi.json": {"get": _describe()},
    }


def _list_cases() -> Schema:
    return operation(
        "List cases",
        "Last message first. Without `chat` it is what All cases shows: ended chats and mail-like"
        " cases. Spam and trash are listed when `flag` asks for them, and only then. A page of a search may be short, even empty, and still have a `next`.",
        {"200": answer("CasePage")},
        errors=("422",),
        parameters=[
            parameter("status", "query", {"enum": list(STATUSES)}),
            parameter("priority", "query", {"enum": list(PRIORITIES)}),
            parameter("label", "query", {"type": "string"}),
            parameter("flag", "query", {"enum": list(FLAGS)}),
            parameter("chat", "query", {"enum": list(CHATS)}),
            parameter("q", "query", {"type": "string", "maxLength": LONGEST_QUERY}),
            limit(),
            parameter("cursor", "query", {"type": "string"}),
        ],
    )


def _open_case() -> Schema:
    name = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}
    named = {"type": "object", "properties": {"name": name}, "required": ["name"]}
    return operation(
        "Open a case",
        "A mail-like case. Without a subject it is made from the text.",
        {"201": answer("Case", Location={"type": "string"})},
        errors=("403", *WITH_BODY),
        body={
            "required": ["text", "contact"],
            "properties": {
                "subject": {"type": ["string", "null"], "maxLength": LONGEST_SUBJECT},
                "text": {"type": "string", "minLength": 1},
                "contact": {"oneOf": [name, named]},
            },
        },
    )


def _show_case() -> Schema:
    answers = {"200": answer("Case")}
    return operation("Read a case", "Active chats too.", answers, errors=("404",))


def _list_messages() -> Schema:
    return operation(
        "List messages",
        "Oldest first. To be told what is new, ask for those after the last id you have.",
        {"200": answer("MessagePage")},
        errors=("404", "422"),
        parameters=[after(), limit()],
    )


def _reply() -> Schema:
    key = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY}
    return operation(
        "Reply",
        "Sends a text to the contact. It takes an untaken chat and reactivates an ended one. With"
        " an Idempotency-Key it is sent once, however often the request comes.",
        {"200": answer("Message", "The reply this key made before."), "201": answer("Message")},
        errors=("403", "404", "409", *WITH_BODY),
        parameters=[parameter(KEY_HEADER, "header", key)],
        body={"required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}},
    )


def _end_chat() -> Schema:
    return operation(
        "End a chat",
        "With a status. 409 when it is not an active chat.",
        {"200": answer("Case")},
        errors=("403", "404", "409", *WITH_BODY),
        body={"required": ["status"], "properties": {"status": {"enum": list(STATUSES)}}},
    )


def _select_chat() -> Schema:
    return operation(
        "Select a chat",
        "What opening it from the icon does: who reactivated a group's chat becomes the author. 409"
        " when it is not an active chat.",
        {"200": answer("Case")},
        errors=("403", "404", "409"),
    )


def _list_events() -> Schema:
    return operation(
        "List events",
        "The case's history, oldest first.",
        {"200": answer("EventPage")},
        errors=("404", "422"),
        parameters=[after(), limit()],
    )


def _attachment_id() -> Schema:
    schema = {"type": "integer", "minimum": 1}
    return {"parameters": [parameter("attachment_id", "path", schema)]}


def _read_attachment() -> Schema:
    """Any type that its bytes told, so the content is described as bytes."""
    content = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    answers: dict[str, Schema] = {
        "200": {"description": "The file.", "content": content},
        "206": {"description": "The range that was asked for.", "content": content},
        "304": {"description": "Unchanged since the `ETag` that was named."},
        "416": {"description": "No such range."},
    }
    return operation(
        "Read a file",
        "The original bytes of a message's file, with `Range` and `ETag`.",
        answers,
        errors=("404",),
    )


def _show_health() -> Schema:
    return operation(
        "How a channel stands",
        "What its provider said when it was last asked, and what went wrong since. Nothing is asked"
        " for this answer.",
        {"200": answer("Health")},
        errors=("403", "404"),
    )


def _describe() -> Schema:
    content = {"application/json": {"schema": {"type": "object"}}}
    answers = {"200": {"description": "An OpenAPI 3.1 document.", "content": content}}
    return {"summary": "This document", "security": [], "responses": answers}

"""What nobody should send: answered with 4xx, stored as text or not at all, never a 500 (F23)."""

import io

import pytest
from flask import Flask
from sqlalchemy import select

from app import extensions, transaction
from app.extensions import db
from app.models import Agent, Case, Message
from tests import world
from tests.api.conftest import Program

GOOD = '{"text": "hello", "contact": "Yuki"}'
JSON = {"Content-Type": "application/json"}


@pytest.fixture(autouse=True)
def _in_context(app: Flask):
    with app.app_context():
        yield
        transaction.release()


def send(api: Program, body: bytes | str, **headers: str):
    raw = body.encode() if isinstance(body, str) else body
    return api.call("POST", "/cases", data=raw, headers={**JSON, **headers})


@pytest.mark.parametrize(
    "body",
    ["", "{", "nonsense", "null", "[]", "5", '"text"', "NaN", '{"text": NaN, "contact": "y"}',
     '{"text": "x", "contact": "y", "n": -Infinity}', GOOD + "x", "\ufeff" + GOOD,
     '{"text": "a", "text": "b", "contact": "y"}', "[" * 100_000, '{"a":' * 100_000,
     '{"n": ' + "9" * 5_000 + "}", "{'text': 'x'}", b"\xff\xfe", GOOD.encode("utf-16"),
     b'{"text": "\xed\xa0\x80", "contact": "y"}', '{"text": "a\nb", "contact": "y"}', b"\0" * 100],
)  # fmt: skip
def test_a_body_that_is_not_one_json_object_is_400(api, body):
    response = send(api, body)
    assert response.status_code == 400
    assert world.count(Case) == 0


@pytest.mark.parametrize(
    "type_",
    ["", "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data",
     "application/xml", "json"],
)  # fmt: skip
def test_a_body_that_does_not_say_json_is_415(api, type_):  # T14
    response = send(api, GOOD, **{"Content-Type": type_})
    assert response.status_code == 415
    assert response.headers["Accept-Post"] == "application/json"
    assert world.count(Case) == 0


def test_a_compressed_body_is_415(api):  # T2
    assert send(api, b"\x1f\x8b\x08", **{"Content-Encoding": "gzip"}).status_code == 415


def test_a_charset_beside_the_type_is_fine(api):
    assert send(api, GOOD, **{"Content-Type": "application/json; charset=utf-8"}).status_code == 201


def test_more_than_a_megabyte_is_413(api):  # T2
    body = '{"text": "x", "contact": "y", "more": "' + "z" * 1_000_000 + '"}'
    response = send(api, body)
    assert response.status_code == 413
    assert response.headers["Connection"] == "close"
    assert world.count(Case) == 0


@pytest.mark.parametrize("name", ["status", "chat", "limit", "cursor"])
@pytest.mark.parametrize("value", ["'", "1;select pg_sleep(3)", "\0", "1-1; drop table cases", "[]"])
def test_a_hostile_parameter_is_refused(api, name, value):  # T13
    assert api.get("/cases", **{name: value}).status_code == 422


def test_a_parameter_given_twice_counts_once(api):
    assert api.call("GET", "/cases?limit=1&limit=x").status_code == 200


def test_more_than_a_megabyte_without_a_length_is_413(api):  # T2
    response = api.call(
        "POST",
        "/cases",
        input_stream=io.BytesIO(b"z" * 1_000_001),
        headers=JSON,
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert response.status_code == 413
    assert response.headers["Connection"] == "close"


ASSIGNED = {
    "number": 77, "id": 77, "status": "closed", "chat": "active", "chat_state": "active",
    "is_spam": True, "group_id": 1, "assignee_id": 1, "assignee": {"id": 1}, "taken_by": {"id": 1},
    "taken_by_id": 1, "created_at": "2001-01-01T00:00:00Z", "author": {"id": 1}, "channel_id": 9,
    "agent_id": 1, "role": "admin", "is_admin": True, "password": "x", "secret": "x",
}  # fmt: skip


def test_fields_that_nobody_asked_for_do_not_exist_when_a_case_is_opened(api):  # T12
    made = api.post("/cases", {"text": "hello", "contact": {"name": "Yuki", "id": 1}, **ASSIGNED})
    assert made.status_code == 201
    assert (made.json["number"], made.json["status"], made.json["chat"]) == (1, "open", None)
    assert (made.json["assignee"], made.json["taken_by"]) == (None, None)
    assert not made.json["created_at"].startswith("2001")
    row = db.session.scalars(select(Case)).one()
    assert (row.group_id, row.is_spam, row.channel_id) == (None, False, 1)


def test_fields_that_nobody_asked_for_do_not_exist_in_a_reply(program, bob, alice):  # T12
    case = world.chat_of(world.connected(), "help")
    more = {"direction": "note", "state": "sent", "sender": {"id": alice.id}, "error": "x"}
    address = f"/cases/{case.number}/messages"
    made = program(bob).post(address, {"text": "hello", **more, **ASSIGNED})
    assert made.status_code == 201
    assert (made.json["direction"], made.json["state"]) == ("out", "queued")
    assert made.json["sender"]["name"] == "Bob"
    assert db.session.get_one(Message, made.json["id"]).case_id == case.id
    assert db.session.get_one(Agent, bob.id).role == "agent"


def test_fields_that_nobody_asked_for_do_not_exist_in_an_ending(api, bob):  # T12
    case = world.chat_of(world.connected(), "help")
    asked = {**ASSIGNED, "status": "open", "by": bob.id, "cause": "rule"}
    ended = api.post(f"/cases/{case.number}/ending", asked)
    assert (ended.json["chat"], ended.json["status"]) == ("ended", "open")
    facts = {fact["type"]: fact for fact in api.items(f"/cases/{case.number}/events")}
    assert facts["chat.ended"]["agent"]["name"] == "Alice"
    assert facts["chat.ended"]["facts"]["cause"] == "agent"


def test_a_writer_that_does_not_come_to_an_end_is_503(api, monkeypatch):  # F17
    monkeypatch.setattr(extensions, "BUSY_SECONDS", 0.05)
    with extensions._writer:
        response = send(api, GOOD)
        assert response.status_code == 503
        assert response.headers["Retry-After"]
        assert api.get("/cases").status_code == 200
    assert send(api, GOOD).status_code == 201

"""T11 for the API: every route, asked with every kind of token. A route missing in ROUTES fails.

The world is a chat of Sales: Bob's group. Charlie is of Support and sees his groups only.
"""

from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app import transaction
from app.clock import now
from app.domain import cases, macros, tokens
from app.domain.rules import book, definitions
from app.extensions import db
from app.models import Agent, ApiToken, Event, Group
from tests import world
from tests.api.conftest import Program


@dataclass(frozen=True)
class Route:
    """How a route is called, what Bob gets, what Charlie gets, and what admins get if not the same."""

    method: str
    path: str
    inside: int
    outside: int
    json: dict | None = None
    admin: int | None = None


RULE = {
    "type": "new_case",
    "name": "Rule",
    "actions": [{"action": "set_priority", "value": "high"}],
}

MACRO = {"name": "Macro", "text": "hello", "shared": True}

ROUTES = {
    "list_cases": Route("GET", "/cases", 200, 200),
    "open_case": Route("POST", "/cases", 201, 201, {"text": "hello", "contact": "Yuki"}),
    "show_case": Route("GET", "/cases/1", 200, 404),
    "list_messages": Route("GET", "/cases/1/messages", 200, 404),
    "reply": Route("POST", "/cases/1/messages", 201, 404, {"text": "hello"}),
    "end_chat": Route("POST", "/cases/1/ending", 200, 404, {"status": "closed"}),
    "select_chat": Route("POST", "/cases/1/selection", 200, 404),
    "list_events": Route("GET", "/cases/1/events", 200, 404),
    "explain_rules": Route("GET", "/cases/1/rules", 200, 404),
    "list_rules": Route("GET", "/rules", 403, 403, admin=200),
    "add_rule": Route("POST", "/rules", 403, 403, RULE, admin=201),
    "list_words": Route("GET", "/rules/vocabulary", 403, 403, admin=200),
    "show_rule": Route("GET", "/rules/1", 403, 403, admin=200),
    "change_rule": Route("PUT", "/rules/1", 403, 403, RULE, admin=200),
    "delete_rule": Route("DELETE", "/rules/1", 403, 403, admin=204),
    "list_macros": Route("GET", "/macros", 200, 200),
    "add_macro": Route("POST", "/macros", 201, 201, MACRO | {"shared": False}),
    "show_macro": Route("GET", "/macros/1", 200, 200),
    "change_macro": Route("PUT", "/macros/1", 403, 403, MACRO, admin=200),
    "delete_macro": Route("DELETE", "/macros/1", 403, 403, admin=204),
    "use_macro": Route("POST", "/cases/1/macros", 200, 404, {"macro": 1}),
    "show_health": Route("GET", "/channels/1/health", 403, 403, admin=200),
}
PUBLIC = {"description"}
# Bytes, not JSON: test_api_attachments.py, and the access matrix with the pages' routes.
ELSEWHERE = {"attachment"}
each_route = pytest.mark.parametrize("name", ROUTES)


@pytest.fixture(autouse=True)
def chat(app: Flask, bob, charlie, alice):
    """Case 1, of Sales."""
    with app.app_context():
        sales = db.session.scalars(select(Group).where(Group.name == "Sales")).one()
        case = world.chat_of(world.connected(group=sales), "secret")
        assert case.number == 1
        with transaction.writing():
            assert book.add(definitions.read(RULE), by=None).id == 1
            assert macros.add(macros.read(MACRO, by=alice), by=alice).id == 1
        yield case
        transaction.release()


def ask(caller: Program, name: str):
    route = ROUTES[name]
    return caller.call(route.method, route.path, json=route.json)


def newest_event() -> int:
    db.session.rollback()
    return db.session.scalars(select(Event.id).order_by(Event.id.desc()).limit(1)).one()


def test_every_route_stands_in_the_table(app: Flask):
    found = {rule.endpoint for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")}
    assert found == {f"api.{name}" for name in ROUTES.keys() | PUBLIC | ELSEWHERE}


@each_route
def test_without_a_token_nobody_is_let_in(client: FlaskClient, name):
    before = newest_event()
    assert ask(Program(client), name).status_code == 401
    assert newest_event() == before


@each_route
@pytest.mark.parametrize("token", ["wrong", "mado_" + "x" * 43, "null", "0", "%20"])
def test_with_a_wrong_token_nobody_is_let_in(client: FlaskClient, name, token):
    before = newest_event()
    assert ask(Program(client, token), name).status_code == 401
    assert newest_event() == before


@each_route
def test_with_an_expired_token_nobody_is_let_in(program, alice, name):
    caller = program(alice)
    with transaction.writing():
        db.session.scalars(select(ApiToken)).one().expires_at = now()
    assert ask(caller, name).status_code == 401


@each_route
def test_with_the_token_of_a_deactivated_agent_nobody_is_let_in(program, alice, name):
    caller = program(alice)
    with transaction.writing():
        db.session.get_one(Agent, alice.id).is_active = False
    assert ask(caller, name).status_code == 401


@each_route
def test_with_a_deleted_token_nobody_is_let_in(program, alice, name):
    caller = program(alice)
    with transaction.writing():
        db.session.delete(db.session.scalars(select(ApiToken)).one())
    assert ask(caller, name).status_code == 401


@each_route
def test_an_agent_of_another_group_is_told_of_nothing(program, charlie, name):
    response = ask(program(charlie), name)
    assert response.status_code == ROUTES[name].outside
    assert "secret" not in response.text


@each_route
def test_an_agent_of_the_group_is_let_in(program, bob, name):
    assert ask(program(bob), name).status_code == ROUTES[name].inside


@each_route
def test_an_admin_is_let_in(program, alice, name):
    route = ROUTES[name]
    assert ask(program(alice), name).status_code == (route.admin or route.inside)


@each_route
def test_who_may_only_look_reads_and_is_told_that_they_change_nothing(program, dora, name):  # H1
    route, caller = ROUTES[name], program(dora)
    before = newest_event()
    answer = ask(caller, name)
    is_reading = route.method == "GET"
    assert answer.status_code == (route.inside if is_reading else 403)
    assert is_reading or answer.json["detail"]
    assert newest_event() == before


@each_route
def test_who_sees_only_what_is_theirs_is_told_of_nothing_else(program, erin, name):  # H1
    answer = ask(program(erin), name)
    assert answer.status_code == ROUTES[name].outside
    assert "secret" not in answer.text


@each_route
def test_who_sees_only_what_is_theirs_works_on_what_is_assigned(program, chat, erin, name):  # H1
    with transaction.writing():
        cases.assign(chat, db.session.get_one(Agent, erin.id), by=None)
    assert ask(program(erin), name).status_code == ROUTES[name].inside


def test_whoever_leaves_the_group_is_told_of_nothing_any_more(program, bob):
    caller = program(bob)
    assert caller.get("/cases/1").status_code == 200
    with transaction.writing():
        db.session.get_one(Agent, bob.id).groups = []
    assert caller.get("/cases/1").status_code == 404


def test_a_token_is_no_session(client: FlaskClient, token_of, alice):
    headers = {"Authorization": f"Bearer {token_of(alice)}"}
    assert client.get("/cases", headers=headers).status_code == 303
    assert tokens.API_PREFIX in headers["Authorization"]

"""Forms with what no keyboard types: an answer below 500 on both engines, and nothing half done (F23)."""

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models import Case
from tests.web import desk
from tests.web.desk import act
from tests.world import ToyAdapter, count, play

HOSTILE = ("a\0b", "\u202e\ufffd\U0010ffff", "\r\n\r\n", "x" * 120_000, "'; DROP TABLE cases; --")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def at_desk(app, client, sign_in, alice):
    play(ToyAdapter())
    return sign_in(client, alice)


@pytest.mark.parametrize("value", HOSTILE, ids=["nul", "odd", "lines", "long", "sql"])
def test_no_form_breaks_by_a_value(app, at_desk, value):
    number = desk.chat_in(app)
    forms = {
        "/cases/new": ("subject", "contact", "text"),
        f"/cases/{number}": ("subject", "status", "assignee_id", "group_id"),
        f"/cases/{number}/messages": ("text", "key", "mode", "step"),
        f"/cases/{number}/draft": ("text", "mode", "step"),
        f"/cases/{number}/macros": ("text", "macro_id", "step"),
        f"/cases/{number}/reading": ("message_id",),
        f"/chats/{number}/handover": ("agent_id",),
        f"/chats/{number}/ending": ("status", "last_seen"),
        "/settings/groups/new": ("name", "member_ids"),
        "/settings/agents/new": ("name", "email", "role", "access", "group_ids"),
        "/settings/general": ("minutes", "put_back"),
        "/settings/new-chats": ("given_out", "minutes", "at_once"),
        "/account/name": ("name",),
        "/sign-in": ("email", "password", "next"),
    }
    good = {"subject": "A", "contact": "B", "text": "C", "name": "D", "email": "d@example.com"}
    good |= {"role": "agent", "access": "all", "status": "open", "password": "x", "mode": "reply"}
    answers = {}
    for path, fields in forms.items():
        for field in fields:
            sent = {name: good[name] for name in fields if name in good} | {field: value}
            answers[path, field] = act(at_desk, path, **sent).status_code
    assert {place: status for place, status in answers.items() if status >= 500} == {}
    with app.app_context():
        assert db.session.scalar(select(Case.id).where(Case.id == number)) == number


def test_a_value_that_the_database_cannot_hold_changes_nothing(app, at_desk):
    answer = act(at_desk, "/cases/new", subject="A", contact="B", text="nul\0in it")
    with app.app_context():
        kept = count(Case)
    assert (answer.status_code, kept) in ((303, 1), (400, 0))

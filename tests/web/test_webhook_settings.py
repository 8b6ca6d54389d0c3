"""Webhook calls as admins see them: the secret once, what came of each call, and another try."""

import re

import pytest

from app import transaction
from app.blueprints import webhook_settings as pages
from app.clock import now
from app.domain import webhook_calls
from app.extensions import db
from app.models import WebhookCall
from tests.web.desk import counted
from tests.world import ToyAdapter, chat_of, connected, play


@pytest.fixture
def admin(client, alice, sign_in):
    """Alice's browser."""
    return sign_in(client, alice)


def a_call(app, **fields: object) -> int:
    with app.app_context():
        play(ToyAdapter())
        case = chat_of(connected("toy"))
        with transaction.writing():
            call = webhook_calls.queue(case, "https://hooks.example.com/mado", rule_id=None)
            for name, value in fields.items():
                setattr(call, name, value)
            return call.id


def test_secret_is_shown_once_when_it_is_made(app, admin):  # T26
    assert "There is none yet." in admin.get("/settings/webhooks").text
    made = admin.post("/settings/webhooks/secret").text
    secret = re.search(r'id="secret" value="([^"]+)"', made)[1]
    with app.app_context(), transaction.writing():
        assert webhook_calls.secret() == secret
    page = admin.get("/settings/webhooks").text
    assert secret not in page
    assert "Make a new secret" in page
    assert secret not in admin.post("/settings/webhooks/secret").text


def test_page_says_what_will_appear(admin):
    assert "No calls yet" in admin.get("/settings/webhooks").text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "On its way."),
        ({"state": "sent", "status": 204}, "Accepted with 204."),
        ({"problem": "It answered 503.", "due_at": now()}, "It answered 503. Next try"),
        ({"state": "failed", "problem": "It answered 404."}, "It answered 404."),
    ],
)
def test_each_call_says_what_came_of_it(app, admin, fields, words):
    a_call(app, **fields)
    page = " ".join(admin.get("/settings/webhooks").text.split())
    assert "https://hooks.example.com/mado" in page
    assert words in page


def test_call_that_was_given_up_is_made_again(app, admin):
    number = a_call(app, state="failed", problem="It answered 404.", due_at=None)
    assert "Call again" in admin.get("/settings/webhooks").text
    assert admin.post(f"/settings/webhooks/{number}/retry").status_code == 303
    with app.app_context():
        call = db.session.get_one(WebhookCall, number)
        assert (call.state, call.due_at is not None) == ("queued", True)


def test_call_on_its_way_is_not_made_twice(app, admin):
    number = a_call(app)
    answer = admin.post(f"/settings/webhooks/{number}/retry", follow_redirects=True)
    assert "Only a call that was given up can be made again." in answer.text


def test_older_calls_are_on_further_pages_and_cost_no_more_queries(app, admin, monkeypatch):  # U15
    monkeypatch.setattr(pages, "PAGE", 2)
    a_call(app)
    with counted(app) as few:
        admin.get("/settings/webhooks")
    numbers = [a_call(app, url=f"https://hooks.example.com/{number}") for number in range(2)]
    with counted(app) as many:
        first = admin.get("/settings/webhooks").text
    assert len(many) == len(few)
    assert "hooks.example.com/mado" not in first
    assert f"/settings/webhooks?before={numbers[0]}" in first
    second = admin.get(f"/settings/webhooks?before={numbers[0]}").text
    assert "hooks.example.com/mado" in second

"""Plain webhook calls go past Flask's dispatching, and nobody outside can tell."""

import pytest

from app.channels import registry
from app.extensions import db
from app.models import Channel, Message
from tests.channels.line_posts import batch, connected_line, post, text_event
from tests.world import count

# Our own page's origin: allowed, but nothing that a provider says, so the call goes the long way.
LONG = {"Origin": "http://localhost"}


@pytest.fixture
def line(app) -> Channel:
    with app.app_context():
        return connected_line()


@pytest.fixture
def dispatched(app, monkeypatch) -> list[str]:
    """Paths of the requests that went Flask's own way."""
    seen: list[str] = []
    dispatch = app.full_dispatch_request

    def noted():
        from flask import request

        seen.append(request.path)
        return dispatch()

    monkeypatch.setattr(app, "full_dispatch_request", noted)
    return seen


def taken_connections(app) -> int:
    with app.app_context():
        return db.engine.pool.checkedout()


def told(answer) -> tuple:
    own = ("Content-Length", "X-Request-ID")
    headers = {name: value for name, value in answer.headers if name not in own}
    return answer.status_code, headers, answer.json


def test_plain_call_is_stored_without_being_dispatched(app, client, line, dispatched):
    answer = post(client, batch(text_event()))

    assert answer.status_code == 200
    assert dispatched == []
    with app.app_context():
        assert count(Message) == 1


CALLS = {
    "events": batch(),
    "no webhook": b"{",
    "too large": b"x" * 1_000_001,
}


@pytest.mark.parametrize("name", CALLS)
def test_both_ways_answer_alike(client, line, dispatched, name):
    short, long = post(client, CALLS[name]), post(client, CALLS[name], **LONG)

    assert told(short) == told(long)
    assert len(dispatched) == 1


def test_unknown_key_is_answered_alike_on_both_ways(client):
    assert told(post(client, batch(), key="none")) == told(
        post(client, batch(), key="none", **LONG)
    )


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}],
    ids=["origin", "fetch metadata"],
)
def test_call_that_another_sites_page_made_is_refused(app, client, line, headers):  # T14
    assert post(client, batch(text_event()), **headers).status_code == 403
    with app.app_context():
        assert count(Message) == 0


def test_call_for_another_host_is_refused(client, line):  # T31
    assert post(client, batch(), Host="evil.example").status_code == 400


@pytest.mark.parametrize(
    "path", ["/line/webhook/", "/line/webhook/a/b", "/toy/webhook/a", "/line/webhooks/a"]
)
def test_other_addresses_are_none_of_its_business(client, dispatched, path):
    assert client.post(path).status_code in (403, 404)
    assert dispatched == [path]


def test_unforeseen_failure_is_a_500_and_gives_the_database_back(app, client, line, monkeypatch):
    def fail(_key, _call):
        db.session.connection()
        raise ZeroDivisionError

    monkeypatch.setattr(registry.kind("line"), "webhook", fail)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)

    taken = taken_connections(app)

    answer = post(client, batch())

    assert answer.status_code == 500
    assert answer.content_type == "text/plain; charset=utf-8"
    assert taken_connections(app) == taken

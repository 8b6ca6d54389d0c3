"""The number of a request: in its answer, in the log, and on an error's page."""

import json
import logging
import re

import pytest

from app import create_app, logs, schema, transaction
from app.domain import invitations
from app.extensions import db
from app.models import Agent
from tests.channels.line_posts import KEY, batch, connected_line, post, text_event
from tests.conftest import config_for

NUMBER = re.compile(r"[0-9a-f]{16}")
EVERYWHERE = ["/sign-in", "/nothing/here", "/static/css/main.css", "/healthz", "/api/v1/nothing"]


class Kept(logging.Handler):
    """What a log in JSON would hold."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logs.Json())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    @property
    def answers(self) -> list[dict]:
        return [told for line in self.lines if "status" in (told := json.loads(line))]


@pytest.fixture
def kept():
    """Everything that is logged, down to DEBUG, whatever was set up before in this process."""
    handler = Kept()
    logging.root.addHandler(handler)
    loggers = [logging.root, *map(logging.getLogger, (*logs.OURS, logs.REQUESTS))]
    levels = [one.level for one in loggers]
    [one.setLevel(logging.DEBUG) for one in loggers]
    yield handler
    logging.root.removeHandler(handler)
    [one.setLevel(level) for one, level in zip(loggers, levels, strict=True)]


@pytest.fixture
def broken(app, monkeypatch):
    def fail(*_args, **_kwargs):
        raise RuntimeError("broken on purpose")

    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    monkeypatch.setitem(app.view_functions, "auth.sign_in", fail)
    monkeypatch.setitem(app.view_functions, "auth.invitation", fail)


@pytest.mark.parametrize("path", EVERYWHERE)
def test_every_answer_carries_its_number(client, path):
    numbers = {client.get(path).headers["X-Request-ID"] for _ in range(2)}
    assert len(numbers) == 2 and all(NUMBER.fullmatch(one) for one in numbers)


def test_a_webhook_call_has_one_too(app, client):
    with app.app_context():
        connected_line()
    assert NUMBER.fullmatch(post(client, batch(text_event())).headers["X-Request-ID"])


def test_a_strangers_number_is_ignored(client):  # T20
    answer = client.get("/sign-in", headers={"X-Request-ID": "chosen-by-a-stranger"})
    assert NUMBER.fullmatch(answer.headers["X-Request-ID"])


def test_a_proxys_number_is_answered(tmp_path):  # T20
    url = f"sqlite:///{tmp_path / 'mado.sqlite3'}"
    app = create_app(config_for(url, tmp_path, trusted_proxies=1))
    schema.bring_up_to_date(app)
    answer = app.test_client().get("/sign-in", headers={"X-Request-ID": "from-the-proxy-1"})
    assert answer.headers["X-Request-ID"] == "from-the-proxy-1"
    with app.app_context():
        db.engine.dispose()


def test_the_page_of_an_error_says_the_number_that_the_log_has(client, broken, kept):
    answer = client.get("/sign-in")
    number = answer.headers["X-Request-ID"]
    assert answer.status_code == 500 and number in answer.text
    told = [json.loads(line) for line in kept.lines if "broken on purpose" in line]
    assert [one["request_id"] for one in told] == [number]


def test_a_fragments_error_says_it_too(client, broken):
    answer = client.get("/sign-in", headers={"HX-Request": "true"})
    assert answer.headers["X-Request-ID"] in answer.text


def test_what_is_merely_not_there_shows_no_number(client):  # T11
    answer = client.get("/nothing/here")
    assert answer.headers["X-Request-ID"] not in answer.text


def test_every_request_is_a_line_with_who_asked_and_what_came(client, alice, sign_in, kept):
    sign_in(client, alice)
    kept.lines.clear()
    answer = client.get("/cases?q=parcel")
    [line] = kept.answers
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert (line["logger"], line["message"]) == ("mado.requests", "answered")
    assert (line["method"], line["path"], line["status"]) == ("GET", "/cases", 200)
    assert line["agent_id"] == alice.id and line["milliseconds"] > 0


def test_a_program_is_told_by_its_agent(app, client, alice, kept):
    from app.domain import tokens

    with app.app_context(), transaction.writing():
        token = tokens.create(db.session.get_one(Agent, alice.id))
    client.get("/api/v1/cases", headers={"Authorization": f"Bearer {token}"})
    assert [line["agent_id"] for line in kept.answers] == [alice.id]
    assert token not in "".join(kept.lines)


def test_load_balancers_fill_no_log(client, kept):
    client.get("/healthz"), client.get("/readyz")
    assert kept.answers == []


def test_no_line_holds_a_key_a_token_or_a_query(app, client, alice, broken, kept):  # T26, T37
    with app.app_context():
        connected_line()
        with transaction.writing():
            token = invitations.create(db.session.get_one(Agent, alice.id), by=None)
    post(client, batch(text_event("words of a customer")))
    post(client, b"{", x_line_signature="forged-signature")
    client.get(f"/line/webhook/{KEY}")
    client.get(f"/invitation/{token}"), client.get(f"/invitations/{token}")
    client.get(f"/nothing/{token}?secret=query-canary")
    text = "\n".join(kept.lines)
    assert len(kept.answers) == 6
    assert "broken on purpose" in text
    for canary in (KEY, token, "words of a customer", "query-canary", "forged-signature"):
        assert canary not in text


def test_a_request_without_a_route_is_told_as_it_was_asked_for(client, kept):
    client.get("/wp-login.php")
    assert [(line["path"], line["status"]) for line in kept.answers] == [("/wp-login.php", 404)]


def test_what_a_request_logged_does_not_leak_into_the_next(client):
    client.get("/sign-in")
    assert logs.current.get() is None

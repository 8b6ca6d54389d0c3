"""What LINE is told of agents: typing (L10) and reading (S9), in the background and only when asked to."""

import logging
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app import signals, transaction
from app.channels.line import signals as line_signals
from app.domain import chats
from app.extensions import db
from app.models import Agent, Case, Conversation
from tests.channels import line_posts, line_setting
from tests.channels.line_setting import Line, call, connected, edit, key_of

admin = line_setting.admin
line = line_setting.line

SOMCHAI = "U" + "a" * 32
ON = {"show_typing": "1", "mark_as_read": "1"}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    signals.forget_typing()


@pytest.fixture
def shop(admin: FlaskClient, line: Line) -> str:
    """A channel that shows typing and marks as read."""
    form = connected(admin)
    edit(admin, form, **ON)
    return form


@pytest.fixture
def told(line: Line) -> Any:
    """What LINE was told, oldest first: the call's name and its body."""
    names = ("loading", "mark_as_read")
    return lambda: [(one.name, one.request) for one in line.world.calls.entries() if one.name in names]


def writes(client: FlaskClient, shop: str, text: str = "hello", **source: str) -> int:
    """A customer writes; the number of the newest case."""
    event = line_posts.text_event(text)
    event["message"]["markAsReadToken"] = f"read-{text}"
    event["source"] = source or event["source"]
    assert call(client, key_of(client.get(shop).text), line_posts.batch(event)) == 200
    with client.application.app_context():
        return db.session.scalars(select(Case.id).order_by(Case.id.desc())).first()


def tell(app: Flask) -> None:
    """The background's turn, until it has nothing to do."""
    with app.app_context():
        while signals.send_one():
            pass


# ── Typing ────────────────────────────────────────────────────────────────────────────────


def test_typing_shows_lines_animation(app: Flask, admin: FlaskClient, shop: str, told: Any) -> None:
    """L10: never from the request itself."""
    number = writes(admin, shop)
    assert admin.post(f"/cases/{number}/typing").status_code == 204
    assert told() == []
    tell(app)
    assert told() == [("loading", {"chatId": SOMCHAI, "loadingSeconds": 10})]


def test_typing_is_told_once_in_some_seconds(
    app: Flask, admin: FlaskClient, shop: str, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L10: however many pages and agents there are."""
    number = writes(admin, shop)
    admin.post(f"/cases/{number}/typing")
    admin.post(f"/cases/{number}/typing")
    tell(app)
    admin.post(f"/cases/{number}/typing")
    tell(app)
    assert len(told()) == 1
    monkeypatch.setattr(signals, "TYPING_EVERY_SECONDS", 0.0)
    admin.post(f"/cases/{number}/typing")
    tell(app)
    assert len(told()) == 2


def test_typing_is_not_told_unless_the_channel_wants_it(
    app: Flask, admin: FlaskClient, shop: str, told: Any
) -> None:
    """L10: a setting, off by default."""
    number = writes(admin, shop)
    assert f'data-typing="/cases/{number}/typing"' in admin.get(f"/chats/{number}").text
    edit(admin, shop)
    assert admin.post(f"/cases/{number}/typing").status_code == 204
    tell(app)
    assert told() == []
    assert "data-typing" not in admin.get(f"/chats/{number}").text


def test_typing_is_not_told_in_groups(
    app: Flask, admin: FlaskClient, shop: str, told: Any
) -> None:
    """L10: LINE refuses groups and rooms."""
    number = writes(admin, shop, type="group", groupId="C" + "b" * 32, userId=SOMCHAI)
    assert "data-typing" not in admin.get(f"/chats/{number}").text
    admin.post(f"/cases/{number}/typing")
    tell(app)
    assert told() == []


def test_typing_takes_no_writers_lock(app: Flask, admin: FlaskClient, shop: str) -> None:
    """L10: a keystroke never waits for a webhook that is being stored."""
    number = writes(admin, shop)
    with app.app_context(), transaction.writing():
        db.session.scalar(select(Case.id))
        assert admin.post(f"/cases/{number}/typing").status_code == 204


@pytest.mark.parametrize("what", ["500", "429", "401", "reset", "odd-200-html"])
def test_line_that_does_not_listen_is_a_line_in_the_log(
    app: Flask, admin: FlaskClient, line: Line, shop: str, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """L10"""
    caplog.set_level(logging.INFO, "app.signals")
    number = writes(admin, shop)
    line.spoil("loading", what)
    admin.post(f"/cases/{number}/typing")
    tell(app)
    levels = {record.levelname for record in caplog.records if record.name == "app.signals"}
    assert levels <= {"INFO"}


def test_wish_that_waited_too_long_is_over(
    app: Flask, admin: FlaskClient, shop: str, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = writes(admin, shop)
    admin.post(f"/cases/{number}/typing")
    monkeypatch.setattr(signals, "TYPING_LASTS_SECONDS", 0.0)
    tell(app)
    assert told() == []


# ── Reading ───────────────────────────────────────────────────────────────────────────────


def test_read_mark_is_told_once_for_the_newest_message(
    app: Flask, admin: FlaskClient, shop: str, told: Any
) -> None:
    """S9"""
    writes(admin, shop, "first")
    number = writes(admin, shop, "second")
    admin.post(f"/chats/{number}/selection")
    admin.post(f"/cases/{number}/reading", data={"message_id": "2"})
    assert told() == []
    tell(app)
    assert told() == [("mark_as_read", {"markAsReadToken": "read-second"})]


def test_only_what_was_shown_is_marked(
    app: Flask, admin: FlaskClient, shop: str, told: Any
) -> None:
    """S9"""
    number = writes(admin, shop, "first")
    writes(admin, shop, "second")
    admin.post(f"/cases/{number}/reading", data={"message_id": "1"})
    tell(app)
    assert told() == [("mark_as_read", {"markAsReadToken": "read-first"})]


def test_opening_tells_nothing_unless_the_channel_wants_it(
    app: Flask, admin: FlaskClient, line: Line, told: Any
) -> None:
    """S9: off by default."""
    number = writes(admin, connected(admin))
    admin.post(f"/chats/{number}/selection")
    admin.post(f"/cases/{number}/reading", data={"message_id": "1"})
    tell(app)
    assert told() == []


def test_opening_by_get_tells_nothing(
    app: Flask, admin: FlaskClient, shop: str, told: Any
) -> None:
    """S9: a prefetch or a live refresh reads nothing."""
    number = writes(admin, shop)
    assert admin.get(f"/chats/{number}").status_code == 200
    tell(app)
    assert told() == []


@pytest.mark.parametrize("what", ["429", "500", "reset"])
def test_mark_that_could_not_be_set_is_set_later(
    app: Flask, admin: FlaskClient, line: Line, shop: str, told: Any, what: str
) -> None:
    """S9"""
    number = writes(admin, shop)
    line.spoil("mark_as_read", what)
    admin.post(f"/chats/{number}/selection")
    tell(app)
    with app.app_context(), transaction.writing():
        conversation = db.session.scalars(select(Conversation)).one()
        assert conversation.read_due_at is not None
        conversation.read_due_at -= signals.LEASE * 2
    tell(app)
    assert [name for name, _ in told()] == ["mark_as_read", "mark_as_read"]
    with app.app_context():
        assert db.session.scalars(select(Conversation.read_due_at)).one() is None


def test_mark_that_line_refuses_is_given_up(
    app: Flask, admin: FlaskClient, line: Line, shop: str, told: Any
) -> None:
    """S9: the token of this test is unknown to LINE, which is a 400."""
    number = writes(admin, shop)
    admin.post(f"/chats/{number}/selection")
    tell(app)
    assert len(told()) == 1
    with app.app_context():
        assert db.session.scalars(select(Conversation.read_due_at)).one() is None


def test_mark_that_came_meanwhile_stays_due(
    app: Flask, admin: FlaskClient, alice: Agent, shop: str, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S9: one worker is slow, and another message is read."""
    number = writes(admin, shop, "first")
    admin.post(f"/chats/{number}/selection")
    real = line_signals.mark_read

    def slow(channel: Any, token: str) -> None:
        monkeypatch.setattr(line_signals, "mark_read", real)
        with app.app_context():
            writes_again = line_posts.text_event("second")
            writes_again["message"]["markAsReadToken"] = "read-second"
            call(app.test_client(), key, line_posts.batch(writes_again))
            with transaction.writing():
                case = db.session.get_one(Case, number)
                chats.select_message(case, by=db.session.get_one(Agent, alice.id))
        real(channel, token)

    key = key_of(admin.get(shop).text)
    monkeypatch.setattr(line_signals, "mark_read", slow)
    tell(app)
    assert [body["markAsReadToken"] for _, body in told()] == ["read-first", "read-second"]


# ── The add-friend link ───────────────────────────────────────────────────────────────────


def test_composer_offers_the_add_friend_link_where_there_is_one(
    admin: FlaskClient, shop: str
) -> None:
    """S35"""
    number = writes(admin, shop)
    assert "data-insert" not in admin.get(f"/chats/{number}").text
    edit(admin, shop, friend_link="https://lin.ee/abc")
    page = admin.get(f"/chats/{number}").text
    assert 'data-insert="https://lin.ee/abc"' in page
    assert "Insert add-friend link" in page

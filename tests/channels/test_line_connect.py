"""Connecting: what LINE is asked, what its answers mean, and what survives them (S4)."""

import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app import pictures, transaction
from app.channels.line import client as sdk
from app.channels.line import setup
from app.extensions import db, is_writing
from app.models import Channel, Message
from tests.channels import line_posts, line_setting
from tests.channels.line_setting import (
    ACCOUNT,
    SECRET,
    TOKEN,
    Line,
    begin,
    call,
    channel_of,
    connect,
    connected,
    credentials_of,
    error_at,
    key_of,
    value_of,
    webhook_url,
)

admin = line_setting.admin
line = line_setting.line


def test_connect_checks_token_and_secret_and_shows_whose_they_are(
    app: Flask, admin: FlaskClient, line: Line
) -> None:
    """S4"""
    form = begin(admin)
    url = webhook_url(admin.get(form).text)
    answer = connect(admin, form, inactivity_minutes="7", reactivates_closed="1")
    assert (answer.status_code, line.calls()) == (303, ["info", "verify", "token"])
    page = admin.get(answer.location).text
    assert f"LINE calls this account {ACCOUNT}" in page
    assert webhook_url(page) == url
    channel = channel_of(app, form)
    assert (channel.state, channel.name, channel.display_name) == ("connected", "Shop", ACCOUNT)
    assert (channel.inactivity_minutes, channel.reactivates_closed) == (7, True)
    assert channel.external_id == line.account.user_id
    assert credentials_of(app, form) == setup.Credentials(TOKEN, SECRET, "1650000042")


def test_picture_of_the_account_is_served_by_us(admin: FlaskClient, line: Line) -> None:
    """S4, T33: no page names another host."""
    form = connected(admin)
    address = f"/settings/channels/{form.rsplit('/', 1)[1]}/picture"
    assert f'<img src="{address}"' in admin.get(form).text
    picture = admin.get(address)
    assert (picture.status_code, picture.mimetype) == (200, pictures.MEDIA_TYPE)


def test_name_left_empty_becomes_lines_name(app: Flask, admin: FlaskClient, line: Line) -> None:
    assert channel_of(app, connected(admin, name=" ")).name == ACCOUNT


def test_connected_channel_takes_messages(app: Flask, admin: FlaskClient, line: Line) -> None:
    key = key_of(admin.get(connected(admin)).text)
    assert call(admin, key, line_posts.batch(line_posts.text_event("สวัสดี"))) == 200
    with app.app_context():
        assert db.session.scalars(select(Message.text)).all() == ["สวัสดี"]


def test_next_channel_begins_with_a_draft_of_its_own(admin: FlaskClient, line: Line) -> None:
    """S1: any number of channels."""
    first = connected(admin)
    second = begin(admin)
    assert first != second
    assert webhook_url(admin.get(first).text) != webhook_url(admin.get(second).text)


def test_same_account_twice_is_pointed_out(admin: FlaskClient, line: Line) -> None:
    connected(admin, name="First")
    page = admin.get(connected(admin, name="Second")).text
    assert "First is the same LINE account" in page


def test_wrong_token_keeps_the_draft_and_says_where_to_issue_one(
    app: Flask, admin: FlaskClient, line: Line
) -> None:
    """S4"""
    form = begin(admin)
    answer = connect(admin, form, token="CANARY-wrong-token", name="Typed", inactivity_minutes="9")
    assert answer.status_code == 422
    assert "LINE refused the token" in error_at(answer.text, "token")
    assert "Messaging API" in error_at(answer.text, "token")
    assert (value_of(answer.text, "name"), value_of(answer.text, "inactivity_minutes")) == (
        "Typed",
        "9",
    )
    assert "CANARY" not in answer.text
    assert "••••oken" in answer.text
    channel = channel_of(app, form)
    assert (channel.state, channel.name) == ("draft", "Typed")
    assert credentials_of(app, form) == setup.Credentials("CANARY-wrong-token", SECRET)


def test_wrong_secret_keeps_the_draft_and_says_where_it_stands(
    app: Flask, admin: FlaskClient, line: Line
) -> None:
    """S4"""
    form = begin(admin)
    answer = connect(admin, form, secret="CANARY-wrong-secret")
    assert answer.status_code == 422
    assert "Basic settings" in error_at(answer.text, "secret")
    assert error_at(answer.text, "token") == ""
    assert channel_of(app, form).state == "draft"
    assert connect(admin, form, token="", name="").status_code == 303


@pytest.mark.parametrize("name", ["info", "verify", "token"])
@pytest.mark.parametrize("what", ["500", "500-html", "503", "429", "reset", "half-200"])
def test_draft_survives_a_line_that_fails(
    app: Flask, admin: FlaskClient, line: Line, name: str, what: str
) -> None:
    """S4: it says so, and the next try needs nothing typed again."""
    form = begin(admin)
    line.spoil(name, what)
    answer = connect(admin, form, name="Typed")
    assert answer.status_code == 503
    assert "nothing could be checked" in answer.text
    assert value_of(answer.text, "name") == "Typed"
    assert (channel_of(app, form).state, credentials_of(app, form).token) == ("draft", TOKEN)
    assert connect(admin, form, token="", secret="", name="Typed").status_code == 303


@pytest.mark.parametrize(("name", "what"), [("info", "odd-200"), ("verify", "odd-200"), ("verify", "odd-200-html")])  # fmt: skip
def test_draft_survives_an_answer_nobody_can_read(
    app: Flask, admin: FlaskClient, line: Line, name: str, what: str
) -> None:
    form = begin(admin)
    line.spoil(name, what)
    answer = connect(admin, form)
    assert answer.status_code == 503
    assert "Mado can&#39;t read" in answer.text
    assert channel_of(app, form).state == "draft"


def test_draft_survives_a_line_that_does_not_answer(
    app: Flask, admin: FlaskClient, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = begin(admin)
    monkeypatch.setattr(sdk, "TIMEOUT", (1.0, 0.2))
    line.spoil("info", "timeout-before")
    answer = connect(admin, form)
    assert answer.status_code == 503
    assert "LINE could not be reached" in answer.text
    assert channel_of(app, form).state == "draft"


def test_draft_survives_a_line_that_is_not_there(app: Flask, admin: FlaskClient) -> None:
    """The tests' configuration leads to a closed port."""
    form = begin(admin)
    answer = connect(admin, form)
    assert answer.status_code == 503
    assert "LINE could not be reached" in answer.text
    assert channel_of(app, form).state == "draft"


def test_nothing_is_locked_while_line_is_asked(
    app: Flask, admin: FlaskClient, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DESIGN: slow work stands outside of every transaction."""
    seen: list[object] = []
    real = setup.ask_line

    def write_meanwhile() -> None:
        with app.app_context(), transaction.writing():
            seen.append(db.session.scalar(select(Channel.state)))

    def ask(credentials: setup.Credentials) -> setup.Found:
        seen.append(is_writing.get())
        other = threading.Thread(target=write_meanwhile)
        other.start()
        other.join(5)
        return real(credentials)

    monkeypatch.setattr(setup, "ask_line", ask)
    connected(admin)
    assert seen == [False, "draft"]


def test_connecting_twice_is_one_connection(app: Flask, admin: FlaskClient, line: Line) -> None:
    form = connected(admin)
    assert connect(admin, form, name="Again").location == form
    assert channel_of(app, form).name == "Shop"


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("token", "", "Paste the channel access token"),
        ("secret", "", "Paste the channel secret"),
        ("token", "tökén", "Copy it again"),
        ("token", "x" * 1001, "Copy it again"),
        ("secret", "geheimé", "Copy it again"),
        ("name", "n" * 81, "80 characters"),
        ("inactivity_minutes", "0", "whole number from 1 to 1440"),
        ("inactivity_minutes", "1441", "whole number from 1 to 1440"),
        ("inactivity_minutes", "7.5", "whole number from 1 to 1440"),
        ("inactivity_minutes", "ten", "whole number from 1 to 1440"),
        ("group_id", "999", "This group is gone"),
        ("group_id", "x'--", "This group is gone"),
    ],
)
def test_bad_field_is_refused_with_what_to_do(
    app: Flask, admin: FlaskClient, line: Line, field: str, typed: str, words: str
) -> None:
    form = begin(admin)
    answer = connect(admin, form, **{field: typed})
    assert answer.status_code == 422
    assert words in error_at(answer.text, field)
    assert line.calls() == []
    assert channel_of(app, form).state == "draft"


def test_form_takes_only_its_own_fields(app: Flask, admin: FlaskClient, line: Line) -> None:
    """T12"""
    form = begin(admin)
    before = channel_of(app, form)
    admin.post(form, data={"state": "connected", "key": "k", "external_id": "U1", "kind": "x", "id": "9"})  # fmt: skip
    after = channel_of(app, form)
    assert (after.state, after.key, after.external_id, after.kind) == (
        "draft",
        before.key,
        None,
        "line",
    )

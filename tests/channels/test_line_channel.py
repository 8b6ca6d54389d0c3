"""A connected LINE channel: editing, health, deleting, who may, and its secrets (S1, S5 to S7, T26)."""

import logging
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app import transaction
from app.channels.line import client as sdk
from app.channels.line import pages, setup, webhook
from app.clock import now
from app.domain import access, agents, cases, chats
from app.domain.agents import Refused
from app.extensions import db
from app.models import Agent, Case, Channel, Delivery, Event, Message, Receipt
from tests.channels import line_posts, line_setting
from tests.channels.line_setting import (
    FORM,
    SECRET,
    TOKEN,
    Line,
    begin,
    call,
    channel_of,
    connect,
    connected,
    credentials_of,
    edit,
    error_at,
    key_of,
    value_of,
)

admin = line_setting.admin
line = line_setting.line
shop = line_setting.shop


# ── A connected channel ───────────────────────────────────────────────────────────────────


def test_edit_without_secrets_asks_line_nothing(
    app: Flask, admin: FlaskClient, line: Line, shop: str
) -> None:
    """S7: an empty field leaves a secret as it is."""
    asked = len(line.calls())
    with app.app_context(), transaction.writing():
        group_id = agents.create_group("Sales").id
    answer = edit(admin, shop, name="Store", group_id=str(group_id), inactivity_minutes="30")
    assert answer.status_code == 303
    channel = channel_of(app, shop)
    assert (channel.name, channel.group_id, channel.inactivity_minutes) == ("Store", group_id, 30)
    assert credentials_of(app, shop) == setup.Credentials(TOKEN, SECRET, "1650000042")
    assert len(line.calls()) == asked


def test_secrets_are_shown_as_their_last_four_characters(admin: FlaskClient, shop: str) -> None:
    """S4"""
    page = admin.get(shop).text
    assert ("••••TOK4" in page, "••••SEC4" in page) == (True, True)
    assert (value_of(page, "token"), value_of(page, "secret")) == ("", "")


def test_channel_needs_a_name(app: Flask, admin: FlaskClient, shop: str) -> None:
    answer = edit(admin, shop, name=" ")
    assert (answer.status_code, error_at(answer.text, "name")) == (422, "Type a name.")
    assert channel_of(app, shop).name == "Shop"


def test_new_secret_is_checked_and_takes_effect_at_once(
    app: Flask, admin: FlaskClient, line: Line, shop: str
) -> None:
    """S7"""
    key = key_of(admin.get(shop).text)
    line.account.channel_secret = "a-fresh-secret-of-LINE"
    assert edit(admin, shop, secret="a-fresh-secret-of-LINE").status_code == 303
    assert credentials_of(app, shop).secret == "a-fresh-secret-of-LINE"
    assert call(admin, key, line_posts.batch(), secret="a-fresh-secret-of-LINE") == 200


def test_new_token_replaces_the_old_one_everywhere(
    app: Flask, admin: FlaskClient, line: Line, shop: str
) -> None:
    line.account.access_token = "a-fresh-token-of-LINE"
    with app.app_context(), transaction.writing():
        db.session.get_one(Channel, channel_of(app, shop).id).problem = "LINE refused the token."
    assert "LINE refused the token." in admin.get("/settings/channels").text
    assert edit(admin, shop, token="a-fresh-token-of-LINE").status_code == 303
    assert credentials_of(app, shop).token == "a-fresh-token-of-LINE"
    assert channel_of(app, shop).problem is None
    assert (line.url, TOKEN) not in sdk._clients


@pytest.mark.parametrize(("field", "words"), [("token", "LINE refused the token"), ("secret", "Basic settings")])  # fmt: skip
def test_wrong_new_credential_leaves_the_working_one(
    app: Flask, admin: FlaskClient, shop: str, field: str, words: str
) -> None:
    answer = edit(admin, shop, **{field: "CANARY-wrong", "name": "Typed"})
    assert answer.status_code == 422
    assert words in error_at(answer.text, field)
    assert value_of(answer.text, "name") == "Typed"
    assert "CANARY" not in answer.text
    assert credentials_of(app, shop) == setup.Credentials(TOKEN, SECRET, "1650000042")
    assert channel_of(app, shop).name == "Shop"


def test_token_of_another_account_is_refused(
    app: Flask, admin: FlaskClient, line: Line, shop: str
) -> None:
    """Its customers have other ids: their messages would not find their cases."""
    line.account.access_token, line.account.user_id = "token-of-another", "U" + "f" * 32
    answer = edit(admin, shop, token="token-of-another")
    assert answer.status_code == 422
    assert "another LINE account" in error_at(answer.text, "token")
    assert credentials_of(app, shop).token == TOKEN


def test_change_while_line_is_down_changes_nothing(
    app: Flask, admin: FlaskClient, line: Line, shop: str
) -> None:
    line.spoil("info", "500")
    answer = edit(admin, shop, token="a-fresh-token-of-LINE", name="Typed")
    assert (answer.status_code, value_of(answer.text, "name")) == (503, "Typed")
    assert (channel_of(app, shop).name, credentials_of(app, shop).token) == ("Shop", TOKEN)


def test_wrong_signatures_warn_until_the_secret_is_replaced(
    app: Flask, admin: FlaskClient, line: Line, shop: str
) -> None:
    """S5"""
    key = key_of(admin.get(shop).text)
    assert call(admin, key, line_posts.batch(), secret="wrong") == 401
    with app.app_context(), transaction.writing():
        webhook.flush_counters()
    assert "Is the channel secret right?" in admin.get("/settings/channels").text
    assert "Is the secret right?" in admin.get(shop).text
    call(admin, key, line_posts.batch(), secret="wrong")
    line.account.channel_secret = "a-fresh-secret-of-LINE"
    edit(admin, shop, secret="a-fresh-secret-of-LINE")
    with app.app_context(), transaction.writing():
        webhook.flush_counters()
    assert "secret right?" not in admin.get("/settings/channels").text
    assert "secret right?" not in admin.get(shop).text


def test_wrong_signatures_warn_no_more_after_a_right_one(
    app: Flask, admin: FlaskClient, shop: str
) -> None:
    """S5"""
    key = key_of(admin.get(shop).text)
    call(admin, key, line_posts.batch(), secret="wrong")
    with app.app_context(), transaction.writing():
        webhook.flush_counters()
    call(admin, key, line_posts.batch(line_posts.text_event()))
    with app.app_context(), transaction.writing():
        webhook.flush_counters()
    assert "secret right?" not in admin.get(shop).text


def test_kept_back_event_is_shown_with_its_reason_and_bytes(
    app: Flask, admin: FlaskClient, shop: str
) -> None:
    """S6"""
    channel_id = channel_of(app, shop).id
    key = key_of(admin.get(shop).text)
    call(admin, key, line_posts.batch(["<script>alert(1)</script>"], line_posts.text_event()))
    page = admin.get("/settings/channels").text
    assert "1 event could not be taken in" in page
    address = f"/settings/channels/{channel_id}/kept-back"
    page = admin.get(address).text
    assert "an event is not an object" in page
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    with app.app_context():
        receipt_id = db.session.scalar(select(Receipt.id).where(Receipt.error.is_not(None)))
    raw = admin.get(f"{address}/{receipt_id}")
    assert raw.data == b'["<script>alert(1)</script>"]'
    assert raw.headers["Content-Disposition"].startswith("attachment")
    assert raw.mimetype == "application/octet-stream"


def test_bytes_of_another_channels_event_are_not_found(
    app: Flask, admin: FlaskClient, shop: str
) -> None:
    """T11"""
    other = connected(admin, name="Other")
    key = key_of(admin.get(shop).text)
    call(admin, key, line_posts.batch(7))
    with app.app_context():
        receipt_id = db.session.scalar(select(Receipt.id).where(Receipt.error.is_not(None)))
    mine, others = channel_of(app, shop).id, channel_of(app, other).id
    assert admin.get(f"/settings/channels/{mine}/kept-back/{receipt_id}").status_code == 200
    assert admin.get(f"/settings/channels/{others}/kept-back/{receipt_id}").status_code == 404


def test_nothing_kept_back_says_so(app: Flask, admin: FlaskClient, shop: str) -> None:
    page = admin.get(f"/settings/channels/{channel_of(app, shop).id}/kept-back").text
    assert "Nothing is kept back" in page


# ── Deleting (S7) ─────────────────────────────────────────────────────────────────────────


def test_deleting_says_first_what_it_does(app: Flask, admin: FlaskClient, shop: str) -> None:
    """S7: the one thing that asks."""
    key = key_of(admin.get(shop).text)
    call(admin, key, line_posts.batch(line_posts.text_event()))
    page = admin.get(f"{shop}/deletion").text
    assert "1 active chat ends now." in page
    assert "0 replies that still wait to be sent fail." in page
    assert channel_of(app, shop).state == "connected"


def test_deleting_ends_chats_fails_replies_and_kills_the_key(
    app: Flask, admin: FlaskClient, alice: Agent, shop: str
) -> None:
    """S7: history stays readable."""
    key = key_of(admin.get(shop).text)
    call(admin, key, line_posts.batch(line_posts.text_event("is it open?")))
    with app.app_context(), transaction.writing():
        case = db.session.scalars(select(Case)).one()
        number = case.number
        chats.reply(case, "yes", by=db.session.get_one(Agent, alice.id))
    assert admin.post(f"{shop}/deletion").location == "/settings/channels"
    with app.app_context():
        case = db.session.scalars(select(Case)).one()
        told = [(one.direction, one.state) for one in db.session.scalars(select(Message).order_by(Message.id))]  # fmt: skip
        assert (case.chat_state, case.status) == ("ended", "open")
        assert told == [("in", None), ("out", "failed"), ("system", None)]
        assert db.session.scalar(select(func.count()).select_from(Delivery)) == 0
        types = db.session.scalars(select(Event.type)).all()
        assert ("chat.ended" in types, "channel.deleted" in types) == (True, True)
        found = cases.listed(access.EVERYTHING)
        assert [one.number for one in found.cases] == [number]
        with pytest.raises(Refused):
            chats.reply(case, "more", by=db.session.get_one(Agent, alice.id))
        transaction.release()
    assert call(admin, key, line_posts.batch(line_posts.text_event())) == 404
    assert "is it open?" in admin.get(f"/cases/{number}").text
    assert admin.get(shop).status_code == 404


def test_deleted_channel_keeps_no_credentials(app: Flask, admin: FlaskClient, shop: str) -> None:
    """T26"""
    admin.post(f"{shop}/deletion")
    channel = channel_of(app, shop)
    assert (channel.state, channel.key, channel.credentials) == ("deleted", None, "{}")
    assert [key for key in sdk._clients if key[1] == TOKEN] == []


def test_deleted_channel_keeps_no_picture(
    app: Flask, admin: FlaskClient, shop: str, tmp_path: Path
) -> None:
    kept = tmp_path / "pictures" / f"channel-{channel_of(app, shop).id}.jpg"
    assert kept.is_file()
    admin.post(f"{shop}/deletion")
    assert not kept.exists()


def test_names_from_line_are_text_and_no_markup(admin: FlaskClient, line: Line) -> None:
    """T6: the account's name is somebody else's text."""
    line.account.name = "<b>Bold</b> & Co %(x)s"
    form = begin(admin)
    page = admin.get(connect(admin, form, name="").location).text
    assert "<b>Bold" not in page
    assert "LINE calls this account &lt;b&gt;Bold&lt;/b&gt; &amp; Co %(x)s" in page
    assert "<b>Bold" not in admin.post(f"{form}/disabling", follow_redirects=True).text
    assert "<b>Bold" not in admin.get("/settings/channels").text


# ── Who may ───────────────────────────────────────────────────────────────────────────────

ROUTES = [
    ("GET", "/settings/channels"),
    ("GET", "/settings/channels/{id}/picture"),
    ("GET", "/settings/channels/{id}/kept-back"),
    ("GET", "/settings/channels/{id}/kept-back/1"),
    ("POST", FORM),
    ("GET", FORM + "/{id}"),
    ("POST", FORM + "/{id}"),
    ("GET", FORM + "/{id}/calls"),
    ("POST", FORM + "/{id}/connection"),
    ("POST", FORM + "/{id}/disabling"),
    ("POST", FORM + "/{id}/enabling"),
    ("GET", FORM + "/{id}/deletion"),
    ("POST", FORM + "/{id}/deletion"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_channels_are_for_admins(
    app: Flask, admin: FlaskClient, bob: Agent, sign_in, method: str, path: str
) -> None:
    """T11: agents get 403, and nobody else learns what is there."""
    path = path.replace("{id}", begin(admin).rsplit("/", 1)[1])
    agent = sign_in(app.test_client(), bob)
    stranger = app.test_client()
    assert agent.open(path, method=method).status_code == 403
    answer = stranger.open(path, method=method)
    assert answer.status_code in (303, 400, 403)
    assert "webhook" not in answer.text


@pytest.mark.parametrize(("method", "path"), [route for route in ROUTES if "{id}" in route[1]])
def test_missing_channel_is_not_found(admin: FlaskClient, method: str, path: str) -> None:
    assert admin.open(path.replace("{id}", "424242"), method=method).status_code == 404


def test_connecting_needs_the_forms_token(app: Flask, admin: FlaskClient) -> None:
    """T14"""
    del admin.environ_base["HTTP_X_CSRFTOKEN"]
    assert admin.post(FORM).status_code == 403
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Channel)) == 0


# ── Secrets (T26) ─────────────────────────────────────────────────────────────────────────


def test_secrets_stand_in_no_page_log_or_file(
    app: Flask, admin: FlaskClient, line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    """T26: every page, every refusal, the log at its loudest, and the database's file."""
    files = app.extensions["mado"].database_url.removeprefix("sqlite:///")
    texts: list[str] = []
    with caplog.at_level(logging.DEBUG):
        form = begin(admin)
        line.spoil("token", "500-html")
        texts += [connect(admin, form).text, connect(admin, form, token="CANARY-wrong").text]
        texts += [admin.post(form, data={"secret": "CANARY-é"}).text]
        connect(admin, form)
        texts += [edit(admin, form, token="CANARY-wrong").text, admin.get(form).text]
        line.spoil("info", "reset")
        texts += [edit(admin, form, token="CANARY-wrong").text]
        paths = ["/settings/channels", f"{form}/calls", f"{form}/deletion"]
        texts += [admin.get(path).text for path in paths]
    assert channel_of(app, form).state == "connected"
    assert "CANARY" not in "".join(texts)
    assert "CANARY" not in caplog.text
    assert "request id" in caplog.text
    raw = b"".join(Path(files + suffix).read_bytes() for suffix in ("", "-wal"))
    assert b"Shop" in raw
    assert b"CANARY" not in raw


def test_events_hold_no_credentials(app: Flask, admin: FlaskClient, line: Line) -> None:
    """T26"""
    form = connected(admin)
    line.account.channel_secret = "CANARY-fresh-secret"
    edit(admin, form, secret="CANARY-fresh-secret")
    with app.app_context():
        recorded = db.session.execute(select(Event.type, Event.data)).all()
    assert ("channel.changed", '{"fields": ["credentials"]}') in recorded
    assert "CANARY" not in str(recorded)


def test_short_lived_token_is_pointed_out(
    admin: FlaskClient, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LINE.md 2.9: tokens of other kinds run out, and the channel with them."""
    monkeypatch.setattr("linesim.oauth.LONG_LIVED_SECONDS", 29.5 * 86400)
    form = begin(admin)
    page = admin.get(connect(admin, form).location).text
    assert "This token runs out in 29 days." in page


def test_pages_say_moments_only_of_now(admin: FlaskClient, app: Flask, shop: str) -> None:
    """A wrong signature of last week worries nobody."""
    with app.app_context(), transaction.writing():
        channel = db.session.get_one(Channel, channel_of(app, shop).id)
        channel.failed_signature_count = 3
        channel.failed_signature_at = now() - pages.channels.SIGNATURES_WORRY_FOR * 2
    assert "secret right?" not in admin.get(shop).text

"""The draft of a LINE channel: its URL before anything is saved, and what the URL answers (S2, S3)."""

import re
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app import transaction
from app.channels.line import webhook
from app.domain import agents
from app.extensions import db
from app.models import Message, Receipt
from tests.channels import line_posts, line_setting
from tests.channels.line_setting import (
    SECRET,
    Line,
    begin,
    call,
    channel_of,
    connected,
    credentials_of,
    key_of,
    webhook_url,
)

admin = line_setting.admin
line = line_setting.line


# ── The draft ─────────────────────────────────────────────────────────────────────────────


def test_form_shows_the_webhook_url_before_anything_is_saved(
    app: Flask, admin: FlaskClient
) -> None:
    """S2: absolute, read-only, with a copy button."""
    page = admin.get(begin(admin)).text
    public_url = app.extensions["mado"].public_url
    assert re.fullmatch(re.escape(public_url) + r"/line/webhook/[\w-]{22,}", webhook_url(page))
    assert re.search(r'<input[^>]*id="webhook-url"[^>]*readonly', page)
    assert 'data-copy="webhook-url"' in page


def test_connect_line_uses_the_admins_one_draft_again(app: Flask, admin: FlaskClient) -> None:
    """S2: the URL never changes."""
    first = begin(admin)
    before = webhook_url(admin.get(first).text)
    assert begin(admin) == first
    assert webhook_url(admin.get(first).text) == before


def test_each_admin_has_a_draft_of_their_own(app: Flask, admin: FlaskClient, sign_in) -> None:
    first = begin(admin)
    with app.app_context(), transaction.writing():
        dora = agents.create("dora@example.com", name="Dora", role="admin")
    second = begin(sign_in(app.test_client(), dora))
    assert first != second


def test_key_is_kept_encrypted_with_its_hash(app: Flask, admin: FlaskClient) -> None:
    """S2"""
    form = begin(admin)
    key = key_of(admin.get(form).text)
    assert channel_of(app, form).key_hash == webhook.key_hash(key)
    files = app.extensions["mado"].data_dir.glob("mado.sqlite3*")
    assert key.encode() not in b"".join(file.read_bytes() for file in files)


@pytest.mark.parametrize("words", ["Basic settings", "Use webhook", "Webhook redelivery", "Auto-response", "Allow bot to join group chats", "provider", "add-friend link", "Channel access token (long-lived)"])  # fmt: skip
def test_form_walks_through_the_console(admin: FlaskClient, words: str) -> None:
    """S4"""
    assert words in admin.get(begin(admin)).text


def test_form_warns_while_the_public_address_is_not_https(
    app: Flask, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S7"""
    form = begin(admin)
    assert "LINE can only call an https address" in admin.get(form).text
    secure = replace(app.extensions["mado"], public_url="https://localhost")
    monkeypatch.setitem(app.extensions, "mado", secure)
    page = admin.get(form).text
    assert "LINE can only call an https address" not in page
    assert webhook_url(page).startswith("https://localhost/line/webhook/")


def test_list_without_channels_says_what_to_do(admin: FlaskClient) -> None:
    page = admin.get("/settings/channels").text
    assert "No channel yet" in page
    assert "Connect LINE" in page


def test_draft_stands_in_the_list_until_it_is_deleted(admin: FlaskClient) -> None:
    form = begin(admin)
    assert f'href="{form}"' in admin.get("/settings/channels").text
    assert admin.post(f"{form}/deletion").status_code == 303
    assert f'href="{form}"' not in admin.get("/settings/channels").text
    assert admin.get(form).status_code == 404


# ── What the draft answers (S3) ───────────────────────────────────────────────────────────


@pytest.fixture
def key(admin: FlaskClient) -> str:
    """The key of a fresh draft."""
    return key_of(admin.get(begin(admin)).text)


def test_draft_answers_verify_before_its_secret_is_known(admin: FlaskClient, key: str) -> None:
    """S3"""
    assert call(admin, key, line_posts.batch(), secret="unknown to Mado") == 200


def test_draft_asks_for_events_again_later(app: Flask, admin: FlaskClient, key: str) -> None:
    """S3: 503 makes LINE redeliver; nothing is stored."""
    assert call(admin, key, line_posts.batch(line_posts.text_event())) == 503
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Receipt)) == 0
        assert db.session.scalar(select(func.count()).select_from(Message)) == 0


def test_form_shows_by_itself_that_a_call_arrived(admin: FlaskClient, key: str) -> None:
    """S3"""
    form = begin(admin)
    page = admin.get(form).text
    assert "No call from LINE has arrived here yet" in page
    assert f'hx-get="{form}/calls"' in page
    call(admin, key, line_posts.batch())
    assert "LINE has called this address" in admin.get(f"{form}/calls").text


def test_secret_is_kept_on_the_draft_before_the_token(
    app: Flask, admin: FlaskClient, key: str
) -> None:
    """S3: from then on Verify's signature is checked."""
    form = begin(admin)
    assert admin.post(form, data={"secret": f" {SECRET}\n"}).location == form
    assert credentials_of(app, form).secret == SECRET
    assert call(admin, key, line_posts.batch()) == 200
    assert call(admin, key, line_posts.batch(), secret="wrong") == 401
    assert call(admin, key, line_posts.batch(line_posts.text_event())) == 503


def test_unknown_key_is_404_and_get_is_405(admin: FlaskClient, key: str) -> None:
    """S3"""
    assert call(admin, "x" * 32, line_posts.batch()) == 404
    assert admin.get(f"/line/webhook/{key}").status_code == 405


def test_disabled_channel_takes_calls_and_ignores_them(
    app: Flask, admin: FlaskClient, line: Line
) -> None:
    """S3: 200, ignored, counted."""
    form = connected(admin)
    key = key_of(admin.get(form).text)
    assert admin.post(f"{form}/disabling").status_code == 303
    assert call(admin, key, line_posts.batch(line_posts.text_event())) == 200
    with app.app_context(), transaction.writing():
        webhook.flush_counters()
    assert channel_of(app, form).ignored_count == 1
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Message)) == 0
    admin.post(f"{form}/enabling")
    assert call(admin, key, line_posts.batch(line_posts.text_event())) == 200
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Message)) == 1

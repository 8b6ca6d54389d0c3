"""A channel secret that was replaced: accepted for a day more, or forgotten at once (S5)."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import transaction
from app.channels.line import credentials, webhook
from app.extensions import db
from app.models import Channel
from tests.channels import line_posts, line_setting
from tests.channels.line_setting import SECRET, Line, call, credentials_of, edit, key_of

admin = line_setting.admin
line = line_setting.line
shop = line_setting.shop

FRESH = "a-fresh-secret-of-LINE"


@pytest.fixture
def key(admin: FlaskClient, line: Line, shop: str) -> str:
    """The key of a channel whose secret was replaced a moment ago."""
    key = key_of(admin.get(shop).text)
    line.account.channel_secret = FRESH
    assert edit(admin, shop, secret=FRESH).status_code == 303
    return key


def test_previous_secret_is_accepted_beside_the_new_one(admin: FlaskClient, key: str) -> None:
    """S5"""
    assert call(admin, key, line_posts.batch(), secret=FRESH) == 200
    assert call(admin, key, line_posts.batch(), secret=SECRET) == 200
    assert call(admin, key, line_posts.batch(), secret="neither") == 401


def test_form_says_until_when(app: Flask, admin: FlaskClient, shop: str, key: str) -> None:
    """S5"""
    page = admin.get(shop).text
    assert "signed with the previous secret are accepted until" in page
    assert credentials_of(app, shop).previous_until[:16] in page
    assert SECRET not in page


def test_previous_secret_is_refused_after_a_day(
    clock: Any, admin: FlaskClient, shop: str, key: str
) -> None:
    """S5"""
    clock.shift(timedelta(hours=23, minutes=59).total_seconds())
    webhook._endpoints.clear()
    assert call(admin, key, line_posts.batch(), secret=SECRET) == 200
    clock.shift(timedelta(minutes=2).total_seconds())
    webhook._endpoints.clear()
    assert call(admin, key, line_posts.batch(), secret=SECRET) == 401
    assert call(admin, key, line_posts.batch(), secret=FRESH) == 200
    assert "previous secret" not in admin.get(shop).text


def test_previous_secret_is_forgotten_at_once_when_asked(
    app: Flask, admin: FlaskClient, shop: str, key: str
) -> None:
    """S5: somebody else may know it."""
    assert call(admin, key, line_posts.batch(), secret=SECRET) == 200
    assert admin.post(f"{shop}/previous-secret/deletion").location == shop
    assert call(admin, key, line_posts.batch(), secret=SECRET) == 401
    assert call(admin, key, line_posts.batch(), secret=FRESH) == 200
    assert credentials_of(app, shop).previous_secret == ""
    assert "previous secret are accepted" not in admin.get(shop).text


def test_only_the_last_secret_is_kept(admin: FlaskClient, line: Line, shop: str, key: str) -> None:
    line.account.channel_secret = "the-third-secret-of-LINE"
    edit(admin, shop, secret="the-third-secret-of-LINE")
    assert call(admin, key, line_posts.batch(), secret="the-third-secret-of-LINE") == 200
    assert call(admin, key, line_posts.batch(), secret=FRESH) == 200
    assert call(admin, key, line_posts.batch(), secret=SECRET) == 401


def test_new_token_alone_keeps_no_secret_twice(
    app: Flask, admin: FlaskClient, line: Line, shop: str
) -> None:
    line.account.access_token = "a-fresh-token-of-LINE"
    edit(admin, shop, token="a-fresh-token-of-LINE")
    assert credentials_of(app, shop).previous_secret == ""


def test_previous_secret_is_encrypted_at_rest(
    app: Flask, admin: FlaskClient, shop: str, key: str
) -> None:
    """T26"""
    query = "SELECT credentials FROM channels"
    with app.app_context():
        raw = db.session.connection().exec_driver_sql(query).scalar_one()
        transaction.release()
    assert SECRET not in raw
    assert credentials_of(app, shop).previous_secret == SECRET


def test_both_secrets_are_compared_in_constant_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S5: also when the first one fits."""
    compared: list[tuple[bytes, bytes]] = []
    real = credentials.hmac.compare_digest

    def compare(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return real(a, b)

    monkeypatch.setattr(credentials.hmac, "compare_digest", compare)
    signed = line_posts.signature(b"{}", "first").encode()
    assert credentials.is_signed_by_any(("first", "second"), b"{}", signed)
    assert len(compared) == 2


def test_channel_without_a_previous_secret_accepts_one(app: Flask) -> None:
    with app.app_context():
        channel = line_posts.connected_line()
        kept = credentials.Credentials.of(db.session.get_one(Channel, channel.id))
        assert kept.accepted_secrets() == (line_posts.SECRET,)
        transaction.release()

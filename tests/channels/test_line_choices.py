"""A LINE channel's choices: its add-friend link, typing, marks of reading (S9, S35, L10)."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app import transaction
from app.channels.line.options import Options
from app.extensions import db
from app.models import Identity
from tests import world
from tests.channels import line_setting
from tests.channels.line_setting import Line, begin, channel_of, connect, edit, error_at, value_of

admin = line_setting.admin
line = line_setting.line
shop = line_setting.shop


def options_of(app: Flask, form: str) -> Options:
    return Options.of(channel_of(app, form))


def due_identities(app: Flask) -> list[str]:
    with app.app_context():
        due = select(Identity.external_id).where(Identity.lookup_due_at.is_not(None))
        return list(db.session.scalars(due))


def test_everything_is_off_at_first(app: Flask, admin: FlaskClient, shop: str) -> None:
    assert options_of(app, shop) == Options()


def test_choices_are_kept_and_shown_again(app: Flask, admin: FlaskClient, shop: str) -> None:
    """S9, S33, L1, L10"""
    typed = dict.fromkeys(
        ("show_typing", "mark_as_read", "ask_member_names", "sticker_pictures"), "1"
    )
    assert edit(admin, shop, **typed, friend_link=" https://lin.ee/abc ").status_code == 303
    assert options_of(app, shop) == Options(True, True, True, True, "https://lin.ee/abc")
    page = admin.get(shop).text
    assert page.count(" checked") == 4
    assert value_of(page, "friend_link") == "https://lin.ee/abc"
    edit(admin, shop)
    assert options_of(app, shop) == Options()


def test_switching_members_names_on_asks_about_those_without_one(
    app: Flask, admin: FlaskClient, shop: str
) -> None:
    """S33"""
    with app.app_context():
        group = {"conversation_kind": "group", "conversation_id": "Cmove"}
        world.receive(channel_of(app, shop), world.said("hello", who="Uben", **group))
        with transaction.writing():
            db.session.execute(update(Identity).values(lookup_due_at=None))

    edit(admin, shop, show_typing="1")
    assert due_identities(app) == []
    edit(admin, shop, ask_member_names="1")
    assert due_identities(app) == ["Uben"]


def test_change_of_a_choice_is_told_in_the_log(admin: FlaskClient, shop: str) -> None:
    edit(admin, shop, show_typing="1")
    assert "Changed: showing that an agent writes." in admin.get(shop).text


@pytest.mark.parametrize("link", ["https://lin.ee/AbC123", "https://line.me/R/ti/p/@shop", "https://line.me/R/ti/p/%40shop", "https://page.line.me/shop"])  # fmt: skip
def test_links_of_line_are_taken(app: Flask, admin: FlaskClient, shop: str, link: str) -> None:
    """S35"""
    assert edit(admin, shop, friend_link=link).status_code == 303
    assert options_of(app, shop).friend_link == link


@pytest.mark.parametrize(
    "link",
    [
        "https://example.com/",
        "http://lin.ee/abc",
        "javascript:alert(1)//lin.ee/",
        "https://lin.ee.example.com/abc",
        "https://example.com@lin.ee/abc",
        "https://lin.ee:8443/abc",
        "https://lin.ee:x/abc",
        "https://lin.ee",
        "https://lin.ee/a b",
        "lin.ee/abc",
        "@shop",
        "https://[",
        "https://lin.ee/" + "x" * 300,
    ],
)
def test_other_links_are_refused_with_where_to_find_the_right_one(
    app: Flask, admin: FlaskClient, shop: str, link: str
) -> None:
    """S35"""
    answer = edit(admin, shop, friend_link=link, show_typing="1")
    assert answer.status_code == 422
    assert "Gain friends" in error_at(answer.text, "friend_link")
    assert " checked" in answer.text
    assert options_of(app, shop) == Options()


def test_link_is_kept_on_the_draft(app: Flask, admin: FlaskClient, line: Line) -> None:
    """S4, S35"""
    form = begin(admin)
    connect(admin, form, friend_link="https://lin.ee/abc")
    assert options_of(app, form).friend_link == "https://lin.ee/abc"


def test_marking_as_read_is_offered_only_where_line_lets_us(
    app: Flask, admin: FlaskClient, line: Line
) -> None:
    """S9: bot info says markAsReadMode."""
    line.account.mark_as_read_mode = "auto"
    shop = line_setting.connected(admin)
    page = admin.get(shop).text
    assert 'name="mark_as_read"' not in page
    assert "LINE shows customers “Read” as soon as their message arrived here" in page
    edit(admin, shop, mark_as_read="1")
    assert options_of(app, shop).mark_as_read is False
    line.account.mark_as_read_mode = "manual"
    admin.post(f"{shop}/check")
    assert 'name="mark_as_read"' in admin.get(shop).text

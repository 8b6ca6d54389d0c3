"""Mail as admins and agents meet it: whether it is set up, a test, and each one's choice."""

from dataclasses import replace

import pytest

from app import transaction
from app.extensions import db
from app.models import Agent, Notification
from tests.world import ToyAdapter, chat_of, connected, play


@pytest.fixture
def admin(client, alice, sign_in):
    """Alice's browser."""
    return sign_in(client, alice)


@pytest.fixture
def bobs(app, bob, sign_in):
    """Bob's browser."""
    return sign_in(app.test_client(), bob)


def test_without_a_server_the_page_says_what_to_set(admin):
    page = admin.get("/settings/notifications").text
    assert "SMTP_URL=smtp://" in page and "MAIL_FROM=" in page
    assert "Send a test mail" not in page


def test_admin_gets_a_test_mail(sink, admin):
    answer = admin.post("/settings/notifications/test", follow_redirects=True)
    assert "The mail server took a mail to alice@example.com." in answer.text
    assert [mail["To"] for mail in sink.mails] == ["alice@example.com"]


def test_refused_test_mail_says_why(sink, admin):
    sink.answers["RCPT"] = ["550 no such user"]
    answer = admin.post("/settings/notifications/test")
    assert answer.status_code == 422
    assert "550 no such user" in answer.text


def test_test_mail_without_a_server_says_what_is_missing(admin):
    answer = admin.post("/settings/notifications/test")
    assert answer.status_code == 422
    assert "SMTP_URL" in answer.text


def test_password_of_the_server_is_on_no_page(app, sink, admin):  # T26
    config = app.extensions["mado"]
    app.extensions["mado"] = replace(config, smtp=sink.as_server(secret="CANARY"))
    pages = ("/settings/notifications", "/account", "/settings")
    assert "CANARY" not in "".join(admin.get(path).text for path in pages)


def test_admins_see_which_mails_did_not_go_out_and_why(app, admin, bob):
    with app.app_context():
        play(ToyAdapter())
        case = chat_of(connected("toy"))
        with transaction.writing():
            row = {"agent_id": bob.id, "case_id": case.id, "text": "Look"}
            tried = {"mail_attempts": 6, "mail_problem": "mail.example refused it: 451 greylisted"}
            db.session.add(Notification(**row, **tried, mail="failed"))
            db.session.add(Notification(**row, **tried, mail="queued"))
    page = admin.get("/settings/notifications").text
    assert "451 greylisted" in page and "Bob" in page
    assert "Given up after 6 tries." in page
    assert "It is tried again." in page


@pytest.mark.parametrize("choice", ["all", "none", "asked"])
def test_agents_choose_which_notifications_arrive_by_mail(app, bobs, bob, choice):
    assert bobs.post("/account/notifications", data={"mailed": choice}).status_code == 303
    with app.app_context():
        assert db.session.get_one(Agent, bob.id).mailed == choice
    assert f'value="{choice}" checked' in bobs.get("/account").text


@pytest.mark.parametrize("data", [{}, {"mailed": "some"}, {"mailed": "all\0"}])
def test_what_is_no_choice_changes_nothing(app, bobs, bob, data):  # T12
    assert bobs.post("/account/notifications", data=data).status_code == 303
    with app.app_context():
        assert db.session.get_one(Agent, bob.id).mailed == "asked"


def test_account_says_when_mail_is_not_set_up(app, bobs, sink):
    assert "Email is not set up" not in bobs.get("/account").text
    app.extensions["mado"] = replace(app.extensions["mado"], smtp=None)
    assert "Email is not set up" in bobs.get("/account").text

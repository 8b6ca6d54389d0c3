"""Links that an admin makes for somebody's password, on their way by mail; the admin has one in hand. T17."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from app import password_mails, transaction
from app.domain import agents
from app.extensions import db
from app.models import Agent, Event, Invitation, PasswordRequest
from tests.web.conftest import PASSWORD, link_in

DANA = {"name": "Dana", "email": "dana@example.com", "role": "agent", "access": "all"}
NEW = "another handful of quiet words"


@pytest.fixture
def admin(client, alice, sign_in):
    """Alice's browser."""
    return sign_in(client, alice)


@pytest.fixture
def invite(admin):
    """A function that adds Dana and gives the page that Alice sees."""
    return lambda: admin.post("/settings/agents/new", data=DANA).text


@pytest.fixture
def dana(app):
    """A function that gives the address of Dana's page."""

    def path() -> str:
        with app.app_context():
            return f"/settings/agents/{agents.by_email(DANA['email']).id}"

    return path


def shown_in(page: str) -> str:
    """The path of the link that an admin sees."""
    return re.search(r'value="http://localhost(/invitations/[^"]+)"', page)[1]


def requests(app) -> list[PasswordRequest]:
    with app.app_context():
        return list(db.session.scalars(select(PasswordRequest)))


def test_an_invited_person_is_mailed_a_link_that_sets_the_password(app, invite, mail_all, sink, send):
    page = invite()
    assert "Mado mails a link to dana@example.com" in page
    mail_all()
    (mail,) = sink.mails
    assert mail["To"] == "dana@example.com"
    assert "seven days" in mail.get_content()
    other = app.test_client()
    assert send(other, link_in(mail), {"password": NEW, "again": NEW}).location == "/"
    assert "dana@example.com" in other.get("/account").text
    assert requests(app) == []


def test_the_admins_link_works_beside_the_mailed_one_until_either_is_used(app, invite, mail_all, sink, send):
    shown = shown_in(invite())
    mail_all()
    mailed = link_in(sink.mails[0])
    other = app.test_client()
    assert shown != mailed
    assert other.get(mailed).status_code == other.get(shown).status_code == 200
    assert send(other, shown, {"password": NEW, "again": NEW}).status_code == 303
    assert other.get(mailed).status_code == 404


def test_a_mailed_invitation_works_for_seven_days(clock, app, invite, mail_all, sink):
    invite()
    mail_all()
    other = app.test_client()
    clock.shift(timedelta(days=7, seconds=-1))
    assert other.get(link_in(sink.mails[0])).status_code == 200
    clock.shift(timedelta(seconds=1))
    assert other.get(link_in(sink.mails[0])).status_code == 404


def test_a_new_link_for_a_password_is_mailed_and_leaves_the_present_one(
    admin, app, bob, with_password, mail_all, sink, send
):
    with_password(bob)
    page = admin.post(f"/settings/agents/{bob.id}/invitation").text
    assert "Mado mails a link to bob@example.com" in page
    mail_all()
    (mail,) = sink.mails
    assert (mail["To"], mail["Subject"]) == ("bob@example.com", "A new password for Mado")
    fields = {"email": bob.email, "password": PASSWORD}
    assert send(app.test_client(), "/sign-in", fields).status_code == 303
    assert send(app.test_client(), link_in(mail), {"password": NEW, "again": NEW}).status_code == 303
    assert send(app.test_client(), "/sign-in", fields).status_code == 422


def test_without_a_mail_server_the_admin_sends_the_link(admin, app, invite):
    assert "you get a link for them" in admin.get("/settings/agents/new").text
    page = invite()
    assert "Send this link to dana@example.com" in page
    assert "Mado mails" not in page
    assert requests(app) == []


def test_with_a_mail_server_the_form_says_that_a_link_is_mailed(admin, sink):
    assert "Afterwards a link is mailed to them" in admin.get("/settings/agents/new").text


def test_a_newer_link_ends_the_mailed_one_and_the_mail_that_waits(admin, app, bob, mail_all, sink):
    path = f"/settings/agents/{bob.id}/invitation"
    admin.post(path)
    mail_all()
    admin.post(path)
    admin.post(path)
    mail_all()
    first, last = (link_in(mail) for mail in sink.mails)
    other = app.test_client()
    assert other.get(first).status_code == 404
    assert other.get(last).status_code == 200


def test_nobody_is_mailed_who_has_used_the_admins_link(app, invite, mail_all, sink, send):
    shown = shown_in(invite())
    send(app.test_client(), shown, {"password": NEW, "again": NEW})
    mail_all()
    assert sink.mails == []
    assert requests(app) == []


def test_nobody_is_mailed_who_was_deactivated_meanwhile(admin, invite, dana, mail_all, sink):
    invite()
    admin.post(f"{dana()}/deactivation")
    mail_all()
    assert sink.mails == []


def test_a_mended_address_gets_the_mail_that_waits(admin, invite, dana, mail_all, sink):
    invite()
    admin.post(dana(), data=DANA | {"email": "dana@shop.example"})
    mail_all()
    assert [mail["To"] for mail in sink.mails] == ["dana@shop.example"]


def test_what_is_refused_for_now_is_mailed_later_and_the_page_says_so(
    clock, admin, app, invite, dana, mail_all, sink
):
    sink.answers["RCPT"] = ["451 greylisted"]
    invite()
    assert "on its way" in admin.get(dana()).text
    mail_all()
    page = admin.get(dana()).text
    assert "451 greylisted" in page and "tries again" in page
    clock.shift(timedelta(seconds=10))
    mail_all()
    assert len(sink.mails) == 1
    assert requests(app) == []
    assert "greylisted" not in admin.get(dana()).text


def test_what_is_refused_for_good_is_told_to_admins(admin, invite, dana, mail_all, sink):
    sink.answers["RCPT"] = ["550 no such user"]
    invite()
    mail_all()
    mail_all()
    page = admin.get(dana()).text
    assert "550 no such user" in page and "was not mailed" in page
    assert "not mailed" in admin.get("/settings/agents").text
    assert sink.heard.count("RCPT TO:<dana@example.com>") == 1


def test_after_a_day_a_mail_is_given_up_and_told_to_admins(
    clock, admin, alice, invite, dana, mail_all, sink, sign_in
):
    sink.answers["RCPT"] = ["451 greylisted"]
    invite()
    mail_all()
    clock.shift(timedelta(days=1, seconds=1))
    mail_all()
    assert sink.mails == []
    page = sign_in(admin, alice).get(dana()).text
    assert "451 greylisted" in page and "was not mailed" in page


def test_what_mado_did_not_come_to_for_a_day_is_told_too(
    clock, admin, alice, invite, dana, mail_all, sink, sign_in
):
    invite()
    clock.shift(timedelta(days=1, seconds=1))
    mail_all()
    assert sink.mails == []
    assert "Mado did not come to it for a day." in sign_in(admin, alice).get(dana()).text


def test_a_new_link_forgets_what_was_not_mailed(admin, invite, dana, mail_all, sink):
    sink.answers["RCPT"] = ["550 no such user"]
    invite()
    mail_all()
    admin.post(f"{dana()}/invitation")
    mail_all()
    assert len(sink.mails) == 1
    assert "550" not in admin.get(dana()).text


def test_a_killed_workers_mail_goes_out_once_more(clock, app, invite, mail_all, sink, monkeypatch):
    invite()
    with app.app_context(), monkeypatch.context() as broken:
        broken.setattr(password_mails.mails, "send", _die)
        with pytest.raises(SystemExit):
            password_mails.mail_one()
        transaction.release()
    clock.shift(password_mails.LEASE)
    mail_all()
    assert len(sink.mails) == 1


def _die(_mail) -> None:
    raise SystemExit


def test_a_link_made_while_an_older_ones_mail_goes_out_is_mailed_too(
    clock, admin, app, bob, mail_all, sink, monkeypatch
):
    """The newer request may have the row's id that the older one had."""
    path, send_really = f"/settings/agents/{bob.id}/invitation", password_mails.mails.send

    def send_late(mail) -> None:
        monkeypatch.setattr(password_mails.mails, "send", send_really)
        clock.shift(timedelta(seconds=1))
        admin.post(path)
        send_really(mail)

    admin.post(path)
    monkeypatch.setattr(password_mails.mails, "send", send_late)
    mail_all()
    older, newer = (link_in(mail) for mail in sink.mails)
    other = app.test_client()
    assert other.get(older).status_code == 404
    assert other.get(newer).status_code == 200


def test_no_two_mails_have_the_same_message_id(clock, admin, bob, mail_all, sink):
    """Rows' ids come again when the table is empty, and mailboxes show one of two alike."""
    path = f"/settings/agents/{bob.id}/invitation"
    admin.post(path)
    mail_all()
    clock.shift(timedelta(seconds=1))
    admin.post(path)
    mail_all()
    assert len({mail["Message-ID"] for mail in sink.mails}) == 2


def test_the_database_holds_no_token_of_a_mail(app, invite, mail_all, sink):
    shown = shown_in(invite()).rpartition("/")[2]
    assert [request.email for request in requests(app)] == ["dana@example.com"]
    mail_all()
    mailed = link_in(sink.mails[0]).rpartition("/")[2]
    with app.app_context():
        kept = [*db.session.scalars(select(Invitation.token_hash)), *db.session.scalars(select(Event.data))]
        assert len(kept) > 2
        assert not [one for one in kept if shown in one or mailed in one]
        assert db.session.scalars(select(Event.type).where(Event.type == "agent.invited")).all() == ["agent.invited"]


def test_a_forged_host_does_not_choose_the_mailed_links_address(admin, mail_all, sink):
    """T31, T17"""
    admin.post("/settings/agents/new", data=DANA, headers={"X-Forwarded-Host": "evil.example"})
    mail_all()
    (mail,) = sink.mails
    assert link_in(mail)
    assert "evil" not in mail.as_string()


def test_a_name_that_is_a_script_is_text_in_what_was_not_mailed(admin, app, invite, dana, mail_all, sink):
    sink.answers["RCPT"] = ["550 <script>alert(1)</script>"]
    invite()
    mail_all()
    page = admin.get(dana()).text
    assert "&lt;script&gt;alert(1)" in page and "<script>alert(1)" not in page


def test_the_mail_says_so_when_the_agent_has_no_password_yet(app, invite, mail_all, sink):
    invite()
    mail_all()
    (mail,) = sink.mails
    assert mail["Subject"] == "You are invited to Mado"
    with app.app_context():
        assert db.session.scalar(select(Agent.password_hash).where(Agent.email == DANA["email"])) is None

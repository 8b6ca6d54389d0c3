"""Forgotten passwords: a link by mail, for who has the mailbox and for nobody else. T17, T31."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app import extensions, password_mails, transaction
from app.domain import invitations, limits
from app.domain.throttle import Throttle
from app.extensions import db
from app.models import Agent, Event, Invitation, PasswordRequest
from tests.web.conftest import PASSWORD, link_in, statements_of

NEW = "another handful of quiet words"
SAID = "If somebody signs in with this address, a link is on its way to it."


@pytest.fixture
def bob(bob, with_password):
    return with_password(bob)


@pytest.fixture
def ask(client, send):
    """A function that asks for a new password of this address."""
    return lambda email: send(client, "/forgotten-password", {"email": email})


def requests(app) -> list[PasswordRequest]:
    with app.app_context():
        return list(db.session.scalars(select(PasswordRequest)))


def test_a_mailed_link_sets_a_new_password_and_ends_all_sessions(
    client, app, bob, ask, mail_all, sink, sign_in, send
):
    elsewhere = sign_in(app.test_client(), bob)
    assert ask(" Bob@Example.com ").location == "/sign-in"
    assert SAID in client.get("/sign-in").text
    mail_all()
    (mail,) = sink.mails
    assert mail["To"] == "bob@example.com"
    assert elsewhere.get("/account").status_code == 200
    assert "A new password" in client.get(link_in(mail)).text
    assert send(client, link_in(mail), {"password": NEW, "again": NEW}).location == "/"
    assert client.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303
    other = app.test_client()
    assert send(other, "/sign-in", {"email": bob.email, "password": PASSWORD}).status_code == 422
    assert requests(app) == []


def test_a_mailed_link_works_once_and_for_an_hour_on_get_and_post(client, bob, ask, mail_all, sink, send, clock):
    ask(bob.email)
    ask(bob.email)
    mail_all()
    first, second = (link_in(mail) for mail in sink.mails)
    clock.shift(timedelta(minutes=59))
    assert client.get(first).status_code == client.get(second).status_code == 200
    assert send(client, first, {"password": NEW, "again": NEW}).status_code == 303
    for path in (first, second):
        assert client.get(path).status_code == 404
        assert send(client, path, {"password": NEW, "again": NEW}, page="/account").status_code == 404
    ask(bob.email)
    mail_all()
    clock.shift(timedelta(minutes=60, seconds=1))
    assert client.get(link_in(sink.mails[-1])).status_code == 404
    late = send(client, link_in(sink.mails[-1]), {"password": NEW, "again": NEW}, page="/account")
    assert late.status_code == 404


def test_every_address_is_answered_alike_and_costs_the_same(app, bob, ask, sink, client):
    """Same words, same statements; who it is, is looked up in the background."""
    answers, statements = [], []
    for email in (bob.email, "nobody@example.com"):
        with statements_of(app) as made:
            answer = ask(email)
        answers.append((answer.status_code, answer.location, client.get("/sign-in").text.count(SAID)))
        statements.append(list(made))
    assert answers[0] == answers[1] == (303, "/sign-in", 1)
    assert statements[0] == statements[1]


def test_an_address_of_nobody_gets_no_mail(app, ask, mail_all, sink):
    ask("nobody@example.com")
    mail_all()
    assert sink.mails == []
    assert requests(app) == []


def test_a_deactivated_agent_gets_no_mail(app, bob, ask, mail_all, sink):
    with app.app_context(), transaction.writing():
        db.session.get_one(Agent, bob.id).is_active = False
    ask(bob.email)
    mail_all()
    assert sink.mails == []


@pytest.mark.parametrize("email", ["", " ", "a\0b@example.com", "x" * 300, "İ" * 254])
def test_an_impossible_address_is_refused_and_kept_to_be_mended(app, ask, sink, email):
    answer = ask(email)
    assert answer.status_code == 422
    assert "Type the email address you sign in with." in answer.text
    assert email.strip().replace("\0", "�") in answer.text.replace("\0", "�")
    assert requests(app) == []


def test_without_a_mail_server_it_says_to_ask_an_admin(client, app, ask, bob):
    assert "/forgotten-password" in client.get("/sign-in").text
    page = client.get("/forgotten-password").text
    assert "Ask an admin of your team" in page
    assert "<form" not in page
    assert "Ask an admin of your team" in ask(bob.email).text
    assert requests(app) == []


def test_a_forged_host_does_not_choose_the_links_address(client, bob, ask, mail_all, sink):
    """T31, T17"""
    answer = client.post("/forgotten-password", data={"email": bob.email}, headers={"Host": "evil.example"})
    assert answer.status_code == 400
    client.environ_base["HTTP_X_FORWARDED_HOST"] = "evil.example"
    ask(bob.email)
    mail_all()
    (mail,) = sink.mails
    assert link_in(mail)
    assert "evil" not in mail.as_string()


@pytest.mark.parametrize("email", ["bob@example.com", "nobody@example.com"])
def test_the_sixth_request_for_an_address_waits_whoever_it_is(app, bob, ask, sink, email, monkeypatch):
    """T17"""
    monkeypatch.setattr(limits, "REQUESTS_FROM", Throttle("request from", 6, 60))
    for _ in range(5):
        assert ask(email).status_code == 303
    answer = ask(email.upper())
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 3000
    assert "Too many tries" in answer.text
    assert email.upper() in answer.text
    assert len(requests(app)) == 5


def test_the_sixth_request_from_one_network_waits(ask, sink):
    """T17"""
    statuses = [ask(f"a{number}@example.com").status_code for number in range(6)]
    assert statuses == [303] * 5 + [429]
    with extensions._writer:
        assert ask("a7@example.com").status_code == 429


def test_a_request_that_can_not_be_counted_is_503(app, bob, ask, sink, monkeypatch):
    """T17"""
    monkeypatch.setattr(extensions, "BUSY_SECONDS", 0.05)
    with extensions._writer:
        assert ask(bob.email).status_code == 503
    assert requests(app) == []


def test_what_the_server_refuses_for_now_is_mailed_later(app, bob, ask, mail_all, sink, clock):
    sink.answers["RCPT"] = ["451 greylisted"]
    ask(bob.email)
    mail_all()
    assert sink.mails == []
    clock.shift(timedelta(seconds=10))
    mail_all()
    assert len(sink.mails) == 1
    assert requests(app) == []


def test_after_an_hour_a_request_is_given_up(app, bob, ask, mail_all, sink, clock):
    sink.answers["RCPT"] = ["451 greylisted"]
    ask(bob.email)
    mail_all()
    clock.shift(timedelta(hours=1, seconds=1))
    mail_all()
    assert sink.mails == []
    assert requests(app) == []


def test_what_is_refused_for_good_is_given_up(app, bob, ask, mail_all, sink):
    sink.answers["RCPT"] = ["550 no such user"]
    ask(bob.email)
    mail_all()
    assert requests(app) == []


def _die(_mail) -> None:
    raise SystemExit


def test_what_a_killed_worker_left_is_mailed_when_its_lease_ran_out(app, bob, ask, mail_all, sink, clock, monkeypatch):
    ask(bob.email)
    with app.app_context(), monkeypatch.context() as broken:
        broken.setattr(password_mails.mails, "send", _die)
        with pytest.raises(SystemExit):
            password_mails.mail_one()
        transaction.release()
    mail_all()
    assert sink.mails == []
    clock.shift(password_mails.LEASE)
    mail_all()
    assert len(sink.mails) == 1


def test_to_ask_ends_no_link_that_is_out(client, app, bob, ask, mail_all, sink):
    """Else whoever knows an address could make an admin's invitation useless."""
    with app.app_context(), transaction.writing():
        token = invitations.create(db.session.get_one(Agent, bob.id), by=None)
    ask(bob.email)
    mail_all()
    assert client.get(f"/invitations/{token}").status_code == 200
    assert client.get(link_in(sink.mails[0])).status_code == 200


def test_it_is_recorded_and_no_token_is_kept(app, bob, ask, mail_all, sink):
    ask(bob.email)
    mail_all()
    token = link_in(sink.mails[0]).rpartition("/")[2]
    with app.app_context():
        kept = db.session.scalars(select(Invitation)).one()
        assert kept.token_hash != token
        assert "agent.password_requested" in db.session.scalars(select(Event.type)).all()
        assert not [one for one in db.session.scalars(select(Event.data)) if token in one]

"""Notifications by mail: claimed once, tried again, given up and shown instead (R3, F30)."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app import mailing, transaction
from app.clock import now
from app.domain import events, notifications
from app.extensions import db
from app.models import Agent, Case, Group, Notification, Rule
from tests.domain.rules.conftest import rule
from tests.world import ToyAdapter, chat_of, connected, play


@pytest.fixture
def case(app: Flask, bob: Agent) -> Case:
    """A chat of which Bob is told by mail."""
    play(ToyAdapter())
    value = {"to": ["all"], "by": ["email"], "text": "{contact.name} waits\r\nBcc: eve@example.com"}
    rule("new_case", then=[("notify_agents", value)], name="Night shift")
    return chat_of(connected("toy"))


def told() -> Notification:
    db.session.expire_all()
    return db.session.scalars(select(Notification)).one()


def test_mail_holds_the_rules_text_and_a_link_and_no_word_of_the_customer(sink, case):  # T37
    assert mailing.mail_one() is True
    (mail,) = sink.mails
    text = mail.get_content()
    assert mail["To"] == "bob@example.com"
    assert mail["Subject"] == "Case 1: waits Bcc: eve@example.com"
    assert "http://localhost/cases/1" in text
    assert "Night shift" in text and "http://localhost/account" in text
    assert "hello" not in text
    assert (told().mail, told().mail_due_at, told().is_shown) == ("sent", None, False)
    assert mailing.mail_one() is False


def test_refused_for_now_is_tried_again_later(sink, case, clock):
    sink.answers["RCPT"] = ["451 greylisted"]
    mailing.mail_one()
    assert (told().mail, told().mail_attempts) == ("queued", 1)
    assert "greylisted" in told().mail_problem
    assert mailing.mail_one() is False
    clock.shift(timedelta(seconds=30))
    mailing.mail_one()
    assert (told().mail, told().mail_problem) == ("sent", None)
    assert len(sink.mails) == 1


def test_given_up_after_six_tries_and_shown_in_mado(sink, case, clock):
    sink.answers["RCPT"] = ["451 greylisted"] * 10
    tries = [_an_hour_later(clock) for _ in range(8)]
    assert tries == [True] * 6 + [False] * 2
    assert (told().mail, told().is_shown) == ("failed", True)
    recorded = [event.type for event in events.of_case(case)]
    assert "notification.mail_failed" in recorded


def _an_hour_later(clock) -> bool:
    tried = mailing.mail_one()
    clock.shift(timedelta(hours=1))
    return tried


def test_mail_that_lay_for_hours_is_shown_in_mado_instead(sink, clock, case):  # F34
    """Mado did not run, or its database is yesterday's, and it may have been sent since."""
    clock.shift(timedelta(hours=2, seconds=1))
    assert mailing.mail_one() is True
    assert (told().mail, told().mail_attempts, told().is_shown) == ("failed", 0, True)
    assert "may have gone out before" in told().mail_problem
    assert [one.id for one in notifications.troubled(10)] == [told().id]
    assert mailing.mail_one() is False
    assert sink.mails == []


def test_mail_that_was_refused_before_it_lay_for_hours_is_shown_too(sink, clock, case):  # F34
    sink.answers["RCPT"] = ["451 greylisted"]
    mailing.mail_one()
    clock.shift(timedelta(days=1))
    mailing.mail_one()
    assert (told().mail, told().mail_attempts, sink.mails) == ("failed", 1, [])


def test_mail_is_sent_when_the_clock_was_put_on_by_an_hour(sink, clock, case):  # F14
    clock.shift(timedelta(hours=1))
    mailing.mail_one()
    assert told().mail == "sent"


def test_refused_for_good_is_given_up_at_once(sink, case):
    sink.answers["RCPT"] = ["550 no such user"]
    mailing.mail_one()
    assert (told().mail, told().is_shown) == ("failed", True)
    assert "no such user" in told().mail_problem
    assert [one.id for one in notifications.troubled(10)] == [told().id]


def test_without_a_mail_server_it_is_shown_in_mado(app, case):
    mailing.mail_one()
    assert (told().mail, told().is_shown) == ("failed", True)
    assert "SMTP_URL" in told().mail_problem


def test_who_lost_the_case_meanwhile_gets_no_mail(sink, case, bob):  # T11
    with transaction.writing():
        group = Group(name="Elsewhere")
        db.session.add(group)
        db.session.flush()
        db.session.get_one(Case, case.id).group_id = group.id
    mailing.mail_one()
    assert sink.mails == []
    assert told().mail == "failed"


def test_who_was_switched_off_meanwhile_gets_no_mail(sink, case, bob):
    with transaction.writing():
        db.session.get_one(Agent, bob.id).is_active = False
    mailing.mail_one()
    assert sink.mails == []


def test_mail_of_a_process_that_died_is_sent_by_another(sink, case, clock, monkeypatch):  # F3
    monkeypatch.setattr(mailing.mails, "send", _die)
    with pytest.raises(SystemExit):
        mailing.mail_one()
    monkeypatch.undo()
    assert mailing.mail_one() is False
    clock.shift(mailing.LEASE + timedelta(seconds=1))
    assert mailing.mail_one() is True
    assert len(sink.mails) == 1


def _die(_mail: object) -> None:
    raise SystemExit


def test_late_word_of_an_old_claim_changes_nothing(sink, case, clock, monkeypatch):
    send = mailing.mails.send

    def slow(mail):
        monkeypatch.undo()
        clock.shift(mailing.LEASE + timedelta(seconds=1))
        mailing.mail_one()
        send(mail)
        raise mailing.NotMailed("late", is_final=True)

    monkeypatch.setattr(mailing.mails, "send", slow)
    mailing.mail_one()
    assert told().mail == "sent"
    keys = [mail["Message-ID"] for mail in sink.mails]
    assert len(keys) == 2 and len(set(keys)) == 1


def test_only_one_of_two_claims_a_mail(sink, case):  # F24
    due = db.session.execute(mailing.next_due()).one()
    transaction.release()
    assert mailing._claim(due, now() + mailing.LEASE) is True
    assert mailing._claim(due, now() + mailing.LEASE) is False


def test_clock_that_stepped_back_delays_nothing_for_long(sink, case, clock):  # F14
    clock.shift(-timedelta(days=1))
    assert mailing.mail_one() is True
    assert len(sink.mails) == 1


def test_macro_that_tells_needs_no_rule(sink, case, bob):
    with transaction.writing():
        told().rule_id = None
        db.session.delete(db.session.scalars(select(Rule)).one())
    mailing.mail_one()
    assert "the rule" not in sink.mails[0].get_content()

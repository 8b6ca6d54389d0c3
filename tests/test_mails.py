"""Mails to agents: what they hold, what is never sent, and what becomes of refusals."""

import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import mails
from app.mails import Mail, NotMailed
from app.smtp import Smtp
from tests import certificates
from tests.smtp_sink import Sink, listening

MAIL = Mail("bob@example.com", "Case 1: look", "Look here", key="notification-1", thread="case-1")


@pytest.fixture
def sink() -> Iterator[Sink]:
    with listening() as found:
        yield found


@pytest.fixture
def use(app: Flask) -> Iterator[Callable[[Smtp | None], None]]:
    """A function that sets SMTP_URL."""
    config = app.extensions["mado"]

    def put(smtp: Smtp | None) -> None:
        app.extensions["mado"] = replace(config, smtp=smtp)

    with app.app_context():
        yield put
    app.extensions["mado"] = config


def text_of(mail: EmailMessage) -> str:
    return mail.get_content().replace("\r\n", "\n")


def refusal(**changes: Any) -> NotMailed:
    with pytest.raises(NotMailed) as refused:
        mails.send(replace(MAIL, **changes))
    return refused.value


def test_mail_says_whom_it_is_from_and_that_no_person_wrote_it(sink, use):  # T22
    use(sink.as_server())
    mails.send(MAIL)
    (mail,) = sink.mails
    assert (mail["From"], mail["To"]) == ("Mado <help@mado.example>", "bob@example.com")
    assert (mail["Subject"], text_of(mail)) == ("Case 1: look", "Look here\n")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"] == "<notification-1@mado.example>"
    assert mail["References"] == "<case-1@mado.example>"
    assert mail["Date"] and mail.get_content_type() == "text/plain"


def test_every_script_arrives(sink, use):
    use(sink.as_server())
    mails.send(replace(MAIL, subject="สมชาย 様 🎏", text="お待ちです。\n.\nสวัสดี"))
    (mail,) = sink.mails
    assert mail["Subject"] == "สมชาย 様 🎏"
    assert text_of(mail) == "お待ちです。\n.\nสวัสดี\n"


@pytest.mark.parametrize("sign", ["\r\n", "\n", "\r", "\0", "\u2028", "\x0b", "\x85"])
def test_a_name_makes_no_second_header(sink, use, sign):  # ASVS 1.2, T37
    use(sink.as_server())
    mails.send(replace(MAIL, subject=f"Case 1: x{sign}Bcc: eve@example.com"))
    (mail,) = sink.mails
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Case 1: x Bcc: eve@example.com"
    assert [line for line in sink.heard if line.startswith("RCPT")] == ["RCPT TO:<bob@example.com>"]


@pytest.mark.parametrize("to", ["", "bob", "bob@x\r\nBcc: e@x", "a b@example.com", "<b@x>, e@x"])
def test_what_is_no_address_is_refused_for_good(sink, use, to):
    use(sink.as_server())
    assert refusal(to=to).is_final
    assert sink.raw == []


def test_without_a_server_nothing_is_tried(use):
    use(None)
    problem = refusal()
    assert problem.is_final
    assert "SMTP_URL" in str(problem)


@pytest.mark.parametrize(
    ("command", "answer", "is_final"),
    [
        ("CONNECT", "421 too busy", False),
        ("MAIL", "550 you may not send as this", False),
        ("RCPT", "451 greylisted, try again", False),
        ("RCPT", "550 no such user", True),
        ("DATA", "452 disk full", False),
        ("MAILED", "554 spam", True),
        ("MAILED", "451 later", False),
    ],
)
def test_refusals_say_what_the_server_said(sink, use, command, answer, is_final):  # F30
    use(sink.as_server())
    sink.answers[command] = [answer]
    problem = refusal()
    assert answer in str(problem)
    assert problem.is_final is is_final


def test_nobody_there_is_tried_again(sink, use):
    with listening() as gone:
        smtp = gone.as_server()
    use(smtp)
    problem = refusal()
    assert "can't be reached" in str(problem)
    assert not problem.is_final


def test_silence_ends(sink, use, monkeypatch):
    monkeypatch.setattr(mails, "SECONDS", 0.2)
    sink.released = threading.Event()
    use(sink.as_server())
    assert "in time" in str(refusal())


def test_password_is_told_where_it_is_wanted(sink, use):
    sink.extensions = ("AUTH PLAIN",)
    use(sink.as_server(secret="secret"))
    mails.send(MAIL)
    assert any(line.startswith("AUTH PLAIN") for line in sink.heard)


def test_wrong_password_is_no_fault_of_the_mail(sink, use):
    sink.extensions, sink.answers = ("AUTH PLAIN",), {"AUTH": ["535 no"]}
    use(sink.as_server(secret="secret"))
    problem = refusal()
    assert not problem.is_final
    assert "SMTP_URL" in str(problem) and "secret" not in str(problem)


def test_password_that_no_server_understands_is_told(sink, use):
    sink.extensions = ("AUTH PLAIN",)
    use(sink.as_server(secret="s\u00e9cret"))
    assert "SMTP_URL" in str(refusal())


def test_mail_that_was_taken_is_sent_however_the_server_parts(sink, use):
    sink.answers = {"QUIT": ["421 going down"]}
    use(sink.as_server())
    mails.send(MAIL)
    assert len(sink.mails) == 1


def test_password_is_never_told_unencrypted(sink, use, monkeypatch):  # ASVS 12.3, T26
    monkeypatch.setattr(mails, "LOOPBACK_HOSTS", frozenset())
    sink.extensions = ("AUTH PLAIN",)
    use(sink.as_server(secret="secret"))
    assert "no encryption" in str(refusal())
    assert not any(line.startswith("AUTH") for line in sink.heard)


@contextmanager
def encrypted(tmp_path: Path, is_tls: bool) -> Iterator[Sink]:
    """A sink with a certificate of its own for localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.made(tmp_path, "localhost"))
    with listening(context if is_tls else None) as sink:
        sink.extensions = ("AUTH PLAIN",) if is_tls else ("AUTH PLAIN", "STARTTLS")
        sink.context = context
        yield sink


@pytest.mark.parametrize("is_tls", [True, False], ids=["smtps", "starttls"])
def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path, use, is_tls):  # ASVS 12.3
    with encrypted(tmp_path, is_tls) as sink:
        use(sink.as_server("localhost", is_tls=is_tls, secret="secret"))
        problem = refusal()
        assert "certificate" in str(problem)
        assert not problem.is_final
        assert not re.search("AUTH|MAIL", "".join(sink.heard))


@pytest.mark.parametrize("is_tls", [True, False], ids=["smtps", "starttls"])
def test_password_and_mail_go_encrypted(tmp_path, use, monkeypatch, is_tls):
    with encrypted(tmp_path, is_tls) as sink:
        trusting = ssl.create_default_context(cafile=tmp_path / "localhost.pem")
        monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
        monkeypatch.setattr(mails, "LOOPBACK_HOSTS", frozenset())
        use(sink.as_server("localhost", is_tls=is_tls, secret="secret"))
        mails.send(MAIL)
        assert len(sink.mails) == 1
        assert any(line.startswith("AUTH PLAIN") for line in sink.heard)

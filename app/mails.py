"""One email to one person through the server of SMTP_URL, with every wait bounded.

It sends plain text and no more, and refuses to say who the user is where nobody is listening in
secret: a password goes over an encrypted connection or to this machine alone.
"""

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from flask import current_app

from app.clock import now
from app.config import LOOPBACK_HOSTS
from app.smtp import Smtp

# Each answer of the server may take this long.
SECONDS = 10.0
LONGEST_SUBJECT = 150
LONGEST_REASON = 300
NOT_SET_UP = "Mado sends no email: SMTP_URL and MAIL_FROM are not set."


class NotMailed(Exception):
    """It did not go out; the text says why. `is_final` when the same mail will never be taken."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(" ".join(reason.split())[:LONGEST_REASON])
        self.is_final = is_final


@dataclass(frozen=True)
class Mail:
    """`key` makes the Message-ID; mails with the same `thread` stand together in a mailbox."""

    to: str
    subject: str
    text: str
    key: str
    thread: str = ""


def server() -> Smtp | None:
    """Where mails go, None when that was not set up."""
    return current_app.extensions["mado"].smtp


def send(mail: Mail) -> None:
    """Hand it to the server. Raise NotMailed."""
    smtp = server()
    if smtp is None:
        raise NotMailed(NOT_SET_UP, is_final=True)
    message = _composed(mail, smtp)
    try:
        _hand_over(message, smtp)
    except smtplib.SMTPRecipientsRefused as problem:
        code, answer = next(iter(problem.recipients.values()))
        raise NotMailed(_refused(smtp, code, answer), is_final=code >= 500) from problem
    except smtplib.SMTPAuthenticationError as problem:
        raise NotMailed(f"{smtp.host} refused the user or password of SMTP_URL.") from problem
    except smtplib.SMTPSenderRefused as problem:  # an admin can mend that
        raise NotMailed(_refused(smtp, problem.smtp_code, problem.smtp_error)) from problem
    except smtplib.SMTPResponseException as problem:
        reason = _refused(smtp, problem.smtp_code, problem.smtp_error)
        raise NotMailed(reason, is_final=problem.smtp_code >= 500) from problem
    except ssl.SSLCertVerificationError as problem:
        raise NotMailed(f"{smtp.host} has no certificate that can be trusted.") from problem
    except ValueError as problem:  # of a host or password that can't be put into bytes
        raise NotMailed(f"{smtp.host} can't be used: look at SMTP_URL.") from problem
    except (OSError, smtplib.SMTPException) as problem:
        is_slow = isinstance(problem.__context__, TimeoutError) or isinstance(problem, TimeoutError)
        what = "did not answer in time" if is_slow else "can't be reached"
        raise NotMailed(f"{smtp.host}, port {smtp.port}, {what}.") from problem


def _composed(mail: Mail, smtp: Smtp) -> EmailMessage:
    """Nothing that somebody typed makes a second header: lines are joined, the rest is refused."""
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = smtp.sender
        message["To"] = Address(addr_spec=mail.to)
        message["Subject"] = _one_line(mail.subject)
        message["Date"] = format_datetime(now())
        message["Message-ID"] = f"<{mail.key}@{smtp.sender.domain}>"
        if mail.thread:
            message["References"] = f"<{mail.thread}@{smtp.sender.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text, cte="base64" if not mail.text.isascii() else None)
    except (ValueError, IndexError, HeaderParseError) as problem:
        raise NotMailed(f"{mail.to} is no address that mails can be sent to.", is_final=True) from problem
    return message


def _one_line(subject: str) -> str:
    printable = "".join(sign if sign.isprintable() else " " for sign in subject)
    return " ".join(printable.split())[:LONGEST_SUBJECT]


def _hand_over(message: EmailMessage, smtp: Smtp) -> None:
    context = ssl.create_default_context()
    # The name that we give is our own domain: to ask for the machine's may take long.
    where = {"local_hostname": smtp.sender.domain, "timeout": SECONDS}
    if smtp.is_tls:
        connection: smtplib.SMTP = smtplib.SMTP_SSL(smtp.host, smtp.port, context=context, **where)
    else:
        connection = smtplib.SMTP(smtp.host, smtp.port, **where)
    try:
        connection.ehlo_or_helo_if_needed()
        if not smtp.is_tls and connection.has_extn("starttls"):
            connection.starttls(context=context)
            connection.ehlo()
        elif not smtp.is_tls and smtp.user and smtp.host not in LOOPBACK_HOSTS:
            raise NotMailed(f"{smtp.host} offers no encryption, so it was not told the password.")
        if smtp.user:
            connection.login(smtp.user, smtp.password)
        connection.send_message(message)
    finally:
        with suppress(OSError, smtplib.SMTPException):  # what was taken is taken, however it parts
            connection.quit()
        connection.close()


def _refused(smtp: Smtp, code: int, answer: bytes | str) -> str:
    told = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return f"{smtp.host} refused it: {code} {told}"

"""Notifications on their way by mail: claimed with a lease, sent, tried again, given up (R3).

Nothing waits for the mail server but this thread. A mail that a crash leaves in doubt is sent once
more, under the same Message-ID. What can't be mailed, or lay for hours in which nobody tried, is
shown in Mado, so that it is not lost. A mail holds the rule's text and a link; of what customers
wrote it holds nothing.
"""

from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import Row, Select, select

from app import counters, mails, transaction
from app.clock import now
from app.domain import access, notifications, queues
from app.extensions import db
from app.language import gettext as _
from app.mails import Mail, NotMailed
from app.models import Agent, Notification
from app.workers import backoff

LEASE = timedelta(minutes=3)
BACKOFF_SECONDS = (30, 120, 600, 1800, 3600)
MOST_TRIES = 6
LATEST = timedelta(hours=2)  # nothing waits longer: a later due time is a clock that stepped back


def mail_one() -> bool:
    """Send one due mail. False when none is due."""
    due = db.session.execute(next_due()).first()
    transaction.release()
    if due is None:
        return False
    if queues.is_too_late(due.mail_due_at):
        _record(due.id, due.mail_due_at, NotMailed(queues.TOO_LATE, is_final=True))
        return True
    leased_until = now() + LEASE
    if not _claim(due, leased_until):
        return True
    try:
        mails.send(_letter(due.id))
    except NotMailed as problem:
        _record(due.id, leased_until, problem)
    else:
        _record(due.id, leased_until, None)
    return True


def send_test(agent: Agent) -> None:
    """One mail to this agent, now. Raise NotMailed."""
    text = _("Email from Mado arrives: this is the test that you asked for.")
    key = f"test-{agent.id}-{now().timestamp():.0f}"
    mail = Mail(agent.email, _("A test from Mado"), f"{text}\n\n{_address('/')}\n", key)
    transaction.release()
    mails.send(mail)


def next_due() -> Select[Any]:
    """The query for the notification whose mail is due for longest."""
    due_at = Notification.mail_due_at
    query = select(Notification.id, due_at).where(queues.is_due(due_at, longest=LATEST))
    return query.order_by(due_at).limit(1)


def _claim(due: Row[Any], leased_until: datetime) -> bool:
    columns = (Notification.mail_due_at, Notification.mail_attempts)
    with transaction.writing():
        return queues.claim(due, *columns, until=leased_until)


def _letter(notification_id: int) -> Mail:
    """What it says. Raise NotMailed when its reader may not see the case any more."""
    told = db.session.get_one(Notification, notification_id)
    is_reader = told.agent.is_active and access.may_see(told.agent, told.case)
    mail = Mail(
        to=told.agent.email,
        subject=_("Case %(number)s: %(text)s", number=told.case.number, text=told.text),
        text=_body(told),
        key=f"notification-{told.id}-{told.created_at.timestamp():.0f}",
        thread=f"case-{told.case.number}",
    )
    transaction.release()
    if not is_reader:
        raise NotMailed("The agent may not see the case any more.", is_final=True)
    return mail


def _body(told: Notification) -> str:
    """S10: the address of a case leads to the chat while it is active."""
    why = _('You get this because the rule "%(name)s" tells you.', name=told.rule.name) if told.rule else ""
    choose = _("Which notifications arrive by email is your choice: %(address)s", address=_address("/account"))
    parts = [told.text, _address(f"/cases/{told.case.number}"), "-- \n" + f"{why}\n{choose}".strip()]
    return "\n\n".join(parts) + "\n"


def _address(path: str) -> str:
    return current_app.extensions["mado"].public_url + path


def _record(notification_id: int, leased_until: datetime, problem: NotMailed | None) -> None:
    with transaction.writing():
        told = db.session.get_one(Notification, notification_id, with_for_update=True)
        if told.mail_due_at != leased_until:
            return  # the lease ran out, and somebody else has it
        if problem is None:
            outcome = "sent"
            notifications.mailed(told)
        elif problem.is_final or told.mail_attempts >= MOST_TRIES:
            outcome = "failed"
            notifications.not_mailed(told, str(problem))
        else:
            outcome = "delayed"
            told.mail_problem = str(problem)
            told.mail_due_at = now() + backoff(told.mail_attempts, BACKOFF_SECONDS)
        transaction.count(counters.MAILS, outcome=outcome)

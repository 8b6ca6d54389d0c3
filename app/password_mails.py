"""Links for a password on their way by mail: to who asked for one on the sign-in page, or was made one by an admin.

The token is made when the mail is, so that the database never holds one that could be read. A mail
that a crash leaves in doubt is sent once more, with another link; all end with the first new password. It refuses to
mail the link that an admin saw, for the same reason.
"""

import logging
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import Row

from app import counters, mails, transaction
from app.clock import now
from app.domain import password_requests
from app.extensions import db
from app.language import gettext as _
from app.mails import Mail, NotMailed
from app.models import Agent
from app.workers import backoff

LEASE = timedelta(minutes=3)
BACKOFF_SECONDS = (10, 60, 300, 900)

log = logging.getLogger(__name__)


def mail_one() -> bool:
    """Answer one due request. False when none is due."""
    due = db.session.execute(password_requests.next_due()).first()
    transaction.release()
    if due is None:
        return False
    with transaction.writing():
        found = password_requests.claim(due, until=now() + LEASE) and password_requests.link_for(due)
        mail = _letter(due, *found) if found else None
    if mail is None:
        return True
    problem = None
    try:
        mails.send(mail)
    except NotMailed as found_problem:
        problem = found_problem
        log.warning("a link for a password was not mailed: %s", problem)
    with transaction.writing():
        _settle(due, problem)
    return True


def _letter(due: Row[Any], agent: Agent, token: str) -> Mail:
    # Never from a request: a forged Host header must not choose where a password is typed (T17).
    link = f"{current_app.extensions['mado'].public_url}/invitations/{token}"
    subject, why, else_ = _words(due, agent)
    key = f"password-{due.id}-{due.asked_at.timestamp():.3f}-{due.attempts}"
    return Mail(agent.email, subject, f"{why}\n\n{link}\n\n{else_}\n", key)


def _words(due: Row[Any], agent: Agent) -> tuple[str, str, str]:
    """Its subject, and what it says before and after the link."""
    new = _("A new password for Mado")
    if not due.agent_id:
        asked = _("Somebody asked for a new password for %(email)s. Choose one here, within an hour:", email=agent.email)
        return new, asked, _("The link works once. If it was not you, ignore this mail: your password stays as it is.")
    if agent.password_hash:
        made = _("An admin made a link for a new password for %(email)s. Choose one here, within seven days:", email=agent.email)
        return new, made, _("The link works once. Until then your password stays as it is.")
    invited = _("You are invited to Mado as %(email)s. Choose your password here, within seven days:", email=agent.email)
    return _("You are invited to Mado"), invited, _("The link works once. If you expected no invitation, ignore this mail.")


def _settle(due: Row[Any], problem: NotMailed | None) -> None:
    if problem is None:
        outcome = "sent"
        password_requests.forget(due)
    elif problem.is_final:
        outcome = "failed"
        password_requests.give_up(due, problem=str(problem))
    else:
        outcome = "delayed"
        wait = backoff(due.attempts + 1, BACKOFF_SECONDS)
        password_requests.try_again(due, at=now() + wait, problem=str(problem))
    transaction.count(counters.MAILS, outcome=outcome)

"""Links for a new password on their way by mail to who asked for one on the sign-in page.

The token is made when the mail is, so that the database never holds one that could be read. A mail
that a crash leaves in doubt is sent once more, with another link; all end with the first new password.
"""

import logging
from datetime import timedelta

from flask import current_app

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
        mail = _letter(*found, key=f"password-{due.id}-{due.attempts}") if found else None
    if mail is None:
        return True
    try:
        mails.send(mail)
    except NotMailed as problem:
        log.warning("a link for a new password was not mailed: %s", problem)
        outcome = "failed" if problem.is_final else "delayed"
    else:
        outcome = "sent"
    with transaction.writing():
        if outcome == "delayed":
            wait = backoff(due.attempts + 1, BACKOFF_SECONDS)
            password_requests.try_again(due, at=now() + wait)
        else:
            password_requests.forget(due)
        transaction.count(counters.MAILS, outcome=outcome)
    return True


def _letter(agent: Agent, token: str, *, key: str) -> Mail:
    # Never from a request: a forged Host header must not choose where a password is typed (T17).
    link = f"{current_app.extensions['mado'].public_url}/invitations/{token}"
    asked = _("Somebody asked for a new password for %(email)s. Choose one here, within an hour:", email=agent.email)
    else_ = _("The link works once. If it was not you, ignore this mail: your password stays as it is.")
    return Mail(agent.email, _("A new password for Mado"), f"{asked}\n\n{link}\n\n{else_}\n", key)

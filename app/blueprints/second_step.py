"""The second step of signing in: a code of the agent's app, or a recovery code.

Only who has proven the password gets here, so nobody else learns who has a second factor. What the
first step proved stands in the signed cookie, for ten minutes and until the password changes; the
session begins after this step.
"""

from flask import Blueprint, flash, make_response, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_babel import ngettext

from app import transaction
from app.blueprints import tries
from app.blueprints.access import own_path, own_transaction
from app.blueprints.auth import (
    audit,
    is_right,
    proven_agent,
    record_refusal,
    start_session,
)
from app.domain import limits, second_factors
from app.domain.second_factors import DIGITS
from app.domain.throttle import TooMany, network_of
from app.language import gettext as _
from app.models import Agent

blueprint = Blueprint("second_step", __name__)

LONGEST_CODE = 40


@blueprint.get("/sign-in/code")
def ask() -> ResponseReturnValue:
    agent = proven_agent()
    return _page(agent) if agent else redirect("/sign-in", 303)


@blueprint.post("/sign-in/code")
@own_transaction
def answer() -> ResponseReturnValue:
    """Take the code, once, and start the session."""
    agent = proven_agent()
    if agent is None:
        flash(_("That took too long. Sign in again."), "error")
        return redirect("/sign-in", 303)
    account, network = str(agent.id), network_of(request.remote_addr or "")
    try:
        tries.count((limits.SIGN_INS_FROM, network), (limits.CODES, account))
    except TooMany as error:
        return _page(agent, str(error), status=429, retry_after=error.retry_after)
    typed = request.form.get("code", "")[:LONGEST_CODE]
    recovery_id = _fitting_recovery_code(agent, typed)
    transaction.start_writing()
    # The password or the factor may have changed while hashes were computed.
    agent = proven_agent()
    if agent is None or not _take(agent, typed, recovery_id):
        audit.warning("second step failed from %s", network)
        return _refusal(agent)
    limits.SIGN_INS_FROM.uncount(network)
    limits.CODES.forget(account)
    target = own_path(session["proven"][3])
    start_session(agent)
    left = second_factors.codes_left(agent)
    transaction.commit()
    if recovery_id:
        said = ngettext("One recovery code is left.", "%(num)s recovery codes are left.", left)
        flash(f"{said} {_('You can make new ones in your account.')}")
    return redirect(target, 303)


def _fitting_recovery_code(agent: Agent, typed: str) -> int | None:
    """The id of the recovery code that this is. An app's code is none and costs no hashing."""
    code = second_factors.normal_recovery_code(typed)
    hashes = second_factors.recovery_hashes(agent)
    transaction.release()
    if len(code) != second_factors.RECOVERY_LENGTH:
        return None
    return next((code_id for code_id, kept in hashes if is_right(code, kept)), None)


def _take(agent: Agent, typed: str, recovery_id: int | None) -> bool:
    if recovery_id:
        return second_factors.take_recovery_code(agent, recovery_id)
    return second_factors.take_code(agent, typed)


def _refusal(agent: Agent | None) -> ResponseReturnValue:
    if agent is None:
        return redirect("/sign-in", 303)
    record_refusal(agent.email)
    error = _("This code is wrong or was used already. Type the next one that your app shows.")
    return _page(agent, error, status=422)


def _page(
    agent: Agent, error: str = "", *, status: int = 200, retry_after: int | None = None
) -> ResponseReturnValue:
    page = render_template("auth/code.html", email=agent.email, digits=DIGITS, error=error)
    response = make_response(page, status)
    if retry_after:
        response.headers["Retry-After"] = str(retry_after)
    return response

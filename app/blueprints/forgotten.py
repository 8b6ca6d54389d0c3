"""Forgotten passwords: a page that takes an address and has a link mailed to it.

It answers alike for every address, known or not, and does the same work for it: one row. Without a
mail server it says to ask an admin, who can make a link by hand.
"""

from flask import Blueprint, flash, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app import mails, transaction
from app.blueprints import tries
from app.blueprints.access import own_transaction
from app.blueprints.auth import audit, is_address
from app.domain import agents, limits, password_requests
from app.domain.throttle import TooMany, network_of
from app.language import gettext as _

blueprint = Blueprint("forgotten", __name__, url_prefix="/forgotten-password")


@blueprint.get("")
def index() -> ResponseReturnValue:
    return _page()


@blueprint.post("")
@own_transaction
def ask() -> ResponseReturnValue:
    """Keep the request; what becomes of it is told in a mail alone."""
    if mails.server() is None:
        return _page()
    email = agents.normal_email(request.form.get("email", ""))
    if not is_address(email):
        return _page({"email": _("Type the email address you sign in with.")}, status=422)
    try:
        network = network_of(request.remote_addr or "")
        tries.count((limits.REQUESTS_FROM, network), (limits.REQUESTS, email))
    except TooMany as error:
        return _page({"email": str(error)}, status=429, retry_after=error.retry_after)
    with transaction.writing():
        password_requests.add(email)
    audit.info("a new password was asked for from %s", request.remote_addr)
    flash(_("If somebody signs in with this address, a link is on its way to it. It works once and for an hour."))
    return redirect("/sign-in", 303)


def _page(
    errors: dict[str, str] | None = None, *, status: int = 200, retry_after: int | None = None
) -> ResponseReturnValue:
    page = render_template(
        "auth/forgotten.html",
        email=request.form.get("email", ""),
        errors=errors or {},
        has_mail=mails.server() is not None,
    )
    response = make_response(page, status)
    if retry_after:
        response.headers["Retry-After"] = str(retry_after)
    return response

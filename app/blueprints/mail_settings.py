"""Whether notifications can go by email, for admins: a test, and what did not go out."""

from flask import Blueprint, flash, g, redirect, render_template
from flask.typing import ResponseReturnValue

from app import mailing, mails
from app.blueprints.access import admin_only, own_transaction
from app.domain import notifications
from app.language import gettext as _
from app.mails import NotMailed

blueprint = Blueprint("mail_settings", __name__, url_prefix="/settings/notifications")

SHOWN = 20


@blueprint.get("")
@admin_only
def index() -> ResponseReturnValue:
    return _page()


@blueprint.post("/test")
@own_transaction
@admin_only
def test() -> ResponseReturnValue:
    """Send one mail to whoever asks, while they wait."""
    address = g.agent.email
    try:
        mailing.send_test(g.agent)
    except NotMailed as problem:
        return _page(str(problem)), 422
    flash(_("The mail server took a mail to %(address)s. Look whether it arrives.", address=address))
    return redirect("/settings/notifications", 303)


def _page(problem: str = "") -> str:
    return render_template(
        "settings/notifications.html",
        server=mails.server(),
        problem=problem,
        troubled=notifications.troubled(SHOWN),
    )

"""Webhook calls, for admins: the secret that signs them, and what came of each."""

from flask import Blueprint, abort, g, render_template, request
from flask.typing import ResponseReturnValue

from app import transaction
from app.blueprints.access import admin_only
from app.blueprints.answers import go, id_of, portion, refused
from app.domain import webhook_calls
from app.domain.agents import Refused
from app.language import gettext as _

blueprint = Blueprint("webhook_settings", __name__, url_prefix="/settings/webhooks")

PAGE = 50


@blueprint.get("")
@admin_only
def index() -> ResponseReturnValue:
    """The newest calls, or those before one."""
    before = id_of(request.args.get("before"))
    calls, older = portion(webhook_calls.listed(before=before, limit=PAGE + 1), PAGE)
    return render_template(
        "settings/webhooks/index.html",
        calls=calls,
        older=older,
        before=before,
        has_secret=webhook_calls.has_secret(),
    )


@blueprint.post("/secret")
@admin_only
def renew_secret() -> ResponseReturnValue:
    """A new secret, shown this once."""
    secret = webhook_calls.renew_secret(by=g.agent)
    transaction.commit()
    return render_template("settings/webhooks/secret.html", secret=secret)


@blueprint.post("/<int:call_id>/retry")
@admin_only
def retry(call_id: int) -> ResponseReturnValue:
    """Make a call again that was given up."""
    call = webhook_calls.find(call_id) or abort(404)
    try:
        webhook_calls.retry(call, by=g.agent)
    except Refused as problem:
        return refused(problem, "/settings/webhooks")
    transaction.commit()
    return go("/settings/webhooks", _("It is called again."))

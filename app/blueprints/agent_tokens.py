"""Ending an agent's API token, for admins; their page lists them, and the command line makes them."""

from flask import Blueprint, abort, flash, g, redirect, render_template
from flask.typing import ResponseReturnValue

from app import transaction
from app.blueprints.access import admin_only
from app.domain import agents, tokens
from app.domain.agents import Refused
from app.language import gettext as _
from app.models import ApiToken

blueprint = Blueprint("agent_tokens", __name__, url_prefix="/settings/agents")

REVOCATION = "/<int(max=2147483647):agent_id>/tokens/<int(max=2147483647):token_id>/revocation"


@blueprint.get(REVOCATION)
@admin_only
def ask_revocation(agent_id: int, token_id: int) -> ResponseReturnValue:
    """Say what revoking does before it is done."""
    return render_template("settings/agents/revoke.html", token=_token_or_404(agent_id, token_id))


@blueprint.post(REVOCATION)
@admin_only
def revoke(agent_id: int, token_id: int) -> ResponseReturnValue:
    token = _token_or_404(agent_id, token_id)
    try:
        tokens.revoke(token, by=g.agent)
    except Refused as error:
        flash(str(error), "error")
    else:
        transaction.commit()
        flash(_("The token that ends in %(last4)s is revoked.", last4=token.last4))
    return redirect(f"/settings/agents/{agent_id}", 303)


def _token_or_404(agent_id: int, token_id: int) -> ApiToken:
    agent = agents.find(agent_id)
    found = [token for token in tokens.of_agent(agent) if token.id == token_id] if agent else []
    if not found:
        abort(404)
    return found[0]

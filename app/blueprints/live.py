"""The websocket's handshake, and the two parts of the icon's list as partials."""

from flask import Blueprint, current_app, g, render_template, request
from flask.typing import ResponseReturnValue
from simple_websocket import Server

from app import rows, transaction
from app.blueprints.access import admin_only, signed_in
from app.blueprints.answers import id_of
from app.domain import access
from app.extensions import sock
from app.live import service
from app.live.hub import Client
from app.security import is_own_origin

blueprint = Blueprint("live", __name__)


@blueprint.get("/live/incoming")
@signed_in
def incoming() -> ResponseReturnValue:
    """Incoming chats, the same for everybody who is offered the same."""
    found = rows.incoming(access.offered_to(g.agent))
    return render_template("chats/_incoming.html", incoming=found)


@blueprint.get("/live/responses")
@signed_in
def responses() -> ResponseReturnValue:
    """New responses in chats I have taken, without the one that this page is showing (S15)."""
    looked_at = id_of(request.args.get("looking"))
    found = [row for row in rows.responses(g.agent) if row.number != looked_at]
    return render_template("chats/_responses.html", responses=found)


@blueprint.get("/live/banners")
@admin_only
def banners() -> ResponseReturnValue:
    """The lines at the top of an admin's pages."""
    return render_template("_admin_banners.html")


@blueprint.before_app_request
def _check_origin() -> ResponseReturnValue | None:
    """Another site's page may open a socket with our cookie: refuse it before the upgrade (T15)."""
    if request.path != "/live":
        return None
    origin = request.headers.get("Origin", "")
    return None if is_own_origin(origin, current_app.extensions["mado"]) else ("", 403)


@sock.route("/live", bp=blueprint)
def socket(ws: Server) -> None:
    """Hand an accepted socket to the hub; one without a session is told so with 4401."""
    if g.agent is None:
        ws.close(service.SIGNED_OUT, "signed out")
        return
    live, session_id = service.of(current_app), str(g.session.id)
    if service.has_too_many(live, session_id):
        ws.close(service.TRY_LATER, "too many pages")
        return
    client = Client(
        agent_id=g.agent.id,
        session_id=session_id,
        audience=access.audience_of(g.agent),
        offered=access.offered_to(g.agent),
    )
    service.begin(live)
    transaction.release()
    live.hub.adopt(ws, client=client)

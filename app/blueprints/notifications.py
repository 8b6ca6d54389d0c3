"""What rules told an agent: the list, the bell's count, and marking as read."""

from flask import Blueprint, abort, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app import transaction
from app.blueprints.access import signed_in
from app.blueprints.answers import address_of, go, id_of, portion, wants_fragment
from app.domain import contacts, notifications
from app.language import gettext as _
from app.models import LARGEST_ID

blueprint = Blueprint("notifications", __name__, url_prefix="/notifications")

PAGE = 50


@blueprint.get("")
@signed_in
def index() -> ResponseReturnValue:
    """The newest, or those before one; the region alone for a page that is open."""
    before = id_of(request.args.get("before"))
    found, older = portion(notifications.listed(g.agent, before=before, limit=PAGE + 1), PAGE)
    name = "notifications/_list.html" if wants_fragment() else "notifications/index.html"
    return render_template(
        name,
        notifications=found,
        older=older,
        before=before,
        title_of=contacts.title_of,
    )


@blueprint.get("/bell")
@signed_in
def bell() -> ResponseReturnValue:
    return render_template("_bell.html", unread=notifications.unread_count(g.agent))


@blueprint.post("/<int:notification_id>/reading")
@signed_in
def read(notification_id: int) -> ResponseReturnValue:
    """Mark one as read and go to its case."""
    found = notifications.find(g.agent, notification_id) or abort(404)
    address = address_of(found.case)
    notifications.read(g.agent, only=found.id)
    transaction.commit()
    return redirect(address, 303)


@blueprint.post("/reading")
@signed_in
def read_all() -> ResponseReturnValue:
    """Mark as read what the page has shown; what came since stays unread."""
    notifications.read(g.agent, up_to=id_of(request.form.get("up_to")) or LARGEST_ID)
    transaction.commit()
    return go("/notifications", _("All are marked as read."))

"""Settings of the whole installation: the overview, and what applies to every chat."""

from flask import Blueprint, flash, g, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app import transaction
from app.blueprints.access import admin_only
from app.blueprints.forms import Form
from app.domain import settings

blueprint = Blueprint("settings", __name__, url_prefix="/settings")

MINUTES = "chats.inactivity_minutes"
PUT_BACK = "chats.put_back_abandoned"
LARGEST = "media.largest_mb"


@blueprint.get("")
@admin_only
def index() -> ResponseReturnValue:
    return render_template("settings/index.html")


@blueprint.get("/general")
@admin_only
def general() -> ResponseReturnValue:
    values = {
        "minutes": str(settings.get(MINUTES)),
        "put_back": str(settings.get(PUT_BACK)),
        "largest": str(settings.get(LARGEST)),
    }
    return render_template("settings/general.html", values=values, errors={})


@blueprint.post("/general")
@admin_only
def change_general() -> ResponseReturnValue:
    form = Form()
    minutes = form.read("minutes", settings.inactivity_minutes)
    largest = form.read("largest", settings.largest_megabytes)
    put_back = str(int(form.flag("put_back")))
    if minutes is None or largest is None:
        typed = {name: form.typed.get(name, "") for name in ("minutes", "largest")}
        values = typed | {"put_back": put_back}
        return render_template("settings/general.html", values=values, errors=form.errors), 422
    settings.put(MINUTES, str(minutes), by=g.agent)
    settings.put(PUT_BACK, put_back, by=g.agent)
    settings.put(LARGEST, str(largest), by=g.agent)
    transaction.commit()
    flash(_("Saved. It applies to active chats at once."))
    return redirect("/settings/general", 303)

"""Settings of the whole installation: the overview, and what applies to every chat."""

from flask import Blueprint, flash, g, redirect, render_template
from flask.typing import ResponseReturnValue

from app import transaction
from app.blueprints.access import admin_only
from app.blueprints.forms import Form
from app.domain import settings
from app.language import gettext as _

blueprint = Blueprint("settings", __name__, url_prefix="/settings")

MINUTES = settings.INACTIVITY
PUT_BACK = settings.PUT_BACK
LARGEST = settings.LARGEST_FILE
WHO_MUST = settings.SECOND_FACTOR


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
        "who_must": str(settings.get(WHO_MUST)),
    }
    return _page(values, {})


@blueprint.post("/general")
@admin_only
def change_general() -> ResponseReturnValue:
    form = Form()
    minutes = form.read("minutes", settings.inactivity_minutes)
    largest = form.read("largest", settings.largest_megabytes)
    put_back = str(int(form.flag("put_back")))
    who_must = _who_must(form)
    if minutes is None or largest is None:
        typed = {name: form.typed.get(name, "") for name in ("minutes", "largest")}
        values = typed | {"put_back": put_back, "who_must": str(who_must)}
        return _page(values, form.errors), 422
    settings.put(MINUTES, str(minutes), by=g.agent)
    settings.put(PUT_BACK, put_back, by=g.agent)
    settings.put(LARGEST, str(largest), by=g.agent)
    settings.put(WHO_MUST, str(who_must), by=g.agent)
    transaction.commit()
    flash(_("Saved. It applies at once."))
    return redirect("/settings/general", 303)


def _who_must(form: Form) -> int:
    """What is none of the choices changes nothing."""
    chosen = form.read("who_must", settings.who_must)
    form.errors.pop("who_must", None)
    return settings.get(WHO_MUST) if chosen is None else chosen


def _page(values: dict[str, str], errors: dict[str, str]) -> str:
    choices = [
        ("0", _("Nobody"), _("Everybody may, on their account page.")),
        ("1", _("Admins"), ""),
        ("2", _("Everybody"), ""),
    ]
    return render_template("settings/general.html", values=values, errors=errors, choices=choices)

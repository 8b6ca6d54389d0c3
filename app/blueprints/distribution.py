"""Whether new chats are given out, for admins: to the least busy, within which minutes, and how many."""

from flask import Blueprint, flash, g, redirect, render_template
from flask.typing import ResponseReturnValue

from app import transaction
from app.blueprints.access import admin_only
from app.blueprints.forms import Form
from app.domain import settings
from app.language import gettext as _

blueprint = Blueprint("distribution", __name__, url_prefix="/settings/new-chats")

FIELDS = {
    "given_out": (settings.GIVES_OUT, settings.yes_or_no),
    "minutes": (settings.GIVEN_MINUTES, settings.opening_minutes),
    "at_once": (settings.GIVEN_AT_ONCE, settings.most_given),
}


@blueprint.get("")
@admin_only
def index() -> ResponseReturnValue:
    return _page({field: str(settings.get(name)) for field, (name, _parse) in FIELDS.items()}, {})


@blueprint.post("")
@admin_only
def change() -> ResponseReturnValue:
    form = Form()
    read = {field: form.read(field, parse) for field, (_name, parse) in FIELDS.items()}
    if form.errors:
        return _page({field: form.typed.get(field, "") for field in FIELDS}, form.errors), 422
    for field, (name, _parse) in FIELDS.items():
        settings.put(name, str(read[field]), by=g.agent)
    transaction.commit()
    flash(_("Saved. It applies at once."))
    return redirect("/settings/new-chats", 303)


def _page(values: dict[str, str], errors: dict[str, str]) -> str:
    choices = [
        ("0", _("Nobody in particular"), _("They wait under New and light everybody's icon; whoever is first takes one.")),
        ("1", _("The least busy agent"), _("Of those who are online and may see the chat, it goes to who has the fewest; among equals, to who waited longest.")),
    ]
    return render_template("settings/new_chats.html", values=values, errors=errors, choices=choices)

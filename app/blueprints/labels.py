"""Labels, for admins: adding, renaming, and what deleting one does."""

from flask import Blueprint, abort, flash, g, redirect, render_template
from flask.typing import ResponseReturnValue

from app import transaction
from app.blueprints.access import admin_only
from app.blueprints.forms import Form
from app.domain import labels, macros
from app.domain.rules import references
from app.language import gettext as _
from app.models import Label

blueprint = Blueprint("labels", __name__, url_prefix="/settings/labels")

ONE = "/<int:label_id>"


@blueprint.get("")
@admin_only
def index() -> ResponseReturnValue:
    return _list()


@blueprint.post("")
@admin_only
def create() -> ResponseReturnValue:
    form = Form()
    label = form.read("name", lambda name: labels.create(name, by=g.agent))
    if label is None:
        return _list(form.typed.get("name", ""), form.errors), 422
    return _done(_("The label %(name)s is there.", name=label.name))


@blueprint.get(ONE)
@admin_only
def show(label_id: int) -> ResponseReturnValue:
    label = _label_or_404(label_id)
    return _page("edit", label, name=label.name, errors={})


@blueprint.post(ONE)
@admin_only
def change(label_id: int) -> ResponseReturnValue:
    label, form = _label_or_404(label_id), Form()
    form.read("name", lambda name: labels.rename(label, name, by=g.agent))
    if form.errors:
        return _page("edit", label, name=form.typed.get("name", ""), errors=form.errors), 422
    return _done(_("Saved."))


@blueprint.get(f"{ONE}/deletion")
@admin_only
def ask_deletion(label_id: int) -> ResponseReturnValue:
    """Say what deleting does before it is done."""
    return _page("delete", _label_or_404(label_id))


@blueprint.post(f"{ONE}/deletion")
@admin_only
def delete(label_id: int) -> ResponseReturnValue:
    label = _label_or_404(label_id)
    name = label.name
    labels.delete(label, by=g.agent)
    return _done(_("The label %(name)s is deleted.", name=name))


def _label_or_404(label_id: int) -> Label:
    return labels.find(label_id) or abort(404)


def _done(words: str) -> ResponseReturnValue:
    transaction.commit()
    flash(words)
    return redirect("/settings/labels", 303)


def _list(name: str = "", errors: dict[str, str] | None = None) -> str:
    return render_template(
        "settings/labels/index.html",
        labels=labels.listed(),
        counts=labels.case_counts(),
        rules=references.to_labels(),
        name=name,
        errors=errors or {},
    )


def _page(page: str, label: Label, **more: object) -> str:
    return render_template(
        f"settings/labels/{page}.html",
        label=label,
        count=labels.case_counts().get(label.id, 0),
        rules=references.to_labels().get(label.id, []),
        macro_count=macros.count_with_label(label.id),
        **more,
    )

"""Groups of agents, for admins: name, members, and what deleting one does."""

from flask import Blueprint, abort, flash, g, redirect, render_template
from flask.typing import ResponseReturnValue

from app import transaction
from app.blueprints.access import admin_only
from app.blueprints.forms import Form
from app.domain import agents, profiles
from app.domain.agents import Refused
from app.language import gettext as _
from app.models import Agent, Group

blueprint = Blueprint("groups", __name__, url_prefix="/settings/groups")

ONE = "/<int(max=2147483647):group_id>"


@blueprint.get("")
@admin_only
def index() -> ResponseReturnValue:
    return render_template("settings/groups/index.html", groups=agents.groups_with_members())


@blueprint.get("/new")
@admin_only
def new() -> ResponseReturnValue:
    return _page(None, "", (), {})


@blueprint.post("/new")
@admin_only
def create() -> ResponseReturnValue:
    form = Form()
    name = form.read("name", profiles.name)
    members = _members(form)
    if name is not None:
        try:
            group = agents.create_group(name, by=g.agent)
        except Refused as error:
            form.errors["name"] = str(error)
    if form.errors:
        return _typed_page(None, form), 422
    group.members = members
    return _saved()


@blueprint.get(ONE)
@admin_only
def show(group_id: int) -> ResponseReturnValue:
    group = _group_or_404(group_id)
    return _page(group, group.name, [agent.id for agent in group.members], {})


@blueprint.post(ONE)
@admin_only
def change(group_id: int) -> ResponseReturnValue:
    group, form = _group_or_404(group_id), Form()
    name = form.read("name", profiles.name)
    if name is not None:
        try:
            agents.change_group(group, name=name, members=_members(form), by=g.agent)
        except Refused as error:
            form.errors["name"] = str(error)
    return (_typed_page(group, form), 422) if form.errors else _saved()


@blueprint.get(f"{ONE}/deletion")
@admin_only
def ask_deletion(group_id: int) -> ResponseReturnValue:
    """Say what deleting does before it is done."""
    return render_template("settings/groups/delete.html", group=_group_or_404(group_id))


@blueprint.post(f"{ONE}/deletion")
@admin_only
def delete(group_id: int) -> ResponseReturnValue:
    group = _group_or_404(group_id)
    name = group.name
    agents.delete_group(group, by=g.agent)
    transaction.commit()
    flash(_("The group %(name)s is deleted.", name=name))
    return redirect("/settings/groups", 303)


def _group_or_404(group_id: int) -> Group:
    found = agents.groups_of([group_id])
    if not found:
        abort(404)
    return found[0]


def _members(form: Form) -> list[Agent]:
    wanted = set(form.ids("member_ids"))
    return [agent for agent in agents.everyone() if agent.id in wanted]


def _saved() -> ResponseReturnValue:
    transaction.commit()
    flash(_("Saved."))
    return redirect("/settings/groups", 303)


def _typed_page(group: Group | None, form: Form) -> str:
    return _page(group, form.typed.get("name", ""), form.ids("member_ids"), form.errors)


def _page(
    group: Group | None, name: str, member_ids: list[int] | tuple[()], errors: dict[str, str]
) -> str:
    return render_template(
        "settings/groups/edit.html",
        group=group,
        name=name,
        member_ids=member_ids,
        errors=errors,
        people=[(agent.id, agent.name, agent.email) for agent in agents.everyone()],
    )

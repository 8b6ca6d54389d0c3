"""The people of the team, for admins: add, edit, deactivate, and links to set a password."""

from dataclasses import dataclass

from flask import Blueprint, abort, current_app, flash, g, redirect, render_template
from flask.typing import ResponseReturnValue

from app import mails, transaction
from app.blueprints.access import admin_only
from app.blueprints.answers import wants_fragment
from app.blueprints.forms import Form
from app.domain import (
    agents,
    invitations,
    password_requests,
    profiles,
    second_factors,
    sessions,
    tokens,
)
from app.domain.agents import Refused
from app.language import gettext as _
from app.models import Agent

blueprint = Blueprint("agents", __name__, url_prefix="/settings/agents")

ONE = "/<int(max=2147483647):agent_id>"


@dataclass
class Fields:
    """What the form shows: what is known of an agent, or what somebody typed."""

    name: str = ""
    email: str = ""
    role: str = "agent"
    access: str = "all"
    may_change: bool = True
    group_ids: frozenset[int] = frozenset()


@blueprint.get("")
@admin_only
def index() -> ResponseReturnValue:
    name = "settings/agents/_table.html" if wants_fragment() else "settings/agents/index.html"
    return render_template(
        name, agents=agents.everyone(), invited=invitations.waiting(), mailing=password_requests.by_agent()
    )


@blueprint.get("/new")
@admin_only
def new() -> ResponseReturnValue:
    return _new_page(Fields(), {})


@blueprint.post("/new")
@admin_only
def create() -> ResponseReturnValue:
    """Add an agent, and mail and show the link by which they set their password, this once."""
    form = Form()
    fields = _checked(form)
    if form.errors:
        return _new_page(_typed(form), form.errors), 422
    try:
        agent = agents.create(
            fields.email,
            name=fields.name,
            role=fields.role,
            access=fields.access,
            may_change=fields.may_change,
            groups=agents.groups_of(fields.group_ids),
            by=g.agent,
        )
    except Refused as error:
        return _new_page(_typed(form), {"email": str(error)}), 422
    return _show_link(agent)


@blueprint.get(ONE)
@admin_only
def show(agent_id: int) -> ResponseReturnValue:
    agent = _agent_or_404(agent_id)
    return _edit_page(agent, _known(agent), {})


@blueprint.post(ONE)
@admin_only
def change(agent_id: int) -> ResponseReturnValue:
    agent, form = _agent_or_404(agent_id), Form()
    fields = _checked(form)
    if form.errors:
        return _edit_page(agent, _typed(form), form.errors), 422
    other = agents.by_email(fields.email)
    try:
        _change(agent, fields, is_active=agent.is_active)
    except Refused as error:
        field = "email" if other and other.id != agent.id else "role"
        return _edit_page(agent, _typed(form), {field: str(error)}), 422
    transaction.commit()
    flash(_("Saved."))
    return redirect("/settings/agents", 303)


@blueprint.post(f"{ONE}/deactivation")
@admin_only
def deactivate(agent_id: int) -> ResponseReturnValue:
    """Sign an agent out for good: sessions and tokens die, their chats go back to New."""
    return _set_active(_agent_or_404(agent_id), is_active=False)


@blueprint.post(f"{ONE}/activation")
@admin_only
def activate(agent_id: int) -> ResponseReturnValue:
    return _set_active(_agent_or_404(agent_id), is_active=True)


@blueprint.post(f"{ONE}/invitation")
@admin_only
def invite(agent_id: int) -> ResponseReturnValue:
    """A new link to set a password, mailed and shown this once; earlier ones stop working."""
    agent = _agent_or_404(agent_id)
    if not agent.is_active:
        flash(_("%(name)s is deactivated. Activate them first.", name=agent.name), "error")
        return redirect(f"/settings/agents/{agent.id}", 303)
    return _show_link(agent)


@blueprint.post(f"{ONE}/sessions/ending")
@admin_only
def end_sessions(agent_id: int) -> ResponseReturnValue:
    """Sign an agent out everywhere: for a lost phone or a shared computer."""
    agent = _agent_or_404(agent_id)
    sessions.end_all(agent, by=g.agent)
    transaction.commit()
    flash(_("%(name)s is signed out everywhere.", name=agent.name))
    return redirect(f"/settings/agents/{agent.id}", 303)


@blueprint.post(f"{ONE}/second-factor/removal")
@admin_only
def remove_second_factor(agent_id: int) -> ResponseReturnValue:
    """For a lost phone without recovery codes: the password alone signs in again."""
    agent = _agent_or_404(agent_id)
    second_factors.remove(agent, by=g.agent)
    transaction.commit()
    flash(_("%(name)s signs in with the password alone.", name=agent.name))
    return redirect(f"/settings/agents/{agent_id}", 303)


def _agent_or_404(agent_id: int) -> Agent:
    agent = agents.find(agent_id)
    if agent is None:
        abort(404)
    return agent


def _known(agent: Agent) -> Fields:
    return Fields(
        agent.name, agent.email, agent.role, agent.access, agent.may_change, agent.group_ids
    )


def _checked(form: Form) -> Fields:
    fields = Fields(
        name=form.read("name", profiles.name) or "",
        email=form.read("email", profiles.email) or "",
        role=form.read("role", profiles.role) or "",
        access=form.read("access", profiles.access) or "",
        may_change=not form.flag("view_only"),
        group_ids=frozenset(form.ids("group_ids")),
    )
    if fields.role == "agent" and fields.access == "assigned" and not fields.may_change:
        form.errors["access"] = _("Who only looks is given nothing, so they would see nothing. Choose more.")
    return fields


def _typed(form: Form) -> Fields:
    typed = {name: form.typed.get(name, "") for name in ("name", "email", "role", "access")}
    group_ids = frozenset(form.ids("group_ids"))
    return Fields(**typed, may_change=not form.flag("view_only"), group_ids=group_ids)


def _change(agent: Agent, fields: Fields, *, is_active: bool) -> None:
    agents.change(
        agent,
        name=fields.name,
        email=fields.email,
        role=fields.role,
        access=fields.access,
        may_change=fields.may_change,
        is_active=is_active,
        groups=agents.groups_of(fields.group_ids),
        by=g.agent,
    )


def _set_active(agent: Agent, *, is_active: bool) -> ResponseReturnValue:
    try:
        _change(agent, _known(agent), is_active=is_active)
    except Refused as error:
        flash(str(error), "error")
        return redirect(f"/settings/agents/{agent.id}", 303)
    transaction.commit()
    said = _("%(name)s can sign in again.") if is_active else _("%(name)s is deactivated.")
    flash(said % {"name": agent.name})
    return redirect("/settings/agents", 303)


def _show_link(agent: Agent) -> ResponseReturnValue:
    """One for who asked to show it, and one on its way to the agent where there is a mail server."""
    token = invitations.create(agent, by=g.agent)
    is_mailed = mails.server() is not None
    if is_mailed:
        password_requests.add(agent.email, agent=agent)
    transaction.commit()
    # Never from the request: a forged Host header must not choose where a password is typed (T17).
    link = f"{current_app.extensions['mado'].public_url}/invitations/{token}"
    return render_template("settings/agents/link.html", agent=agent, link=link, is_mailed=is_mailed)


def _new_page(fields: Fields, errors: dict[str, str]) -> str:
    return render_template(
        "settings/agents/new.html",
        fields=fields,
        errors=errors,
        group_choices=_group_choices(),
        has_mail=mails.server() is not None,
    )


def _edit_page(agent: Agent, fields: Fields, errors: dict[str, str]) -> str:
    return render_template(
        "settings/agents/edit.html",
        agent=agent,
        fields=fields,
        errors=errors,
        group_choices=_group_choices(),
        invitation=invitations.waiting().get(agent.id),
        mailing=password_requests.by_agent().get(agent.id),
        tokens=tokens.of_agent(agent),
        is_over=tokens.is_over,
    )


def _group_choices() -> list[tuple[int, str, str]]:
    return [(group.id, group.name, "") for group in agents.all_groups()]

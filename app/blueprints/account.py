"""Everybody's own page: name, password, sound, keys, mails, and where they are signed in.

Its second factor is set up and changed by `second_factor`.
"""

import re

from flask import Blueprint, abort, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app import mails, transaction
from app.blueprints import tries
from app.blueprints.access import changing, own_transaction, signed_in
from app.blueprints.answers import refused, wants_fragment
from app.blueprints.auth import end_session, hashed, is_right, new_password_errors, start_session
from app.blueprints.forms import Form
from app.domain import agents, events, limits, presence, profiles, second_factors, sessions
from app.domain.agents import Refused
from app.domain.throttle import TooMany
from app.extensions import db
from app.language import gettext as _
from app.models import MAIL_CHOICES, Agent

blueprint = Blueprint("account", __name__, url_prefix="/account")

PAGE = "/account"


@blueprint.get("")
@signed_in
def index() -> ResponseReturnValue:
    return page()


@blueprint.get("/state")
@signed_in
def state() -> ResponseReturnValue:
    """Online or no chats, as the menu offers it (H2)."""
    return render_template("_state.html") if wants_fragment() else redirect(PAGE, 303)


@blueprint.post("/state")
@changing
def choose_state() -> ResponseReturnValue:
    """Be offered new chats, or not."""
    try:
        presence.choose(g.agent, request.form.get("state", ""))
    except Refused as problem:
        return refused(problem, PAGE)
    transaction.commit()
    if wants_fragment():
        return render_template("_state.html")
    return redirect("/chats", 303)


@blueprint.post("/name")
@signed_in
def change_name() -> ResponseReturnValue:
    form = Form()
    name = form.read("name", profiles.name)
    if name is None:
        return page(form), 422
    g.agent.name = name
    db.session.flush()
    events.record("agent.changed", by=g.agent, agent=g.agent.id)
    transaction.commit()
    flash(_("Your name is saved."))
    return redirect(PAGE, 303)


@blueprint.post("/preferences")
@signed_in
def change_preferences() -> ResponseReturnValue:
    form = Form()
    g.agent.has_sound, g.agent.has_shortcuts = form.flag("sound"), form.flag("shortcuts")
    transaction.commit()
    flash(_("Saved."))
    return redirect(PAGE, 303)


@blueprint.post("/notifications")
@signed_in
def change_notifications() -> ResponseReturnValue:
    """Which of them arrive by email; what is none of the choices changes nothing."""
    choice = request.form.get("mailed")
    g.agent.mailed = choice if choice in MAIL_CHOICES else g.agent.mailed
    transaction.commit()
    flash(_("Saved."))
    return redirect(PAGE, 303)


@blueprint.post("/password")
@own_transaction
@signed_in
def change_password() -> ResponseReturnValue:
    """A new password, proven by the old one; every other browser is signed out."""
    agent_id, known_hash = g.agent.id, g.agent.password_hash
    typed = {name: request.form.get(name, "") for name in ("current", "password", "again")}
    if errors := new_password_errors(g.agent, typed["password"], typed["again"]):
        return page(errors=errors), 422
    transaction.release()
    if error := doubt(agent_id, typed["current"], known_hash):
        return page(errors={"current": error}), 422
    new_hash = hashed(typed["password"])
    agent = still(agent_id, known_hash)
    end_session()
    agents.set_password(agent, new_hash)
    start_session(agent)
    transaction.commit()
    flash(_("Your password is changed. You are signed out everywhere else."))
    return redirect(PAGE, 303)


@blueprint.post("/sessions/others/ending")
@signed_in
def end_other_sessions() -> ResponseReturnValue:
    count = sessions.end_others(g.session)
    transaction.commit()
    flash(_("Signed out everywhere else.") if count else _("You were signed in nowhere else."))
    return redirect(PAGE, 303)


@blueprint.post("/sessions/<int(max=2147483647):session_id>/ending")
@signed_in
def end_one_session(session_id: int) -> ResponseReturnValue:
    """Sign one of the agent's own browsers out."""
    found = [one for one in sessions.of_agent(g.agent) if one.id == session_id]
    if not found:
        abort(404)
    sessions.end(found[0])
    transaction.commit()
    flash(_("That browser is signed out."))
    return redirect(PAGE, 303)


def browser_name(user_agent: str) -> str:
    """What a person would call this browser: "Firefox on Windows"."""
    browser = _first(user_agent, {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "FxiOS": "Firefox", "Chrome": "Chrome", "CriOS": "Chrome", "Safari": "Safari"})
    system = _first(user_agent, {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "Mac OS": "Mac", "CrOS": "ChromeOS", "Linux": "Linux"})
    if browser and system:
        return _("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or _("Unknown browser")


def _first(user_agent: str, names: dict[str, str]) -> str:
    return next((name for mark, name in names.items() if re.search(rf"\b{mark}", user_agent)), "")


def doubt(agent_id: int, password: str, known_hash: str | None) -> str:
    """What to say to who asks for a change with this password; nothing when it is theirs."""
    try:
        tries.count((limits.OWN_PASSWORDS, str(agent_id)))
    except TooMany as error:
        return str(error)
    if not is_right(password, known_hash):
        return _("This is not your present password.")
    return ""


def still(agent_id: int, known_hash: str | None) -> Agent:
    """The agent in a writing transaction, with the password that was just proven: tries start again."""
    transaction.start_writing()
    agent = db.session.get(Agent, agent_id)
    if agent is None or not agent.is_active or agent.password_hash != known_hash:
        abort(409)
    limits.OWN_PASSWORDS.forget(str(agent_id))
    return agent


def page(form: Form | None = None, errors: dict[str, str] | None = None) -> str:
    return render_template(
        "auth/account.html",
        name=form.typed.get("name", "") if form else g.agent.name,
        errors=errors or (form.errors if form else {}),
        sessions=sessions.of_agent(g.agent),
        codes_left=second_factors.codes_left(g.agent),
        browser_name=browser_name,
        has_mail=mails.server() is not None,
        mail_choices=_mail_choices(),
    )


def _mail_choices() -> list[tuple[str, str, str]]:
    return [
        ("asked", _("Those that a rule sends by email"), ""),
        ("all", _("All"), _("Also those that a rule only shows in Mado.")),
        ("none", _("None"), _("Those that a rule sends by email are under the bell instead.")),
    ]

"""Signing in and out, and taking up an invitation; `second_step` asks for the second factor.

Answers never tell whether an address belongs to somebody: same words, same status, same work.
Tries are counted before anything is hashed, by address typed and by network address (T29).
"""

import logging

from flask import (
    Blueprint,
    abort,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
)
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app import transaction
from app.blueprints import tries
from app.blueprints.access import own_path, own_transaction
from app.clock import now
from app.domain import agents, invitations, limits, passwords, sessions, tokens
from app.domain.agents import Refused
from app.domain.throttle import TooMany, network_of
from app.extensions import db
from app.language import gettext as _
from app.models import Agent

blueprint = Blueprint("auth", __name__)
audit = logging.getLogger("mado.audit")

LONGEST_EMAIL = 254
SECOND_STEP_SECONDS = 10 * 60


@blueprint.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    """The sign-in page; who is signed in already goes on."""
    if g.agent:
        return redirect(own_path(request.args.get("next")), 303)
    return _sign_in_page()


@blueprint.post("/sign-in")
@own_transaction
def signing_in() -> ResponseReturnValue:
    """Check email and password and start a session."""
    email = request.form.get("email", "").strip()
    password = request.form.get("password", "")
    if missing := _missing(email, password):
        return _sign_in_page(missing, status=422)
    try:
        agent = _proven(email, password)
    except TooMany as error:
        return _sign_in_page({"form": str(error)}, status=429, retry_after=error.retry_after)
    if agent is None:
        record_refusal(agents.normal_email(email))
        return _sign_in_page({"form": _("Email or password is wrong.")}, status=422)
    return _let_in(agent, target=own_path(request.form.get("next")))


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End this browser's session, and let the browser forget the pages it kept."""
    end_session()
    transaction.commit()
    session.clear()
    response = redirect("/sign-in", 303)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@blueprint.get("/invitations/<token>")
def invitation(token: str) -> ResponseReturnValue:
    """Ask for the password that an invited agent wants."""
    found = invitations.find(token)
    if found is None:
        return _dead_invitation()
    return render_template("auth/invitation.html", agent=found.agent, errors={})


@blueprint.post("/invitations/<token>")
@own_transaction
def take_up_invitation(token: str) -> ResponseReturnValue:
    """Set the password, once, and sign in."""
    found = invitations.find(token)
    if found is None:
        return _dead_invitation()
    password, again = request.form.get("password", ""), request.form.get("again", "")
    if errors := new_password_errors(found.agent, password, again):
        return render_template("auth/invitation.html", agent=found.agent, errors=errors), 422
    transaction.release()
    password_hash = hashed(password)
    transaction.start_writing()
    found = invitations.find(token)
    if found is None:
        return _dead_invitation()
    try:
        agent = invitations.take_up(found, password_hash=password_hash)
    except Refused:
        return _dead_invitation()
    return _let_in(agent, target="/")


def end_session() -> None:
    """Forget who this browser was signed in as, before it becomes somebody else (T16)."""
    # Asked again: hashing may lie between, and the session may have ended meanwhile.
    living = sessions.find(session["token"]) if g.session else None
    if living:
        sessions.end(living)
    g.session = g.agent = None


def start_session(agent: Agent) -> None:
    """Give this browser a fresh session of the agent, and a fresh CSRF token with it."""
    session.clear()
    session.permanent = True
    session["token"] = sessions.start(
        agent, user_agent=request.user_agent.string, address=request.remote_addr or ""
    )
    audit.info("signed in: agent %s from %s", agent.id, request.remote_addr)


def proven_agent() -> Agent | None:
    """Who has proven a password in this browser, a moment ago, and owes the second factor."""
    agent_id, mark, at, _target = session.get("proven") or (0, "", 0, "")
    agent = agents.find(agent_id)
    if agent is None or not agent.is_active or not agent.has_second_factor:
        return None
    is_recent = abs(now().timestamp() - at) < SECOND_STEP_SECONDS
    return agent if is_recent and mark == _mark(agent) else None


def _let_in(agent: Agent, *, target: str) -> ResponseReturnValue:
    """Start the session of who has proven a password, or ask for the second factor first."""
    end_session()
    if agent.has_second_factor:
        session.clear()
        session["proven"] = [agent.id, _mark(agent), int(now().timestamp()), target]
        target = "/sign-in/code"
    else:
        start_session(agent)
    transaction.commit()
    return redirect(target, 303)


def _mark(agent: Agent) -> str:
    """What changes with the password: a proof of the old one is none of the new one."""
    return tokens.hashed(agent.password_hash or "")


def record_refusal(email: str) -> None:
    """In a transaction of its own, after the slow work, and alike for every address."""
    transaction.start_writing()
    sessions.refuse(agents.by_email(email), address=request.remote_addr or "")
    transaction.commit()


def new_password_errors(agent: Agent, password: str, again: str) -> dict[str, str]:
    """What is wrong with a new password typed twice, by field."""
    try:
        passwords.check(password, about=(agent.name, agent.email))
    except Refused as error:
        return {"password": str(error)}
    if password != again:
        return {"again": _("The two passwords differ. Type the new one again.")}
    return {}


def is_address(email: str) -> bool:
    """Whether this can be what somebody signs in with."""
    return 0 < len(email) <= LONGEST_EMAIL and email.isprintable()


def _missing(email: str, password: str) -> dict[str, str]:
    errors = {}
    if not is_address(email):
        errors["email"] = _("Type the email address you sign in with.")
    if not password:
        errors["password"] = _("Type your password.")
    return errors


def _proven(email: str, password: str) -> Agent | None:
    """The agent these belong to, in a writing transaction; None when they don't. Raise TooMany."""
    account, address = agents.normal_email(email), network_of(request.remote_addr or "")
    tries.count((limits.SIGN_INS_FROM, address), (limits.SIGN_INS, account))
    agent = agents.by_email(account)
    agent_id, known_hash = (agent.id, agent.password_hash) if agent else (None, None)
    transaction.release()
    if not is_right(password, known_hash):
        audit.warning("sign-in failed from %s", address)
        return None
    new_hash = hashed(password) if known_hash and passwords.is_outdated(known_hash) else None
    transaction.start_writing()
    agent = db.session.get(Agent, agent_id)
    # Both may have changed while the hash was computed.
    if agent is None or not agent.is_active or agent.password_hash != known_hash:
        return None
    if new_hash:
        agent.password_hash = new_hash
    limits.SIGN_INS_FROM.uncount(address)
    limits.SIGN_INS.forget(account)
    return agent


def is_right(password: str, password_hash: str | None) -> bool:
    """Whether it is; outside any transaction. Answers 503 when too many ask at once."""
    try:
        return passwords.is_right(password, password_hash)
    except passwords.Busy:
        abort(503)


def hashed(password: str) -> str:
    """What to keep of a new password; outside any transaction."""
    try:
        return passwords.hashed(password)
    except passwords.Busy:
        abort(503)


def _sign_in_page(
    errors: dict[str, str] | None = None, *, status: int = 200, retry_after: int | None = None
) -> Response:
    page = render_template(
        "auth/sign_in.html",
        email=request.form.get("email", ""),
        next=own_path(request.values.get("next")),
        errors=errors or {},
    )
    response = make_response(page, status)
    if retry_after:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _dead_invitation() -> ResponseReturnValue:
    return render_template("auth/dead_invitation.html"), 404

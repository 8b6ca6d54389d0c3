"""Who asks: the transaction, the session and the agent of each request, and what views demand.

It refuses to decide about cases; `case_or_404` asks the domain. What an agent may not see answers
exactly like what does not exist; what they may see and not change is 403, in words (`app.problems`).
"""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from flask import Flask, Response, abort, current_app, g, redirect, request, session
from flask.typing import ResponseReturnValue

from app import logs, transaction
from app.domain import access, cases, sessions
from app.models import Case
from app.problems import is_webhook

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Nobody is signed in here: files, load balancers, providers, people with a link, and programs with
# their own tokens.
ANONYMOUS_PATHS = ("/static/", "/media/", "/healthz", "/readyz", "/metrics", "/api/")

audit = logging.getLogger("mado.audit")

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


def init_app(app: Flask) -> None:
    app.before_request(_open_transaction)
    app.before_request(_load_agent)
    app.after_request(_note_refusal)
    app.teardown_request(_close_transaction)


def own_transaction(view: View) -> View:
    """Mark a view that starts and ends its writing transaction itself: it has slow work to do."""
    view._own_transaction = True  # type: ignore[attr-defined]
    return view


def signed_in(view: View) -> View:
    """Let agents in; lead everybody else to the sign-in page and back."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        return view(*args, **kwargs) if g.agent else _sign_in_first()

    return guarded  # type: ignore[return-value]


def newcomers_too(view: View) -> View:
    """Let agents in, also those who must set up a second factor before anything else."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        g.agent = g.session.agent if g.session else None
        return signed_in(view)(*args, **kwargs)

    return guarded  # type: ignore[return-value]


def admin_only(view: View) -> View:
    """Let admins in; other agents get 403."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        if not g.agent:
            return _sign_in_first()
        if not g.agent.is_admin:
            abort(403)
        return view(*args, **kwargs)

    return guarded  # type: ignore[return-value]


def changing(view: View) -> View:
    """Let agents in who may change something; who only looks gets 403."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        access.check_change(g.agent)
        return view(*args, **kwargs)

    return signed_in(guarded)  # type: ignore[type-var]


def case_or_404(number: int) -> Case:
    """The case, for the signed-in agent's eyes; 404 whether it is missing or not theirs (T11).

    A request that may change something finds it for those only who may.
    """
    case = cases.visible(number, access.audience_of(g.agent))
    if case is None:
        abort(404)
    if request.method not in SAFE_METHODS:
        access.check_change(g.agent)
    return case


def case_to_change(number: int) -> Case:
    """The same for a page that only asks what to change."""
    case = case_or_404(number)
    access.check_change(g.agent)
    return case


def own_path(target: str | None) -> str:
    """A path of ours to go to afterwards; `/` for anything that could lead elsewhere (T30)."""
    if not target or len(target) > 2000 or not target.startswith("/"):
        return "/"
    if target.startswith("//") or "\\" in target or not target.isprintable():
        return "/"
    parts = urlsplit(target)
    return "/" if parts.scheme or parts.netloc else target


def _open_transaction() -> None:
    if request.method not in SAFE_METHODS and not _manages_itself():
        transaction.start_writing()


def _manages_itself() -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return view is None or getattr(view, "_own_transaction", False)


def _load_agent() -> None:
    g.agent = g.session = None
    if request.path.startswith(ANONYMOUS_PATHS) or is_webhook(request.path):
        return
    token = session.get("token")
    if not isinstance(token, str):
        return
    g.session = sessions.find(token)
    if g.session:
        g.agent = None if g.session.owes_second_factor else g.session.agent
        request.environ[logs.AGENT_ID] = g.agent and g.agent.id
        sessions.touch(g.session.id)


def _note_refusal(response: Response) -> Response:
    """For whoever watches the log: who asked for what is not theirs, on a page or as a program."""
    if response.status_code == 403:
        who, path = request.environ.get(logs.AGENT_ID), logs.path_of(request.environ)
        audit.warning("refused: agent %s from %s, %s %r", who, request.remote_addr, request.method, path)
    return response


def _close_transaction(_error: BaseException | None) -> None:
    transaction.release()


def _sign_in_first() -> ResponseReturnValue:
    """A page leads to the sign-in and back. A fragment says 401 and leaves the page alone.

    Leaving would throw away what somebody is typing (U3): the page's script shows the banner.
    """
    if request.headers.get("HX-Request"):
        return Response(
            "You are signed out. Sign in again in a new tab; what you typed is kept.",
            401,
            {"HX-Trigger": "signed-out"},
            content_type="text/plain; charset=utf-8",
        )
    if g.session:  # with nobody behind it until the second factor is set up
        return redirect("/account/second-factor", 303)
    came_from = request.full_path.rstrip("?") if request.method == "GET" else "/"
    query = "" if came_from == "/" else f"?next={quote(came_from, safe='/')}"
    return redirect(f"/sign-in{query}", 303)

"""Assembles the app. Refuses calls from other web sites' pages: the page here acts without a sign-in."""

from dataclasses import fields
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

from linesim import cast
from linesim.acts import Stage
from linesim.api import api
from linesim.backstage import backstage
from linesim.calls import CallLog
from linesim.control import control
from linesim.current import KEY, World
from linesim.endpoint import endpoint
from linesim.faults import Faults
from linesim.oauth import oauth
from linesim.pages import pages
from linesim.people import people
from linesim.pictures import pictures
from linesim.received import SOURCES
from linesim.state import Account, Sim
from linesim.webhooks import Courier
from linesim.wire import SHORT_NAMES

MAX_CONTROL_BYTES = 20 * 1024 * 1024
POLICY = "; ".join([
    "default-src 'none'", "script-src 'self'", "style-src 'self'", f"img-src 'self' {SOURCES}", f"media-src 'self' {SOURCES}", "connect-src 'self'",
    "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
])


def build(**account: object) -> Flask:
    app = Flask("linesim", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_CONTROL_BYTES
    app.extensions[KEY] = _new_world(_account(account))
    for blueprint in (api, people, endpoint, oauth, pictures, control, backstage, pages):
        app.register_blueprint(blueprint)
    app.before_request(_refuse_other_sites)
    app.after_request(_harden)
    return app


def _account(given: dict[str, object]) -> Account:
    """An account from its fields' names or their short names: token, secret, webhook."""
    named = {SHORT_NAMES.get(name, name): value for name, value in given.items() if value is not None}
    unknown = set(named) - {field.name for field in fields(Account)}
    if unknown:
        raise TypeError(f"an account has no {', '.join(sorted(unknown))}")
    return Account(**named)  # type: ignore[arg-type]


def _new_world(account: Account) -> World:
    sim = Sim(account)
    cast.assemble(sim)
    calls = CallLog(sim.touch)
    courier = Courier(sim, calls)
    return World(sim, calls, courier, Stage(sim, courier), Faults())


def _refuse_other_sites() -> None:
    """A page of another site could post here with the reader's browser; its Origin gives it away."""
    origin = request.headers.get("Origin")
    if origin and urlsplit(origin).netloc != request.host:
        abort(403, "Calls from pages of other sites are refused.")


def _harden(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response

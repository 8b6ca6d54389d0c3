"""What went wrong, told to whoever asked: a page for people, a problem document for programs.

Every text says what happened and what to do now. It refuses to tell internals: a traceback goes
to the log, under the same words as the page.
"""

import logging
from http import HTTPStatus

from flask import Flask, Response, json, render_template, request
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, IntegrityError
from werkzeug.exceptions import HTTPException

from app import logs, transaction
from app.domain.access import LooksOnly
from app.extensions import OUTAGES

log = logging.getLogger(__name__)

RETRY_SECONDS = 2
KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate")

WORDS = {
    400: (_l("This request can't be understood"), _l("Go back, reload the page and try again.")),
    401: (_l("You are signed out"), _l("Sign in and try again.")),
    403: (_l("This is not for you"), _l("Your role does not allow it. Ask an admin of your team if you need it.")),
    404: (_l("There is nothing here"), _l("The address is wrong, the thing was deleted, or it belongs to a group you are not in.")),
    405: (_l("This address does not do that"), _l("Go back and use the buttons of the page.")),
    409: (_l("Somebody was faster"), _l("Reload the page to see what changed, then try again.")),
    413: (_l("This is too large"), _l("Send less text or a smaller file.")),
    429: (_l("Too many tries"), _l("Wait a few minutes, then try again.")),
    500: (_l("Something broke here"), _l("It is not your fault and it is written down. Try again; if it happens again, tell your admin this number.")),
    503: (_l("Mado is busy for a moment"), _l("Nothing was changed. Try again in a few seconds.")),
}
# What programs are told instead: they have no page to go back to.
PROGRAM_WORDS = {
    400: "This request can't be understood.",
    404: "There is nothing at this address.",
    405: "This address does not take this method: see `Allow`.",
    413: "The body is too large.",
    500: "Something broke here. It is written down; try again later.",
    503: "The database is busy. Nothing was changed; send the request again.",
}
STALE_PAGE = (
    _l("This page is out of date"),
    _l("You signed in or out since it was opened, or the request came from another site. Reload the page and try again."),
)


LOOKS_ONLY = (
    _l("You may only look"),
    _l("This was not changed. You may read what is here; ask an admin of your team if you need to change it."),
)


class Forbidden(HTTPException):
    """A request that another site made, or a page from before the last sign-in."""

    code = 403
    description = "forged or stale"


def init_app(app: Flask) -> None:
    app.register_error_handler(CSRFError, _stale)
    app.register_error_handler(Forbidden, _stale)
    for outage in OUTAGES:
        app.register_error_handler(outage, _database_trouble)
    app.register_error_handler(IntegrityError, _database_trouble)
    app.register_error_handler(DataError, _cannot_be_kept)
    app.register_error_handler(HTTPException, _answer)
    app.register_error_handler(LooksOnly, _looks_only)


def is_webhook(path: str) -> bool:
    """Whether a provider calls this path: `/<kind>/webhook/<key>`."""
    return path.split("/", 3)[2:3] == ["webhook"]


def problem(status: int, title: str | None = None, detail: str = "", **more: object) -> Response:
    """An RFC 9457 problem document. `more` are members of its own."""
    body = {
        "type": "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        **({"detail": detail} if detail else {}),
        **more,
    }
    return Response(json.dumps(body), status, content_type="application/problem+json")


def _answer(error: HTTPException) -> Response:
    if error.response is not None or error.code is None:
        return error.get_response()  # type: ignore[return-value]
    response = _told(error.code, *_words(error.code))
    for name, value in error.get_headers():
        if name in KEPT_HEADERS:
            response.headers[name] = value
    if error.code == 413:
        # The rest of the body is still on the wire and must not be read as the next request.
        response.headers["Connection"] = "close"
    return response


def _stale(error: HTTPException) -> Response:
    response = _told(403, *map(str, STALE_PAGE))
    response.headers["X-Mado"] = "stale"  # the page's script asks for a fresh token
    return response


def _looks_only(_error: LooksOnly) -> Response:
    response = _told(403, *map(str, LOOKS_ONLY))
    response.headers["X-Mado"] = "looks"  # no fresh token helps, and nothing is gone
    return response


def _database_trouble(error: Exception) -> Response:
    """Locked, full or gone: 503, so that whoever sends to us sends again (F7, F17).

    Two writers who made the same thing at the same moment get it too: the second try meets what
    the first one made.
    """
    if "readonly" in str(error):
        raise error
    log.error("database: %s", _first_line(error))
    transaction.release()
    return _told(503, *_words(503))


def _cannot_be_kept(error: DataError) -> Response:
    """A value no keyboard types and the database can't hold, such as NUL in PostgreSQL (F23)."""
    log.warning("database: %s", _first_line(error))
    transaction.release()
    return _told(400, *_words(400))


def _first_line(error: Exception) -> str:
    """PostgreSQL's further lines tell the values that did not fit: what customers wrote."""
    return str(error.__cause__ or error).partition("\n")[0]


def _words(status: int) -> tuple[str, str]:
    title, text = WORDS.get(status) or WORDS[500 if status >= 500 else 400]
    return str(title), str(text)


def _told(status: int, title: str, text: str) -> Response:
    response = _in_their_form(status, title, text)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _in_their_form(status: int, title: str, text: str) -> Response:
    if request.path.startswith("/api/"):
        return problem(status, detail=PROGRAM_WORDS.get(status, text))
    if request.headers.get("HX-Request") or is_webhook(request.path):
        number = f" {_number()}" if status == 500 else ""
        return Response(f"{title}. {text}{number}", status, content_type="text/plain; charset=utf-8")
    return Response(_page(status, title, text), status, content_type="text/html; charset=utf-8")


def _page(status: int, title: str, text: str) -> str:
    try:
        number = _number() if status >= 500 else ""
        return render_template("errors/error.html", status=status, title=title, text=text, number=number)
    except Exception:
        # The page for a broken house must not need the house.
        log.exception("the error page itself failed")
        return f"<!doctype html><title>{title}</title><h1>{title}</h1><p>{text}</p>"


def _number() -> str:
    """What the log calls this request; everybody may read it, it opens nothing."""
    return str(request.environ.get(logs.REQUEST_ID, ""))

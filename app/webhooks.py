"""The short way of a provider's call: straight to its kind, past what only browsers need.

A webhook brings no cookie, no form and no language; the way through sessions, tokens, routes and
hooks costs more than storing its event. Whatever is not a plain call (another method, another
host's name, a browser's Origin, an error) goes Flask's way, so that one place judges it.
"""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from flask import Flask, Request, Response, json

from app import security, transaction
from app.channels import registry
from app.channels.base import Answer

Environ = dict[str, Any]
WSGI = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
# What browsers say of where a request comes from, and programs don't (T14).
BROWSERS_WORDS = ("HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE")


def init_app(app: Flask) -> None:
    app.wsgi_app = ShortWay(app)  # type: ignore[method-assign]


class ShortWay:
    """In front of the application: answers plain webhook calls, hands on everything else."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._long_way: WSGI = app.wsgi_app
        self._headers = [("Content-Type", "application/json"), *security.standing_headers(app)]

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = self._answering(environ)
        if answer is None:
            return self._long_way(environ, start_response)
        with self._app.app_context():
            call = self._app.request_class(environ)
            try:
                body, status = answer(environ["PATH_INFO"].rpartition("/")[2], call)
            except Exception as problem:
                return self._told(problem, environ)(environ, start_response)
            finally:
                transaction.release()
        told = json.dumps(body).encode() if body else b"{}"
        length = ("Content-Length", str(len(told)))
        start_response(_line(status), [*self._headers, length])
        return [told]

    def _answering(self, environ: Environ) -> Callable[[str, Request], Answer] | None:
        """What answers this call, None when it is not a plain one."""
        if environ["REQUEST_METHOD"] != "POST":
            return None
        path = environ["PATH_INFO"].split("/")
        if len(path) != 4 or path[2] != "webhook" or not path[3].isascii() or not path[3]:
            return None
        if any(word in environ for word in BROWSERS_WORDS):
            return None
        config = self._app.extensions["mado"]
        if not security.is_own_host(environ.get("HTTP_HOST", ""), config):
            return None
        return registry.webhook(path[1])

    def _told(self, problem: Exception, environ: Environ) -> Response:
        """The answer to what went wrong, as Flask would give it."""
        with self._app.request_context(environ):
            try:
                answer = self._app.handle_user_exception(problem)
            except Exception as unexpected:
                return self._app.handle_exception(unexpected)
            return self._app.finalize_request(answer, from_error_handler=True)


def _line(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}"

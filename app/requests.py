"""Every request has a number: it stands in the answer, in each log line, and on an error's page.

In front of everything else, so that the short way of webhooks and what is refused early count too.
A proxy may bring the number; from anybody else it is not taken (T20).
"""

import logging
import os
import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

from app import counters, logs
from app.problems import is_webhook

Environ = dict[str, Any]
HEADER = "X-Request-ID"
GIVEN = "HTTP_X_REQUEST_ID"
WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
# Load balancers ask every second, and nobody wants to read that.
QUIET = frozenset({"health", "metrics"})

log = logging.getLogger(logs.REQUESTS)


def init_app(app: Flask) -> None:
    app.wsgi_app = Numbered(app)  # type: ignore[method-assign]
    app.log_exception = _log_exception  # type: ignore[method-assign]


class Numbered:
    """Around the application: numbers, times and tells of every request."""

    def __init__(self, app: Flask) -> None:
        self._next = app.wsgi_app
        self._has_proxy = app.extensions["mado"].trusted_proxies > 0

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        began = time.perf_counter()
        number = environ[logs.REQUEST_ID] = self._number(environ)

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            headers.append((HEADER, number))
            _tell(environ, status, time.perf_counter() - began)
            return start_response(status, headers, *more)

        before = logs.current.set(environ)
        try:
            return self._next(environ, start)
        finally:
            logs.current.reset(before)

    def _number(self, environ: Environ) -> str:
        if self._has_proxy and WELL_FORMED.fullmatch(given := environ.get(GIVEN, "")):
            return given
        return os.urandom(8).hex()


def _tell(environ: Environ, status: str, seconds: float) -> None:
    group = _group(environ)
    if group in QUIET:
        return
    counters.answered(group, status[:3], seconds)
    if not log.isEnabledFor(logging.INFO):
        return
    answer = {"status": int(status[:3]), "milliseconds": round(seconds * 1000, 1)}
    log.info("answered", extra={"answer": answer})


def _group(environ: Environ) -> str:
    """What kind of page was asked for: webhooks of all kinds, else the blueprint."""
    if is_webhook(environ["PATH_INFO"]):
        return "webhook"
    endpoint = getattr(environ.get("werkzeug.request"), "endpoint", None) or "none"
    return str(endpoint).partition(".")[0]


def _log_exception(exc_info: Any) -> None:
    """Like Flask's own, without what a path may hold."""
    environ = logs.current.get() or {}
    method, path = environ.get("REQUEST_METHOD"), logs.path_of(environ)
    logging.getLogger(__name__).error("%s %s broke", method, path, exc_info=exc_info)

"""What every response says to browsers, and which requests are heard at all.

Unknown hosts get 400 before anything else happens (T31); a change asked for by another site's
page gets 403 even with a good token (T14). Headers are set on every response, errors and files
included; a view that knows better sets its own first.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, request, session
from flask.typing import ResponseReturnValue
from werkzeug.middleware.proxy_fix import ProxyFix

from app import problems
from app.config import Config
from app.domain import settings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Asked by programs under whatever name the machine has; /metrics judges that for itself.
HEALTH_PATHS = ("/healthz", "/readyz", "/metrics")
# Taking 2 MB of a form's fields apart keeps everybody waiting for seconds; strangers sign in only.
LARGEST_STRANGERS_FORM = 64 * 1024
View = TypeVar("View", bound=Callable[..., ResponseReturnValue])
DEFAULT_PORTS = {"http": 80, "https": 443}

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def init_app(app: Flask) -> None:
    config: Config = app.extensions["mado"]
    app.extensions["mado_security"] = _headers(config)
    if config.trusted_proxies:
        hops = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0, x_prefix=0)  # type: ignore[method-assign]
    # In front of the extensions' own hooks: nothing else looks at a request for another host.
    first = [_check_host, _check_origin, _limit_strangers, _let_files_in]
    app.before_request_funcs.setdefault(None, [])[:0] = first
    app.after_request(_add_headers)
    problems.init_app(app)


def content_security_policy(config: Config) -> str:
    """Our own files and nothing else; the socket is named for browsers whose 'self' omits it."""
    # An IPv6 address is no valid source; pages on [::1] have 'self'.
    named = (origin for origin in config.valid_origins if "[" not in origin)
    sockets = " ".join(sorted(f"ws{origin[4:]}" for origin in named))
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "media-src 'self'",
            f"connect-src 'self' {sockets}",
            "font-src 'self'",
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "object-src 'none'",
        )
    )


@lru_cache(maxsize=64)
def is_own_origin(origin: str, config: Config) -> bool:
    """Whether a page of this origin is ours: for forms, and for the websocket's handshake."""
    return _without_default_port(origin) in {
        _without_default_port(own) for own in config.valid_origins
    }


def is_own_host(host: str, config: Config) -> bool:
    """Whether a Host header names us."""
    return is_own_origin(f"{'https' if config.is_https else 'http'}://{host}", config)


def standing_headers(app: Flask) -> list[tuple[str, str]]:
    """What every answer carries that says nothing else itself."""
    return [*app.extensions["mado_security"].items(), ("Cache-Control", "no-store")]


def _headers(config: Config) -> dict[str, str]:
    headers = {**HEADERS, "Content-Security-Policy": content_security_policy(config)}
    if config.is_https:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return headers


def _check_host() -> None:
    if request.path in HEALTH_PATHS:
        return
    if not is_own_host(request.environ.get("HTTP_HOST", ""), current_app.extensions["mado"]):
        abort(400)


def _check_origin() -> None:
    """Browsers say where a request comes from; programs say nothing, and bring a token instead.

    Our referrer policy makes browsers send `Origin: null` with our own forms, so that value is
    judged by Sec-Fetch-Site alone.
    """
    if request.method in SAFE_METHODS or request.path.startswith("/api/"):
        return
    origin = request.headers.get("Origin", "null")
    site = request.headers.get("Sec-Fetch-Site", "none")
    is_foreign = origin != "null" and not is_own_origin(origin, current_app.extensions["mado"])
    if is_foreign or site not in ("same-origin", "none"):
        raise problems.Forbidden


def _limit_strangers() -> None:
    """Before the form is read for its token: a browser that never signed in has little to say.

    Programs and providers are known by what they bring, and have limits of their own.
    """
    is_program = request.path.startswith("/api/") or problems.is_webhook(request.path)
    if request.method not in SAFE_METHODS and not is_program and "token" not in session:
        request.max_content_length = LARGEST_STRANGERS_FORM


def takes_files(view: View) -> View:
    """Mark a view that takes a file as its body, or a form with files: it may be as large as one."""
    view._takes_files = True  # type: ignore[attr-defined]
    return view


def _let_files_in() -> None:
    """Before the form is read for its token, and for these views alone."""
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "_takes_files", False) and "token" in session:
        largest = settings.get(settings.LARGEST_FILE) * settings.MEGABYTE
        request.max_content_length = largest + LARGEST_STRANGERS_FORM


def _without_default_port(origin: str) -> str:
    try:
        parts = urlsplit(origin.lower())
        port = parts.port
    except ValueError:
        return ""
    if parts.hostname is None or parts.path or "@" in parts.netloc:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = f":{port}" if port and port != DEFAULT_PORTS.get(parts.scheme) else ""
    return f"{parts.scheme}://{host}{shown}"


def _add_headers(response: Response) -> Response:
    for name, value in current_app.extensions["mado_security"].items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


"""/metrics, as Prometheus reads it. For who brings the token; without one for this machine alone.

Nobody else learns that it is there. Any process answers for all of the installation.
"""

import hmac
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from app import counters, storage
from app.clock import now
from app.config import LOOPBACK_HOSTS
from app.domain import kept_events, metrics, ticks

blueprint = Blueprint("metrics", __name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# What proxies say of whom they speak for: its peer is no client of ours then.
FORWARDED = ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP", "HTTP_X_FORWARDED_")
FAMILIES = {
    "mado_database_up": ("gauge", "1 when the database answers; without it there is nothing else here."),
    "mado_disk_free_bytes": ("gauge", "Space that is left where DATA_DIR is."),
    counters.EVENTS: ("counter", "Recorded facts by type, as the glossary lists them."),
    "mado_given_up_events": ("gauge", "Events that are not tried any more and wait for an admin."),
    counters.INTAKE: ("counter", "Events that providers sent, by what came of them."),
    counters.MAILS: ("counter", "Tries to send a mail, by outcome."),
    counters.SOCKETS: ("gauge", "Open pages with a websocket."),
    "mado_queue_age_seconds": ("gauge", "For how long the first in a queue has waited."),
    "mado_queue_depth": ("gauge", "How many wait in a queue, those to be tried again later included."),
    counters.SECONDS: ("histogram", "Seconds until an answer began, by group of pages."),
    counters.REQUESTS: ("counter", "Answered requests by group of pages and status."),
    counters.RULE_RUNS: ("counter", "Rules that acted, by outcome."),
    "mado_scheduler_tick_age_seconds": ("gauge", "Since when no scheduler has ticked."),
    counters.CALLS: ("counter", "Tries to call another program, by outcome."),
}


@blueprint.get("/metrics")
def index() -> ResponseReturnValue:
    if not _may_read():
        abort(404)
    return Response(_text(_found()), content_type=CONTENT_TYPE)


def _may_read() -> bool:
    token = current_app.extensions["mado"].metrics_token
    if token is None:
        return _is_of_this_machine()
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    fits = hmac.compare_digest(given.strip().encode(), token.encode())
    return scheme.lower() == "bearer" and fits


def _is_of_this_machine() -> bool:
    """Whether no proxy can stand in between: everybody who comes through one here looks local (T20).

    A proxy says for whom it speaks, if it is set up as TRUSTED_PROXIES says. Without that setting
    it may say nothing, so an address that others can reach needs a token.
    """
    config = current_app.extensions["mado"]
    if any(name.startswith(FORWARDED) for name in request.environ):
        return False
    is_public = urlsplit(config.public_url).hostname not in LOOPBACK_HOSTS
    if is_public and not config.trusted_proxies:
        return False
    return _is_named_here(request.environ.get("HTTP_HOST", "")) and _is_loopback(
        request.remote_addr or ""
    )


def _is_named_here(host: str) -> bool:
    """Not under another name, which a page in a browser of this machine could give itself."""
    try:
        return urlsplit(f"//{host}").hostname in LOOPBACK_HOSTS
    except ValueError:
        return False


def _is_loopback(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def _found() -> dict[str, float]:
    """Every series and its value."""
    found: dict[str, float] = {"mado_disk_free_bytes": storage.free_bytes()}
    try:
        return found | _counted() | _asked() | {"mado_database_up": 1}
    except SQLAlchemyError:
        return found | {"mado_database_up": 0}


def _counted() -> dict[str, float]:
    """The highest bucket of a histogram holds all of it, so that it is not counted for itself."""
    totals = metrics.totals()
    whole = f"{counters.SECONDS}_count{{"
    highest = {
        one.replace("_count{", "_bucket{").replace("}", ',le="+Inf"}'): totals[one]
        for one in totals
        if one.startswith(whole)
    }
    return totals | highest


def _asked() -> dict[str, float]:
    asked: dict[str, float] = {"mado_given_up_events": kept_events.given_up_count()}
    for queue, (count, age) in metrics.waiting().items():
        asked[counters.series("mado_queue_depth", queue=queue)] = count
        asked[counters.series("mado_queue_age_seconds", queue=queue)] = age
    if tick := ticks.latest():
        asked["mado_scheduler_tick_age_seconds"] = (now() - tick).total_seconds()
    return asked


def _text(found: dict[str, float]) -> str:
    lines: list[str] = []
    told = ""
    for one in sorted(found, key=lambda series: series.replace("+Inf", "Inf")):
        name = one.partition("{")[0]
        family = name if name in FAMILIES else name.rpartition("_")[0]
        if family not in FAMILIES:
            continue  # counted by another version
        if family != told:
            kind, meaning = FAMILIES[family]
            lines += [f"# HELP {family} {meaning}", f"# TYPE {family} {kind}"]
            told = family
        value = float(found[one])
        lines.append(f"{one} {int(value) if value.is_integer() else value}")
    return "\n".join([*lines, ""])

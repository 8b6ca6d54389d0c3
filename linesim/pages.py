"""The page with the phone: rendered here, kept fresh by polling, all acts as plain forms.

Forms work without JavaScript: they answer with a redirect to the talk. What can't be done comes back as the
same page with a sentence and status 409.
"""

import json
import secrets
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)

from linesim import clock, samples, scenes, screen
from linesim.acts import Impossible
from linesim.current import world
from linesim.faults import AFTER, ALL, BEFORE, TESTS, WORDS, Fault
from linesim.state import Customer
from linesim.wire import Wrong, find_customer, find_group, find_message, set_account

LOG_SHOWN = 60
FAULTY_CALLS = ("reply", "push", "profile", "info", "content", "quota", "consumption", "group_member", "loading",
                "mark_as_read", "verify", "token", "webhook_set", "webhook_get", "webhook_test", "*")
MOST_TIMES = 99
SWITCHES = ("use_webhook", "redelivery", "reversed", "twice")
LATE_SECONDS = 5.0

pages = Blueprint("pages", __name__, template_folder="templates", static_folder="static", static_url_path="/static")
# A restarted simulator counts its versions anew; this keeps an open page from taking them for the old ones.
STARTED = secrets.token_hex(4)
Page = Response | tuple[Response, int]


@pages.get("/")
def home() -> Page:
    sim = world().sim
    talk = sim.messages[-1].talk if sim.messages else next(iter(sim.customers))
    return _page(talk, is_home=True)


@pages.get("/talks/<talk>")
def show(talk: str) -> Page:
    return _page(talk)


@pages.post("/talks/<talk>/messages")
def write(talk: str) -> Page:
    sim, form = world().sim, request.form
    group = sim.groups.get(talk)
    writer = find_customer(form.get("as", "") if group else talk)
    kind, text = form.get("kind", "text"), form.get("text", "")
    if kind in samples.KINDS:
        samples.send(world().stage, writer, kind, group=group, files=request.files.getlist("files"))
    else:
        quoted = form.get("quoted") or None
        world().stage.write(writer, kind=kind, text=text.strip(), group=group, quoted=quoted)
    return _to(talk)


@pages.post("/messages/<message_id>/edit")
def edit(message_id: str) -> Page:
    """LINE's app offers it in groups."""
    message = find_message(message_id)
    text = request.form.get("text", "").strip()
    if not text:
        raise Impossible("a text needs words")
    world().stage.edit(message, text)
    return _to(message.talk)


@pages.post("/webhooks/<event_id>/redelivery")
def redeliver(event_id: str) -> Page:
    """The same event once more, marked as redelivered."""
    event = world().calls.event(event_id)
    if event is None:
        raise Impossible("the log holds this event no longer")
    world().courier.redeliver([event])
    return _to(request.form.get("talk", ""))


@pages.post("/groups/<group_id>/members")
def join_or_leave(group_id: str) -> Page:
    """Whoever is in it leaves, everybody else joins."""
    group, customer, stage = find_group(group_id), find_customer(request.form.get("who", "")), world().stage
    (stage.leave if customer.user_id in group.member_ids else stage.join)(customer, group)
    return _to(group_id)


@pages.post("/messages/<message_id>/unsend")
def unsend(message_id: str) -> Page:
    message = find_message(message_id)
    world().stage.unsend(message)
    return _to(message.talk)


@pages.post("/customers/<user_id>/follow")
def follow(user_id: str) -> Page:
    world().stage.follow(find_customer(user_id))
    return _to(user_id)


@pages.post("/customers/<user_id>/block")
def block(user_id: str) -> Page:
    world().stage.block(find_customer(user_id))
    return _to(user_id)


@pages.post("/newcomers")
def newcomer() -> Page:
    """Somebody new writes; the page stays with whom it showed."""
    scenes.new_customer(world().stage)
    return _to(request.form.get("talk", ""))


@pages.post("/groups")
def make_group() -> Page:
    members = [find_customer(user_id) for user_id in request.form.getlist("members")]
    group, _done = world().stage.make_group(request.form.get("name", "").strip(), members)
    return _to(group.group_id)


@pages.post("/groups/<group_id>/account")
def invite_or_remove(group_id: str) -> Page:
    group, stage = find_group(group_id), world().stage
    (stage.remove_account if group.has_account else stage.invite_account)(group)
    return _to(group_id)


@pages.post("/account")
def configure() -> Page:
    form = request.form
    given: dict[str, Any] = {name: name in form for name in SWITCHES}
    given["webhook_url"] = form.get("webhook_url", "").strip()
    given["late_seconds"] = LATE_SECONDS if "late" in form else 0.0
    given["mark_as_read_mode"] = "manual" if "by_hand" in form else "auto"
    if "monthly_limit" in form:
        given["monthly_limit"] = _number("monthly_limit")
    if form.get("used_this_month", "") != form.get("used_before", ""):  # else it went on counting meanwhile
        given["used_this_month"] = _number("used_this_month") or 0
    set_account(given)
    return _to(form.get("talk", ""))


def _number(name: str) -> int | None:
    typed = request.form.get(name, "").strip()
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) < 10):
        raise Impossible("a number of messages is needed there, or nothing")
    return int(typed)


@pages.post("/faults")
def order_fault() -> Page:
    form = request.form
    if form.get("what") not in ALL:
        raise Impossible("There is no such fault.")
    times = min(_number("times") or 1, MOST_TIMES)
    world().faults.order(Fault(form.get("call", "*"), form["what"], times))
    return _to(request.form.get("talk", ""))


@pages.post("/faults/deletion")
def clear_faults() -> Page:
    """No fault any more; calls that hang are let go."""
    world().faults.clear()
    return _to(request.form.get("talk", ""))


@pages.errorhandler(Impossible)
@pages.errorhandler(Wrong)
def explain(problem: Exception) -> Page:
    talk = (request.view_args or {}).get("talk") or request.form.get("talk", "")
    return _page(talk if _exists(talk) else next(iter(world().sim.customers)), problem=str(problem)), 409


def _page(talk: str, *, is_home: bool = False, problem: str = "") -> Response:
    here = world()
    with here.sim.lock:
        if not _exists(talk):
            abort(404)
        version = f"{STARTED}-{here.sim.version}-{_is_typing(talk)}-{len(here.faults.waiting())}"
        if request.method == "GET" and request.if_none_match.contains(version):
            return Response(status=304)
        response = make_response(render_template("page.html", is_home=is_home, problem=problem, **_view(talk)))
    response.set_etag(version)
    response.headers["Cache-Control"] = "no-cache"
    return response


def _view(talk: str) -> dict[str, Any]:
    here = world()
    sim, group, viewer = here.sim, here.sim.groups.get(talk), _viewer(talk)
    quoted = sim.message(request.args.get("quote", ""))
    asked = {"as": viewer.user_id if group and viewer else None, "quote": quoted.id if quoted else None}
    return {
        "here": url_for("pages.show", talk=talk, **asked), "quoted": quoted, "words_of": screen.words_of,
        "account": sim.account, "talk_id": talk, "group": group, "viewer": viewer,
        "members": sim.people_in(talk), "everybody": list(sim.customers.values()),
        "customers": screen.customer_rows(sim), "groups": screen.group_rows(sim),
        "bubbles": screen.bubbles(sim, here.calls, talk, viewer) if viewer else [],
        "is_typing": _is_typing(talk), "languages": screen.LANGUAGES,
        "calls": list(reversed(here.calls.entries()))[:LOG_SHOWN], "faults": here.faults.waiting(),
        "faulty_calls": FAULTY_CALLS, "before": sorted(BEFORE), "after": sorted(AFTER), "tests": list(TESTS), "fault_words": WORDS,
        "pretty": _pretty,
    }


def _viewer(talk: str) -> Customer | None:
    """Whose phone it is: in a group the asked-for member, or the first."""
    people = world().sim.people_in(talk)
    asked = request.values.get("as")
    return next((p for p in people if p.user_id == asked), people[0] if people else None)


def _is_typing(talk: str) -> bool:
    until = world().sim.typing_until.get(talk)
    return until is not None and clock.now() < until


def _exists(talk: str) -> bool:
    return talk in world().sim.customers or talk in world().sim.groups


def _to(talk: str) -> Response:
    if not _exists(talk):
        return redirect(url_for("pages.home"), 303)
    return redirect(url_for("pages.show", talk=talk, **{"as": request.form["as"]} if "as" in request.form else {}), 303)


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str).encode(errors="replace").decode()

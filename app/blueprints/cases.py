"""All cases, a case's page, and what became of its messages (S10, H3)."""

from collections.abc import Callable

from flask import Blueprint, abort, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app import transaction
from app.blueprints import conversation
from app.blueprints.access import case_or_404, changing, signed_in
from app.blueprints.answers import (
    address_of,
    id_of,
    nothing,
    refused,
    wants_fragment,
)
from app.blueprints.filters import listing
from app.blueprints.history import sentences
from app.domain import cases, chats, events, messages, timeline
from app.domain.agents import Refused
from app.language import gettext as _
from app.models import Case, Message

blueprint = Blueprint("cases", __name__)

LONGEST_TEXT = 25_000
LONGEST_SUBJECT = 200

@blueprint.get("/cases")
@signed_in
def index() -> ResponseReturnValue:
    """Ended chats and mail-like cases, last message first."""
    found = listing(request.args, chat=None)
    template = "cases/_list.html" if wants_fragment() else "cases/index.html"
    return render_template(template, listing=found)


@blueprint.get("/cases/new")
@changing
def new() -> ResponseReturnValue:
    return render_template("cases/new.html", typed={}, errors={})


@blueprint.post("/cases/new")
@changing
def create() -> ResponseReturnValue:
    """Write a mail-like case down. What was typed stays when something is missing."""
    typed = {name: request.form.get(name, "").strip() for name in ("subject", "contact", "text")}
    errors = {}
    if not typed["text"]:
        errors["text"] = _("Write what the contact asked for.")
    elif len(typed["text"]) > LONGEST_TEXT:
        errors["text"] = _("Use %(count)s characters or fewer.", count=LONGEST_TEXT)
    if not typed["contact"]:
        errors["contact"] = _("Say whom this case is about.")
    if errors:
        return render_template("cases/new.html", typed=typed, errors=errors), 422
    case = cases.open_by_hand(
        subject=typed["subject"][:LONGEST_SUBJECT],
        text_=typed["text"],
        contact_name=typed["contact"],
        by=g.agent,
    )
    transaction.commit()
    return redirect(f"/cases/{case.number}", 303)


@blueprint.get("/cases/<int:number>")
@signed_in
def show(number: int) -> ResponseReturnValue:
    """A case; an active chat is looked at in Chats."""
    case = case_or_404(number)
    if case.is_active_chat:
        return redirect(f"/chats/{number}", 302)
    opened = conversation.open_(case, id_of(request.args.get("before")))
    return render_template("cases/show.html", open=opened)


@blueprint.get("/cases/<int:number>/messages")
@signed_in
def message_parts(number: int) -> ResponseReturnValue:
    """Bubbles: those that changed since an event, with what changed around them, or older ones."""
    case = case_or_404(number)
    before = id_of(request.args.get("before"))
    if before is not None:
        found, has_older = conversation.older(case, before)
        return render_template("cases/_older.html", case=case, messages=found, has_older=has_older)
    after, oldest = id_of(request.args.get("since")) or 0, id_of(request.args.get("oldest"))
    changes = conversation.since(case, after, oldest)
    return render_template(
        "cases/_changes.html",
        regions=conversation.Regions(case),
        changes=changes,
        are_slight=conversation.are_slight(case, changes, after),
    )


@blueprint.post("/cases/<int:number>/messages/<int(max=9223372036854775807):message_id>/retry")
@signed_in
def retry(number: int, message_id: int) -> ResponseReturnValue:
    """Really send again what failed or stayed unconfirmed (L8)."""
    case = case_or_404(number)
    return _with_message(case, message_id, messages.retry)


@blueprint.post("/cases/<int:number>/messages/<int(max=9223372036854775807):message_id>/stop")
@signed_in
def stop(number: int, message_id: int) -> ResponseReturnValue:
    """Give up a reply that keeps being refused (L7)."""
    case = case_or_404(number)
    return _with_message(case, message_id, messages.stop_trying)


@blueprint.post("/cases/<int:number>/reading")
@signed_in
def read(number: int) -> ResponseReturnValue:
    """A visible, focused page has shown everything up to this message (S15)."""
    case = case_or_404(number)
    message_id = id_of(request.form.get("message_id"))
    if message_id is None:
        abort(400)
    chats.mark_read(case, message_id, by=g.agent)
    transaction.commit()
    return nothing()


@blueprint.get("/cases/<int:number>/history")
@signed_in
def history(number: int) -> ResponseReturnValue:
    """What happened to the case, and by whom."""
    case = case_or_404(number)
    told = sentences(events.of_case(case, limit=1000), case.channel)
    return render_template("cases/history.html", case=case, sentences=told, back=address_of(case))


def _with_message(case: Case, message_id: int, act: Callable[..., None]) -> ResponseReturnValue:
    cases.lock(case)
    message: Message | None = timeline.find(case, message_id)
    if message is None:
        abort(404)
    try:
        act(message, by=g.agent)
    except Refused as problem:
        return refused(problem, address_of(case))
    transaction.commit()
    return nothing() if wants_fragment() else redirect(address_of(case), 303)

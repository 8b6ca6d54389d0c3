"""What a case is filed under (H3, H6): its status and the like, spam, and the trash.

Spam and trash are told with an undo; deleting for good, which has none, says first what it does.
"""

from collections.abc import Callable
from typing import TypeVar

from flask import Blueprint, g, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app import transaction
from app.blueprints import conversation
from app.blueprints.access import admin_only, case_or_404, signed_in
from app.blueprints.answers import (
    address_of,
    go,
    id_of,
    leave_if_hidden,
    offer_undo,
    refused,
    wants_fragment,
)
from app.domain import agents, cases, chats, deletions, labels
from app.domain.agents import Refused
from app.extensions import db
from app.language import gettext as _
from app.models import Agent, Case, Group, Label

blueprint = Blueprint("filing", __name__)

Row = TypeVar("Row", Agent, Group, Label)


@blueprint.post("/cases/<int:number>")
@signed_in
def change(number: int) -> ResponseReturnValue:
    """Change whichever fields came."""
    case = case_or_404(number)
    try:
        _change(case)
    except Refused as problem:
        return refused(problem, address_of(case))
    transaction.commit()
    if gone := leave_if_hidden(case):
        return gone
    if not wants_fragment():
        return redirect(address_of(case), 303)
    return render_template("cases/_regions.html", regions=conversation.Regions(case))


@blueprint.post("/cases/<int:number>/spam")
@signed_in
def mark_spam(number: int) -> ResponseReturnValue:
    """An active chat ends first."""
    case = case_or_404(number)
    back = _list_of(case)
    chats.mark_spam(case, by=g.agent)
    transaction.commit()
    offer_undo(_("Case %(number)s is spam.", number=number), f"/cases/{number}/spam/removal", case=case)
    return redirect(back, 303)


@blueprint.post("/cases/<int:number>/spam/removal")
@signed_in
def unmark_spam(number: int) -> ResponseReturnValue:
    case = cases.lock(case_or_404(number))
    cases.set_spam(case, is_spam=False, by=g.agent)
    transaction.commit()
    return go(address_of(case), _("Case %(number)s is no spam.", number=number))


@blueprint.post("/cases/<int:number>/trash")
@signed_in
def trash(number: int) -> ResponseReturnValue:
    """An active chat ends first."""
    case = case_or_404(number)
    back = _list_of(case)
    chats.trash(case, by=g.agent)
    transaction.commit()
    offer_undo(_("Case %(number)s is in the trash.", number=number), f"/cases/{number}/trash/removal", case=case)
    return redirect(back, 303)


@blueprint.post("/cases/<int:number>/trash/removal")
@signed_in
def restore(number: int) -> ResponseReturnValue:
    case = cases.lock(case_or_404(number))
    try:
        cases.set_trashed(case, is_trashed=False, by=g.agent)
    except Refused as problem:
        return refused(problem, "/cases")
    transaction.commit()
    return go(address_of(case), _("Case %(number)s is back.", number=number))


@blueprint.get("/cases/<int:number>/deletion")
@admin_only
def ask_deletion(number: int) -> ResponseReturnValue:
    """Say what deleting for good does before it is done."""
    return render_template("cases/delete.html", case=case_or_404(number))


@blueprint.post("/cases/<int:number>/deletion")
@admin_only
def delete(number: int) -> ResponseReturnValue:
    case = case_or_404(number)
    try:
        deletions.delete(case, by=g.agent)
    except Refused as problem:
        return refused(problem, address_of(case))
    transaction.commit()
    return go("/cases?flag=trash", _("Case %(number)s is deleted for good.", number=number))


def _list_of(case: Case) -> str:
    """Where the agent came from, as it is before the case leaves it."""
    return "/chats" if case.is_active_chat else "/cases"


def _change(case: Case) -> None:
    cases.lock(case)
    form = request.form
    if "status" in form:
        cases.set_status(case, form["status"], by=g.agent)
    if "priority" in form:
        cases.set_priority(case, form["priority"], by=g.agent)
    _change_labels(case)
    if "subject" in form and form["subject"].strip() != case.subject:
        cases.set_subject(case, form["subject"], by=g.agent)
    if "assignee_id" in form:
        cases.assign(case, _chosen(form["assignee_id"], agents.find), by=g.agent)
    if "group_id" in form:
        cases.move(case, _chosen(form["group_id"], _group), by=g.agent)


def _change_labels(case: Case) -> None:
    """One is taken off by its button; one is put on by its name."""
    if off := _chosen(request.form.get("take_off", ""), labels.find):
        labels.remove(case, [off], by=g.agent)
    if name := request.form.get("add_label", "").strip():
        labels.add(case, [labels.named(name, by=g.agent)], by=g.agent)


def _chosen(value: str, find: Callable[[int], Row | None]) -> Row | None:
    """What a choice says: nobody, or a row that exists."""
    if not value:
        return None
    found = find(id_of(value) or 0)
    if found is None:
        raise Refused(_("This choice is not there any more. Reload the page."))
    return found


def _group(group_id: int) -> Group | None:
    return db.session.scalar(select(Group).where(Group.id == group_id))

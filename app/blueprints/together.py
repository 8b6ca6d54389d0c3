"""Several cases of a list changed at once, and taken back (H3, U19).

Each is a commit of its own, so that rules see it like a single change, nobody's message waits for all
of them, and one that is refused is told by its number while the others go through.
"""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import ngettext

from app import transaction
from app.blueprints.access import changing, own_path, own_transaction
from app.blueprints.answers import id_of, offer_undo
from app.domain import together
from app.domain.agents import Refused
from app.language import gettext as _

blueprint = Blueprint("together", __name__, url_prefix="/cases/together")

NAMED = 10
EMPTIABLE = ("group", "assignee")
FLAGS = {
    "spam": ("is_spam", True),
    "no_spam": ("is_spam", False),
    "trash": ("is_trashed", True),
    "no_trash": ("is_trashed", False),
}


@blueprint.post("")
@changing
@own_transaction
def change() -> ResponseReturnValue:
    """What was chosen, for every ticked case."""
    numbers, wanted = _numbers(), _wanted()
    if problem := _missing(numbers, wanted):
        flash(problem, "error")
        return _back()
    changed, left = _each(numbers, lambda number: together.change(number, wanted, by=g.agent))
    changed = {number: changes for number, changes in changed.items() if changes}
    if changed:
        with transaction.writing():
            event_id = together.remember(changed, by=g.agent)
        offer_undo(_changed(len(changed)), f"/cases/together/{event_id}/undoing")
    elif not left:
        flash(_("The cases were like that already."))
    _tell(left)
    return _back()


@blueprint.post("/<int:event_id>/undoing")
@changing
@own_transaction
def undo(event_id: int) -> ResponseReturnValue:
    """Everything that is still as it was left; what somebody changed since stays."""
    changes = together.remembered(event_id, by=g.agent)
    if changes is None:
        abort(404)
    done, left = _each(changes, lambda number: together.take_back(number, changes[number], by=g.agent))
    count = sum(done.values())
    if count:
        flash(ngettext("%(num)s case is as it was.", "%(num)s cases are as they were.", count))
    if untouched := [number for number, is_done in done.items() if not is_done]:
        left[_("Somebody changed it since.")] = untouched
    _tell(left)
    return _back()


def _each(numbers: Iterable[int], act: Callable[[int], Any]) -> tuple[dict[int, Any], dict[str, list[int]]]:
    """What came of each case, and of those that were refused the numbers, by reason."""
    done: dict[int, Any] = {}
    left: dict[str, list[int]] = {}
    for number in numbers:
        try:
            with transaction.writing():
                done[number] = act(number)
        except Refused as problem:
            left.setdefault(str(problem), []).append(number)
    return done, left


def _numbers() -> list[int]:
    found = (id_of(text) for text in request.form.getlist("case"))
    return list(dict.fromkeys(number for number in found if number))


def _wanted() -> dict[str, Any]:
    """The fields that were chosen; 0 stands for nobody and for no group, and is no label."""
    form, wanted = request.form, {}
    if form.get("status"):
        wanted["status"] = form["status"]
    for field in ("label_on", "label_off", "group", "assignee"):
        if (chosen := id_of(form.get(field))) is not None:
            wanted[field] = None if chosen == 0 and field in EMPTIABLE else chosen
    if form.get("flag") in FLAGS:
        field, value = FLAGS[form["flag"]]
        wanted[field] = value
    return wanted


def _missing(numbers: list[int], wanted: dict[str, Any]) -> str:
    if not numbers:
        return _("Tick the cases that you want to change.")
    if not wanted:
        return _("Choose what shall be changed.")
    if len(numbers) > together.MOST:
        return _("Change at most %(count)s cases at once.", count=together.MOST)
    return ""


def _changed(count: int) -> str:
    return ngettext("%(num)s case changed.", "%(num)s cases changed.", count)


def _tell(left: dict[str, list[int]]) -> None:
    for reason, numbers in left.items():
        named = ", ".join(map(str, numbers[:NAMED]))
        more = _(" and %(count)s more", count=len(numbers) - NAMED) if len(numbers) > NAMED else ""
        flash(_("Not changed: %(numbers)s%(more)s. %(reason)s", numbers=named, more=more, reason=reason), "error")


def _back() -> ResponseReturnValue:
    """To the list as it was filtered (U18)."""
    return redirect(own_path(request.form.get("back") or "/cases"), 303)

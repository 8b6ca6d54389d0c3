"""Macros as pages, for everybody: one's own, and the shared ones, which admins write (R8).

The form's rows of actions are those of rules; every button of it works without a script.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Blueprint, abort, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app import transaction
from app.blueprints import picks, rule_actions, rule_words
from app.blueprints.access import changing, own_transaction
from app.blueprints.answers import go, id_of, offer_undo, refused, wants_fragment
from app.blueprints.picks import Waiting
from app.blueprints.rule_actions import Row
from app.blueprints.rule_fields import PLACEHOLDERS, Fields
from app.domain import chosen_steps, macros
from app.domain.agents import Refused
from app.domain.rules import actions
from app.domain.rules.definitions import LONGEST_NAME, Invalid
from app.language import gettext as _
from app.models import Macro

blueprint = Blueprint("macros", __name__, url_prefix="/macros")

LIST = "/macros"
ONE = "/<int(max=2147483647):macro_id>"
IN_MACROS = (*PLACEHOLDERS, "{agent.name}")


@dataclass(frozen=True)
class Line:
    """One macro as the list shows it."""

    macro: Macro
    steps: list[Waiting]

    @property
    def problem(self) -> str:
        return next((step.problem for step in self.steps if step.problem), "")


@dataclass
class Typed:
    """What stands in the form, checked or not."""

    name: str = ""
    text: str = ""
    is_shared: bool = False
    rows: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    """What the form shows beside what was typed: mistakes by field, and the field to go on at."""

    typed: Typed
    fields: Fields
    macro: Macro | None = None
    errors: dict[str, str] = field(default_factory=dict)
    focus: str = ""
    is_part: bool = False

    @property
    def address(self) -> str:
        return f"{LIST}/{self.macro.id}" if self.macro else f"{LIST}/new"


@blueprint.get("")
@changing
def index() -> ResponseReturnValue:
    """One's own, and the shared ones."""
    lines = [Line(macro, steps) for macro, steps in picks.told(macros.listed(g.agent))]
    return render_template(
        "macros/index.html",
        own=[line for line in lines if not line.macro.is_shared],
        shared=[line for line in lines if line.macro.is_shared],
    )


@blueprint.get("/new")
@changing
def new() -> ResponseReturnValue:
    """An empty form, or one with what another macro has: `from` is its id."""
    copied = macros.find(id_of(request.args.get("from")) or 0, g.agent)
    typed = _of(copied) if copied else Typed()
    typed.is_shared = g.agent.is_admin and request.args.get("shared") == "1"
    return _answer(typed, None)


@blueprint.post("/new")
@changing
@own_transaction
def create() -> ResponseReturnValue:
    return _posted(None)


@blueprint.get(ONE)
@changing
def show(macro_id: int) -> ResponseReturnValue:
    macro = _mine(macro_id)
    typed = _of(macro)
    return _answer(typed, macro, errors=_mistakes(typed))


@blueprint.post(ONE)
@changing
@own_transaction
def change(macro_id: int) -> ResponseReturnValue:
    return _posted(_mine(macro_id))


@blueprint.post(f"{ONE}/deletion")
@changing
def delete(macro_id: int) -> ResponseReturnValue:
    """Out of every list at once, with an offer to undo it."""
    macro = _mine(macro_id)
    macros.delete(macro, by=g.agent)
    transaction.commit()
    offer_undo(_("“%(name)s” is deleted.", name=macro.name), f"{LIST}/{macro.id}/restoration")
    return redirect(LIST, 303)


@blueprint.post(f"{ONE}/restoration")
@changing
def put_back(macro_id: int) -> ResponseReturnValue:
    """Undo a deletion."""
    try:
        macro = macros.put_back(macro_id, by=g.agent)
    except Refused as problem:
        return refused(problem, LIST)
    transaction.commit()
    return go(LIST, _("“%(name)s” is back.", name=macro.name))


def _posted(macro: Macro | None) -> ResponseReturnValue:
    typed, do = _typed(), request.form.get("do", "save")
    if do == "save":
        return _save(typed, macro)
    focus = rule_actions.edit(typed.rows, do) or ""
    return _answer(typed, macro, focus="" if do.startswith("refresh") else focus)


def _save(typed: Typed, macro: Macro | None) -> ResponseReturnValue:
    transaction.start_writing()
    try:
        content = macros.read(_given(typed), by=g.agent)
        if macro:
            macros.change(macro, content, by=g.agent)
        elif macros.just_added(content, by=g.agent) is None:
            macros.add(content, by=g.agent)
    except Invalid as problem:
        return _answer(typed, macro, errors=rule_actions.by_field(typed.rows, problem.errors)), 422
    except Refused as problem:
        return _answer(typed, macro, errors={"name": str(problem)}), 422
    transaction.commit()
    return go(LIST, _("“%(name)s” is saved. Find it with / in the message field.", name=content.name))


def _typed() -> Typed:
    form = request.form
    is_shared, rows = form.get("shared") == "1", rule_actions.read(form)
    return Typed(form.get("name", ""), form.get("text", ""), is_shared, rows)


def _of(macro: Macro) -> Typed:
    rows = rule_actions.of_steps(one.step for one in chosen_steps.of(macro))
    return Typed(macro.name[:LONGEST_NAME], macro.text, macro.is_shared, rows)


def _given(typed: Typed) -> dict[str, object]:
    """What `macros.read` takes."""
    return {
        "name": typed.name,
        "text": typed.text,
        "shared": typed.is_shared,
        "actions": rule_actions.given(typed.rows),
    }


def _mistakes(typed: Typed) -> dict[str, str]:
    """What is wrong with a macro that was saved: something it refers to is gone."""
    try:
        macros.read(_given(typed), by=g.agent)
    except Invalid as problem:
        return rule_actions.by_field(typed.rows, problem.errors)
    return {}


def _answer(typed: Typed, macro: Macro | None, **shown: object) -> str:
    """The form, as a whole page or as the part that a script puts in place."""
    fields = Fields(rule_words.names_of(), IN_MACROS, _hidden(typed.rows))
    is_part = wants_fragment()
    page = Page(typed, fields, macro, is_part=is_part, **shown)  # type: ignore[arg-type]
    template = "macros/_form.html" if is_part else "macros/edit.html"
    return render_template(template, page=page)


def _hidden(rows: Sequence[Row]) -> frozenset[str]:
    """Actions that this agent can't choose, unless one of them is there already."""
    admins = {name for name, one in actions.ACTIONS.items() if one.is_for_admins}
    hidden = {actions.STOP} | (set() if g.agent.is_admin else admins)
    return frozenset(hidden - {row.action for row in rows})


def _mine(macro_id: int) -> Macro:
    """One that this agent may change; 404 for somebody else's, 403 for a shared one."""
    macro = macros.find(macro_id, g.agent) or abort(404)
    if not macros.may_change(macro, g.agent):
        abort(403)
    return macro

"""Macros for programs: one's own and the shared ones, and using one on a case (R8).

A program has no composer to fill: using a macro sends its text and does its actions at once.
"""

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, g, url_for

from app import transaction
from app.blueprints.api import documents
from app.blueprints.api.cases import case_or_404
from app.blueprints.api.documents import Document
from app.blueprints.api.inputs import Body
from app.blueprints.api.refusals import refuse
from app.domain import access, chosen_steps, macros
from app.domain.chosen_steps import Chosen
from app.domain.rules import definitions
from app.domain.rules.actions import ACTIONS
from app.domain.rules.definitions import Step
from app.domain.rules.values import URL, without_path
from app.models import Macro


def register(blueprint: Blueprint) -> None:
    blueprint.get("/macros")(list_macros)
    blueprint.post("/macros")(add_macro)
    blueprint.get("/macros/<int:number>")(show_macro)
    blueprint.put("/macros/<int:number>")(change_macro)
    blueprint.delete("/macros/<int:number>")(delete_macro)
    blueprint.post("/cases/<int:number>/macros")(use_macro)


def list_macros() -> Response:
    """The agent's own, then the shared ones, by name."""
    found = macros.listed(g.agent)
    steps = chosen_steps.of_all(found)
    items = [_document(macro, steps[macro.id]) for macro in found]
    return documents.answer(documents.page(items, None))


def add_macro() -> Response:
    access.check_change(g.agent)
    macro = macros.add(macros.read(Body().values, by=g.agent), by=g.agent)
    document = _macro(macro)
    transaction.commit()
    return documents.answer(document, 201, Location=url_for("api.show_macro", number=macro.id))


def show_macro(number: int) -> Response:
    return documents.answer(_macro(_macro_or_404(number)))


def change_macro(number: int) -> Response:
    """The whole macro anew."""
    macro = _mine_or_403(number)
    macros.change(macro, macros.read(Body().values, by=g.agent), by=g.agent)
    document = _macro(macro)
    transaction.commit()
    return documents.answer(document)


def delete_macro(number: int) -> Response:
    macros.delete(_mine_or_403(number), by=g.agent)
    transaction.commit()
    return Response(status=204)


def use_macro(number: int) -> Response:
    """Send its text and do its actions, once per key."""
    case = case_or_404(number)
    body = Body()
    macro, key = _named_in(body), body.idempotency_key()
    body.check()
    message, not_done = chosen_steps.use(case, macro, by=g.agent, key=key)
    document = {
        "message": documents.of_message(message, case.channel) if message else None,
        "not_done": not_done,
    }
    transaction.commit()
    return documents.answer(document)


def _macro(macro: Macro) -> Document:
    return _document(macro, chosen_steps.of(macro))


def _document(macro: Macro, steps: list[Chosen]) -> Document:
    return {
        "id": macro.id,
        "name": macro.name,
        "text": macro.text,
        "shared": macro.is_shared,
        "actions": definitions.written_steps(_shown(one.step) for one in steps),
        "problem": next((one.problem for one in steps if one.problem), None),
    }


def _shown(step: Step) -> Step:
    """The address of a call is often the key to it, and so the admins' alone."""
    is_secret = ACTIONS[step.action].value is URL and not g.agent.is_admin
    return replace(step, value=without_path(step.value)) if is_secret else step


def _named_in(body: Body) -> Macro:
    """The macro that a body names; an error at the field when there is none for this agent."""
    number: Any = body.values.get("macro")
    is_number = isinstance(number, int) and not isinstance(number, bool)
    macro = macros.find(number, g.agent) if is_number else None
    if macro is None:
        body.errors["macro"] = "There is no macro with this id, or it is somebody else's."
    return macro or Macro()


def _macro_or_404(number: int) -> Macro:
    found = macros.find(number, g.agent)
    return found or refuse(404, "There is no macro with this id, or it is somebody else's.")


def _mine_or_403(number: int) -> Macro:
    macro = _macro_or_404(number)
    access.check_change(g.agent)
    if not macros.may_change(macro, g.agent):
        refuse(403, "Shared macros are for admins to change. Use the token of one.")
    return macro

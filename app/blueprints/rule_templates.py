"""Ready-made rules for admins: what each set does, and adding it to the list (R7)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import ngettext

from app import transaction
from app.blueprints import ready_rules, rule_words
from app.blueprints.access import admin_only
from app.blueprints.answers import go, offer_undo
from app.blueprints.forms import Form, whole_numbers
from app.blueprints.ready_rules import Asked, Template
from app.domain import hours, labels
from app.domain.agents import Refused
from app.domain.rules import book, definitions
from app.domain.rules.definitions import Definition
from app.language import gettext as _

blueprint = Blueprint("rule_templates", __name__, url_prefix="/settings/rules/templates")

LIST = "/settings/rules"


@dataclass(frozen=True)
class Card:
    """A template as the page shows it; `is_there` when each of its rules is in the list already."""

    template: Template
    sentences: list[str]
    typed: Mapping[str, str]
    errors: Mapping[str, str]
    is_there: bool


@blueprint.get("")
@admin_only
def index() -> ResponseReturnValue:
    return _page()


@blueprint.post("/<key>")
@admin_only
def use(key: str) -> ResponseReturnValue:
    """Add its rules to the ends of their lists, switched on; what is there already is told first."""
    template, form = ready_rules.find(key), Form()
    if template is None:
        abort(404)
    values = {one.name: form.read(one.name, _reader(one)) for one in template.asked}
    if form.errors:
        return _page(template, form), 422
    found = template.definitions(values)
    if not form.flag("again") and _are_there(found, _in_the_list()):
        return _page(template, form), 409
    return _added([book.add(definition, by=g.agent).id for definition in found])


@blueprint.post("/removal")
@admin_only
def take_back() -> ResponseReturnValue:
    """Undo what a template added a moment ago."""
    for rule_id in whole_numbers(request.args.get("rules", "").split("-")):
        if rule := book.find(rule_id):
            book.delete(rule, by=g.agent)
    transaction.commit()
    return go(LIST, _("The rules of the template are gone again."))


def _added(ids: list[int]) -> ResponseReturnValue:
    transaction.commit()
    said = ngettext(
        "One rule is added and switched on.", "%(num)s rules are added and switched on.", len(ids)
    )
    offer_undo(said, url_for("rule_templates.take_back", rules="-".join(map(str, ids))))
    return redirect(LIST, 303)


def _reader(asked: Asked) -> Callable[[str], Any]:
    return _label if asked.kind == "label" else asked.read


def _label(name: str) -> int:
    """The label of this name, made where there is none. Raise Refused."""
    return (labels.by_name(name) or labels.create(name, by=g.agent)).id


# ── The page ────────────────────────────────────────────────────────────────────────────────


def _page(chosen: Template | None = None, form: Form | None = None) -> str:
    """All templates; the chosen one with what was typed, and what is wrong with it."""
    there = _in_the_list()
    cards = [
        _card(one, form if one is chosen else None, there) for one in ready_rules.TEMPLATES
    ]
    return render_template(
        "settings/rules/templates.html",
        cards=cards,
        chosen=chosen.key if chosen else "",
        has_hours=hours.of_team() is not None,
    )


def _card(template: Template, form: Form | None, there: list[Definition]) -> Card:
    typed = form.typed if form else template.defaults()
    told = template.told({one.name: _readable(one, typed.get(one.name, "")) for one in template.asked})
    names = rule_words.names_of()
    return Card(
        template=template,
        sentences=[rule_words.sentence(one, names) for one in told],
        typed=typed,
        errors=form.errors if form else {},
        is_there=_are_there(told, there),
    )


def _readable(asked: Asked, typed: str) -> Any:
    """What was typed, read as far as it can be; a label that is not there yet by its name."""
    try:
        value = asked.read(typed)
    except Refused:
        return typed
    found = labels.by_name(value) if asked.kind == "label" else None
    return found.id if found else value


def _are_there(wanted: list[Definition], there: list[Definition]) -> bool:
    return all(replace(one, name="") in there for one in wanted)


def _in_the_list() -> list[Definition]:
    """Every rule, whatever its name."""
    versions = book.versions_of(book.listed()).values()
    return [replace(definitions.kept(version), name="") for version in versions]

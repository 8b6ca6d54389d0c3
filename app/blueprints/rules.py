"""The list of rules, for admins: their order, switching, copying, deleting and undoing that (R1)."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, abort, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app import transaction
from app.blueprints import rule_words
from app.blueprints.access import admin_only
from app.blueprints.answers import go, id_of, offer_undo, refused, wants_fragment
from app.domain.agents import Refused
from app.domain.rules import book, definitions, runs
from app.domain.rules.runs import Record
from app.language import gettext as _
from app.models import Rule, RuleVersion

blueprint = Blueprint("rules", __name__, url_prefix="/settings/rules")

LIST = "/settings/rules"
ONE = "/<int:rule_id>"


@dataclass(frozen=True)
class Line:
    """One rule as the list shows it."""

    rule: Rule
    sentence: str
    version: RuleVersion
    record: Record

    @property
    def edited(self) -> str:
        """Whether it was changed since it was made, and by whom; when stands beside it."""
        name = self.version.saved_by.name if self.version.saved_by else _("a program")
        if self.version.number == 1:
            return _("added by %(name)s", name=name)
        return _("edited by %(name)s", name=name)


@blueprint.get("")
@admin_only
def index() -> ResponseReturnValue:
    """Every rule, by type and in the order in which they run."""
    return render_template(
        "settings/rules/index.html",
        lines=_lines(book.listed()),
        is_paused=book.is_paused(),
        focus=request.args.get("focus", ""),
    )


@blueprint.post(f"{ONE}/place")
@admin_only
def move(rule_id: int) -> ResponseReturnValue:
    """To another place of its list; buttons and dragging say which, counted from 0."""
    rule, place = rule_or_404(rule_id), id_of(request.form.get("place"))
    if place is None:
        abort(400)
    before = book.listed(rule.type).index(rule)
    book.move(rule, place, by=g.agent)
    rules = book.listed(rule.type)
    words = {"name": rule.name, "place": rules.index(rule) + 1, "count": len(rules)}
    transaction.commit()
    said = _("“%(name)s” is number %(place)s of %(count)s now.", **words)
    return _section(rule, book.listed(rule.type), said, focus="up" if place < before else "down")


@blueprint.post(f"{ONE}/switch")
@admin_only
def switch(rule_id: int) -> ResponseReturnValue:
    """On or off."""
    rule, is_active = rule_or_404(rule_id), request.form.get("is_active") == "1"
    try:
        book.switch(rule, is_active=is_active, by=g.agent)
    except Refused as problem:
        return refused(_cannot(rule, problem), _place_of(rule))
    transaction.commit()
    said = _("“%(name)s” is on.", name=rule.name) if is_active else _("“%(name)s” is off.", name=rule.name)
    return _section(rule, book.listed(rule.type), said, focus="switch")


@blueprint.post(f"{ONE}/copies")
@admin_only
def copy(rule_id: int) -> ResponseReturnValue:
    """The same again, switched off; one comes to its form, to change it."""
    rule = rule_or_404(rule_id)
    try:
        made = book.copy(rule, by=g.agent)
    except Refused as problem:
        return refused(_cannot(rule, problem), _place_of(rule))
    transaction.commit()
    return go(f"{LIST}/{made.id}", _("This is a copy, switched off until you say otherwise."))


@blueprint.post(f"{ONE}/deletion")
@admin_only
def delete(rule_id: int) -> ResponseReturnValue:
    """Out of force at once, with an offer to undo it."""
    rule = rule_or_404(rule_id)
    book.delete(rule, by=g.agent)
    transaction.commit()
    offer_undo(_("“%(name)s” is deleted.", name=rule.name), f"{LIST}/{rule.id}/restoration")
    return redirect(LIST, 303)


@blueprint.post(f"{ONE}/restoration")
@admin_only
def put_back(rule_id: int) -> ResponseReturnValue:
    """Undo a deletion."""
    try:
        rule = book.put_back(rule_id, by=g.agent)
    except Refused as problem:
        return refused(problem, LIST)
    transaction.commit()
    return go(_place_of(rule), _("“%(name)s” is back in its place.", name=rule.name))


@blueprint.post("/pause")
@admin_only
def pause() -> ResponseReturnValue:
    """Switch all rules off for an emergency, or back to what each is."""
    is_paused = request.form.get("is_paused") == "1"
    book.pause(is_paused=is_paused, by=g.agent)
    transaction.commit()
    return go(LIST, "" if is_paused else _("Rules act again, from now on."))


def rule_or_404(rule_id: int) -> Rule:
    """The rule, unless it is deleted."""
    rule = book.find(rule_id)
    if rule is None:
        abort(404)
    return rule


def _section(rule: Rule, rules: Sequence[Rule], said: str, *, focus: str) -> ResponseReturnValue:
    """The list that changed, in place; without scripts the page again, with the focus where it was."""
    if not wants_fragment():
        return redirect(f"{LIST}?focus={focus}-{rule.id}#rule-{rule.id}", 303)
    return render_template(
        "settings/rules/_section.html", type=rule.type, lines=_lines(rules), said=said
    )


def _lines(rules: Sequence[Rule]) -> list[Line]:
    versions, records = book.versions_of(rules), runs.records(rules)
    kept = {rule.id: definitions.kept(versions[rule.id]) for rule in rules}
    names = rule_words.names_of(kept.values())
    return [
        Line(
            rule=rule,
            sentence=rule_words.sentence(kept[rule.id], names),
            version=versions[rule.id],
            record=records[rule.id],
        )
        for rule in rules
    ]


def _place_of(rule: Rule) -> str:
    return f"{LIST}#rule-{rule.id}"


def _cannot(rule: Rule, problem: Refused) -> Refused:
    return Refused(f"{rule.name}: {problem}")

"""Why rules did what they did to a case, in words: every rule, and the condition that decided (R6)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.blueprints import rule_words
from app.blueprints.access import case_or_404, signed_in
from app.blueprints.answers import address_of, id_of, portion
from app.blueprints.rule_words import Names
from app.domain.rules import engine, explain, outlook
from app.domain.rules.decisions import Decision, Judged
from app.domain.rules.definitions import Definition
from app.domain.rules.explain import Told, ToldPass
from app.domain.rules.outlook import Outlook
from app.extensions import db
from app.language import gettext as _
from app.models import Rule, RuleVersion

blueprint = Blueprint("explanations", __name__)

PORTION = 20


@dataclass(frozen=True)
class Reason:
    """One condition in words, what it saw, and whether that held."""

    words: str
    seen: str
    holds: bool


@dataclass(frozen=True)
class Line:
    """What one rule made of a case, as people read it.

    `outcome` is one of the engine's or of an outlook's. `decided` is the condition on which it
    rests; `blocks` are all of them, each with whether all or any had to hold.
    """

    rule_id: int
    name: str
    outcome: str
    did: str
    join: str
    blocks: list[tuple[str, list[Reason]]]
    decided: Reason | None
    notes: str | None = None
    is_retold: bool = True
    is_there: bool = True
    since_then: str = ""

    @property
    def has_more(self) -> bool:
        """Whether there are conditions beside the one that decided."""
        return sum(len(reasons) for _match, reasons in self.blocks) > bool(self.decided)


@dataclass(frozen=True)
class Card:
    """One pass: when, why, and what came of each rule."""

    id: int
    title: str
    at: datetime
    lines: list[Line]

    @property
    def unasked(self) -> str:
        """The names of those that a rule before them kept from being asked."""
        return ", ".join(line.name for line in self.lines if line.outcome == engine.STOPPED)


@blueprint.get("/cases/<int:number>/rules")
@signed_in
def of_case(number: int) -> ResponseReturnValue:
    """Every rule that was asked about this case, newest first, and those that wait."""
    case, before = case_or_404(number), id_of(request.args.get("before"))
    passes, older = portion(explain.newest_of_case(case, before=before, limit=PORTION + 1), PORTION)
    waiting = [] if before else outlook.of_case(case)
    return render_template(
        "cases/rules.html",
        case=case,
        back=address_of(case),
        waiting=_waiting(waiting),
        cards=_cards(passes),
        older=older,
        is_first=before is None,
    )


def _cards(passes: Sequence[ToldPass]) -> list[Card]:
    told = [one for pass_ in passes for one in pass_.rules]
    names = _names([one.definition for one in told], [one.decision for one in told])
    since_then = _since_then(one.rule_id for one in told)
    return [
        Card(
            id=pass_.id,
            title=_title(pass_, names),
            at=pass_.occurred_at,
            lines=[_line(one, names, since_then) for one in pass_.rules],
        )
        for pass_ in passes
    ]


def _waiting(found: Sequence[Outlook]) -> list[Line]:
    names = _names([one.rule.definition for one in found], [one.decision for one in found])
    return [_line_of_outlook(one, names) for one in found]


def _line(told: Told, names: Names, since_then: dict[int, int]) -> Line:
    current = since_then.get(told.rule_id)
    changed = _("changed since") if current != told.version else ""
    return Line(
        rule_id=told.rule_id,
        name=told.name,
        outcome=told.outcome,
        notes=told.notes_for(is_admin=g.agent.is_admin),
        is_retold=told.is_retold,
        is_there=current is not None,
        since_then=changed if current else _("deleted since"),
        decided=_reason(told.decisive, names) if told.decisive else None,
        **_conditions(told.definition, told.decision if told.is_retold else None, names),
    )


def _line_of_outlook(one: Outlook, names: Names) -> Line:
    definition, decisive = one.rule.definition, one.decision.decisive
    return Line(
        rule_id=one.rule.id,
        name=definition.name,
        outcome=one.state,
        decided=_reason(decisive, names) if decisive else None,
        **_conditions(definition, one.decision, names),
    )


def _conditions(definition: Definition, decision: Decision | None, names: Names) -> dict[str, Any]:
    """What is the same for what ran and what waits: what the rule does, and all that it asks."""
    judged = zip(definition.blocks, decision.blocks, strict=True) if decision else ()
    return {
        "did": rule_words.steps(definition.steps, names),
        "join": definition.join,
        "blocks": [(block.match, [_reason(one, names) for one in found]) for block, found in judged],
    }


def _reason(judged: Judged, names: Names) -> Reason:
    return Reason(
        words=rule_words.clause(judged.clause, names),
        seen=rule_words.seen(judged.clause.condition, judged.seen, names),
        holds=judged.holds,
    )


def _title(pass_: ToldPass, names: Names) -> str:
    if pass_.type == "new_case":
        return _("The case began")
    if pass_.type == "existing_case":
        return _("The case had waited long enough")
    happened = rule_words.seen("happened", list(pass_.happened), names)
    return happened if pass_.happened else _("Something happened")


def _names(definitions: Iterable[Definition], decisions: Iterable[Decision | None]) -> Names:
    """Everything that these explanations speak of, by a fixed number of queries."""
    judged = (one for decision in decisions if decision for block in decision.blocks for one in block)
    authors = {one.seen for one in judged if one.clause.condition == "author" and one.seen}
    return rule_words.names_of(definitions, authors)


def _since_then(rule_ids: Iterable[int]) -> dict[int, int]:
    """The number of each rule's version now; deleted ones are left out."""
    query = select(Rule.id, RuleVersion.number).join(RuleVersion, RuleVersion.id == Rule.version_id)
    found = db.session.execute(query.where(Rule.id.in_(set(rule_ids)), Rule.deleted_at.is_(None)))
    return {row.id: row.number for row in found}

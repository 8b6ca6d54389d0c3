"""Rules for programs: reading and writing them, what they may be made of, and why one acted (R6).

They act on everybody's cases, so the token must be an admin's. What is wrong with a rule is told by
place, as the forms do: the same code reads both.
"""

from typing import Any

from flask import Blueprint, Response, g, url_for

from app import transaction
from app.blueprints.api import documents
from app.blueprints.api.cases import case_or_404
from app.blueprints.api.documents import Document
from app.blueprints.api.inputs import Body, Query
from app.blueprints.api.refusals import refuse
from app.domain.rules import book, definitions, explain, vocabulary
from app.domain.rules.decisions import Judged
from app.domain.rules.explain import Told, ToldPass
from app.models import Rule

# Of the texts that a condition on all of a case's messages saw, the newest are told.
MOST_TEXTS_SEEN = 3


def register(blueprint: Blueprint) -> None:
    blueprint.get("/rules")(list_rules)
    blueprint.post("/rules")(add_rule)
    blueprint.get("/rules/vocabulary")(list_words)
    blueprint.get("/rules/<int:number>")(show_rule)
    blueprint.put("/rules/<int:number>")(change_rule)
    blueprint.delete("/rules/<int:number>")(delete_rule)
    blueprint.get("/cases/<int:number>/rules")(explain_rules)


def list_rules() -> Response:
    """All of them, by type and in the order in which they run."""
    _admins_only()
    return documents.answer(documents.page([_rule(rule) for rule in book.listed()], None))


def add_rule() -> Response:
    _admins_only()
    body = Body()
    rule = book.add(definitions.read(body.values), by=g.agent, is_active=_is_active(body))
    document = _rule(rule)
    transaction.commit()
    address = url_for("api.show_rule", number=rule.id)
    return documents.answer(document, 201, Location=address)


def list_words() -> Response:
    """Every condition with its operators and values, and every action."""
    _admins_only()
    return documents.answer(vocabulary.words())


def show_rule(number: int) -> Response:
    _admins_only()
    return documents.answer(_rule(_rule_or_404(number)))


def change_rule(number: int) -> Response:
    """The whole rule anew."""
    _admins_only()
    rule, body = _rule_or_404(number), Body()
    definition, is_active = definitions.read(body.values), _is_active(body)
    book.change(rule, definition, by=g.agent, is_active=is_active)
    document = _rule(rule)
    transaction.commit()
    return documents.answer(document)


def delete_rule(number: int) -> Response:
    _admins_only()
    book.delete(_rule_or_404(number), by=g.agent)
    transaction.commit()
    return Response(status=204)


def explain_rules(number: int) -> Response:
    """Which rules ran on this case, which acted, and which condition decided; oldest first."""
    case = case_or_404(number)
    asked = Query()
    after, limit = asked.after(), asked.limit()
    asked.check()
    found = explain.of_case(case, after=after, limit=limit + 1)
    items = [_pass(pass_) for pass_ in found[:limit]]
    return documents.answer(documents.page(items, items[-1]["id"] if len(found) > limit else None))


def _rule(rule: Rule) -> Document:
    kept = definitions.kept(book.version_of(rule))
    written = definitions.written(kept)
    return {
        "id": rule.id,
        "type": written["type"],
        "name": written["name"],
        "active": rule.is_active,
        "off_reason": rule.off_reason,
        "join": written["join"],
        "blocks": written["blocks"],
        "actions": written["actions"],
    }


def _pass(pass_: ToldPass) -> Document:
    return {
        "id": pass_.id,
        "type": pass_.type,
        "occurred_at": documents.moment(pass_.occurred_at),
        "rules": [_told(told) for told in pass_.rules],
    }


def _told(told: Told) -> Document:
    blocks = told.decision.blocks if told.decision and told.is_retold else ()
    return {
        "rule": {"id": told.rule_id, "name": told.name, "version": told.version},
        "outcome": told.outcome,
        "notes": told.notes_for(is_admin=g.agent.is_admin),
        "decided_by": _judged(told.decisive) if told.decisive else None,
        "blocks": [[_judged(one) for one in block] for block in blocks],
    }


def _judged(judged: Judged) -> Document:
    return {
        "condition": judged.clause.condition,
        "operator": judged.clause.operator,
        "value": judged.clause.value,
        "seen": judged.seen[:MOST_TEXTS_SEEN] if judged.clause.condition == "any_text" else judged.seen,
        "holds": judged.holds,
    }


def _is_active(body: Body) -> bool:
    is_active: Any = body.values.get("active", True)
    if not isinstance(is_active, bool):
        raise definitions.Invalid({"active": "Use true or false."})
    return is_active


def _rule_or_404(number: int) -> Rule:
    return book.find(number) or refuse(404, "There is no rule with this id.")


def _admins_only() -> None:
    if not g.agent.is_admin:
        refuse(403, "Rules are for admins. Use the token of one.")

"""What one rule did and how it was changed; and applying it to what was due before it (R5, R6)."""

from flask import Blueprint, abort, g, render_template, request
from flask.typing import ResponseReturnValue

from app import transaction
from app.blueprints import rule_words
from app.blueprints.access import admin_only
from app.blueprints.answers import go, id_of, portion, refused
from app.blueprints.rule_edits import edits
from app.domain.agents import Refused
from app.domain.rules import book, definitions, overdue, runs
from app.language import gettext as _
from app.models import Rule

blueprint = Blueprint("rule_runs", __name__, url_prefix="/settings/rules/<int:rule_id>")

PORTION = 25
EDITS = 10


@blueprint.get("/runs")
@admin_only
def index(rule_id: int) -> ResponseReturnValue:
    """Its runs and its edits, newest first, each with its own pages."""
    rule, only_failed = _rule_or_404(rule_id), request.args.get("only") == "failed"
    before, below = id_of(request.args.get("before")), id_of(request.args.get("below"))
    found = runs.of_rule(rule, before=before, only_failed=only_failed, limit=PORTION + 1)
    shown, older = portion(found, PORTION)
    versions = book.edits_of(rule, before=below, limit=EDITS + 1)
    return render_template(
        "settings/rules/runs.html",
        rule=rule,
        sentence=_sentence(rule),
        runs=shown,
        older_run=older,
        only_failed=only_failed,
        edits=edits(versions, EDITS),
        older_edit=versions[EDITS - 1].number if len(versions) > EDITS else None,
        is_first=before is None and below is None,
        overdue_count=overdue.count(rule),
        most_counted=overdue.MOST_COUNTED,
    )


@blueprint.get("/overdue")
@admin_only
def ask(rule_id: int) -> ResponseReturnValue:
    """Which cases were due already, before anything happens to them."""
    rule = _rule_or_404(rule_id)
    return render_template(
        "settings/rules/overdue.html",
        rule=rule,
        sentence=_sentence(rule),
        overdue=overdue.of_rule(rule),
        is_in_force=overdue.in_force(rule) is not None,
    )


@blueprint.post("/overdue")
@admin_only
def apply(rule_id: int) -> ResponseReturnValue:
    """Have them seen to in the background, portion by portion (R5)."""
    rule = _rule_or_404(rule_id)
    try:
        overdue.apply(rule, by=g.agent)
    except Refused as problem:
        return refused(problem, f"/settings/rules/{rule.id}/overdue")
    transaction.commit()
    said = _("“%(name)s” is being applied to them. It begins within a minute.", name=rule.name)
    return go(f"/settings/rules/{rule.id}/runs", said)


def _sentence(rule: Rule) -> str:
    kept = definitions.kept(book.version_of(rule))
    return rule_words.sentence(kept, rule_words.names_of([kept]))


def _rule_or_404(rule_id: int) -> Rule:
    return book.find(rule_id) or abort(404)

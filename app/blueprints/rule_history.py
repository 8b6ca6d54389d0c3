"""Who did what to which rule: the audit trail of the rules, newest first."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.blueprints.access import admin_only
from app.blueprints.answers import id_of, portion
from app.domain import events
from app.extensions import db
from app.models import Event, Rule

blueprint = Blueprint("rule_history", __name__, url_prefix="/settings/rules/history")

PORTION = 50

# Icon, and the words around the rule's name.
WORDS: Mapping[str, tuple[str, Any]] = {
    "rule.created": ("plus", _l("made %(rule)s.")),
    "rule.changed": ("pencil", _l("changed %(rule)s.")),
    "rule.switched_on": ("check", _l("switched %(rule)s on.")),
    "rule.switched_off": ("ban", _l("switched %(rule)s off.")),
    "rule.moved": ("arrow-right-left", _l("moved %(rule)s to place %(place)s.")),
    "rule.deleted": ("trash-2", _l("deleted %(rule)s.")),
    "rule.put_back": ("undo-2", _l("put %(rule)s back.")),
    "rule.caught_up": ("timer", _l("applied %(rule)s to cases that were due already.")),
    "rules.paused": ("ban", _l("switched all rules off.")),
    "rules.resumed": ("zap", _l("switched rules back on.")),
}


@dataclass(frozen=True)
class Entry:
    """One thing that was done: the words before the rule's name at that moment, and after it."""

    icon: str
    who: str
    before: str
    rule: str
    after: str
    why: str
    at: datetime
    rule_id: int | None
    is_there: bool
    can_put_back: bool


@blueprint.get("")
@admin_only
def index() -> ResponseReturnValue:
    before = id_of(request.args.get("before"))
    found, older = portion(events.of_rules(before=before, limit=PORTION + 1), PORTION)
    return render_template(
        "settings/rules/history.html",
        entries=_entries(found),
        older=older,
        is_first=before is None,
    )


def _entries(found: Iterable[Event]) -> list[Entry]:
    told = [(event, json.loads(event.data)) for event in found]
    query = select(Rule.id, Rule.deleted_at).where(Rule.id.in_({facts.get("rule") for _event, facts in told}))
    deleted = {row.id: row.deleted_at for row in db.session.execute(query)}
    return [_entry(event, facts, deleted) for event, facts in told]


def _entry(event: Event, facts: Mapping[str, Any], deleted: Mapping[int, datetime | None]) -> Entry:
    icon, words = WORDS[event.type]
    rule_id, place = facts.get("rule"), facts.get("place") or "…"
    before, _name, after = (str(words) % {"rule": "\0", "place": place}).partition("\0")
    is_there = rule_id in deleted and deleted[rule_id] is None
    return Entry(
        icon=icon,
        who=event.agent.name if event.agent else "Mado",
        before=before,
        rule=facts.get("name") or "",
        after=after,
        why=facts.get("reason") or "",
        at=event.occurred_at,
        rule_id=rule_id,
        is_there=is_there,
        can_put_back=event.type == "rule.deleted" and not is_there,
    )

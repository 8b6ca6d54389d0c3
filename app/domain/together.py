"""Several cases changed together, and taken back together (H3, U19).

Each case is one change of its own, with the verbs, rights and refusals of a single one; the caller
gives each its own commit, so that one that is refused keeps no other back. What was done is one
fact, from which it can be undone: only what is still as it was left.
"""

import json
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from app.clock import now
from app.domain import access, cases, events, labels
from app.domain.agents import Refused
from app.extensions import db
from app.models import LARGEST_ID, Agent, Case, Event, Group, Label

MOST = 100
UNDONE_WITHIN = timedelta(hours=1)
CHANGED = "cases.changed"

# What a case was and is, by field: how undoing knows what to put back.
Changes = dict[str, list[Any]]


def change(number: int, wanted: Mapping[str, Any], *, by: Agent) -> Changes:
    """Change one of them; what that changed. Raise Refused where it may or can not be."""
    case = _find(number, by)
    before = _state(case)
    _put(case, wanted, by)
    after = _state(case)
    return {field: [before[field], after[field]] for field in before if before[field] != after[field]}


def take_back(number: int, changes: Changes, *, by: Agent) -> bool:
    """Put back what is still as it was left; False when nothing was. Raise Refused as `change` does."""
    case = _find(number, by)
    present = _state(case)
    old = {field: was for field, (was, left) in changes.items() if present[field] == left}
    _put(case, old, by)
    return bool(old)


def remember(changed: Mapping[int, Changes], *, by: Agent) -> int:
    """Record what was changed together; the id by which it is undone."""
    events.record("cases.changed", by=by, cases=changed)
    newest = select(Event.id).where(Event.type == CHANGED, Event.agent_id == by.id)
    return db.session.scalars(newest.order_by(Event.id.desc()).limit(1)).one()


def remembered(event_id: int, *, by: Agent) -> dict[int, Changes] | None:
    """What this agent changed a while ago; None when it wasn't they, or is too long ago."""
    event = db.session.get(Event, event_id)
    if event is None or (event.type, event.agent_id) != (CHANGED, by.id):
        return None
    if event.occurred_at < now() - UNDONE_WITHIN:
        return None
    return {int(number): changes for number, changes in json.loads(event.data)["cases"].items()}


def _find(number: int, by: Agent) -> Case:
    access.check_change(by)
    case = cases.visible(number, access.audience_of(by))
    if case is None:
        raise Refused("It is not there.")
    if cases.lock(case).is_active_chat:
        raise Refused("It is an active chat again.")
    return case


def _state(case: Case) -> dict[str, Any]:
    return {
        "status": case.status,
        "labels": sorted(label.id for label in labels.of_case(case)),
        "group": case.group_id,
        "assignee": case.assignee_id,
        "is_spam": case.is_spam,
        "is_trashed": case.trashed_at is not None,
    }


def _put(case: Case, wanted: Mapping[str, Any], by: Agent) -> None:
    """In the order of `PUT`: whoever is assigned may see the case where it goes."""
    for field, put in PUT.items():
        if field in wanted:
            put(case, wanted[field], by)


def _put_labels(case: Case, ids: Collection[int], by: Agent) -> None:
    """Exactly these; one that was deleted meanwhile stays off."""
    labels.put(case, db.session.scalars(select(Label).where(Label.id.in_(ids))).all(), by=by)


def _row(model: type[Agent | Group | Label], id_: int | None) -> Any:
    """The row, None for nobody's id. Raise Refused when it is gone."""
    if id_ is None:
        return None
    found = db.session.get(model, id_) if id_ <= LARGEST_ID else None
    if found is None:
        raise Refused("This choice is not there any more. Reload the page.")
    return found


PUT: dict[str, Callable[[Case, Any, Agent], None]] = {
    "status": lambda case, value, by: cases.set_status(case, value, by=by),
    "labels": _put_labels,
    "label_on": lambda case, value, by: labels.add(case, [_row(Label, value)], by=by),
    "label_off": lambda case, value, by: labels.remove(case, [_row(Label, value)], by=by),
    "group": lambda case, value, by: cases.move(case, _row(Group, value), by=by),
    "assignee": lambda case, value, by: cases.assign(case, _row(Agent, value), by=by),
    "is_spam": lambda case, value, by: cases.set_spam(case, is_spam=value, by=by),
    "is_trashed": lambda case, value, by: cases.set_trashed(case, is_trashed=value, by=by),
}

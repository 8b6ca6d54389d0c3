"""Conditions that the database can ask, so that nobody looks at cases which don't fit.

Each says the same as its comparison in `conditions`; a test holds the two together.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, select

from app.domain.rules.definitions import Clause, Definition
from app.models import PRIORITIES, Case, case_labels

Asking = Callable[[Any], ColumnElement[bool]]


def _has_any(label_ids: Sequence[int]) -> ColumnElement[bool]:
    carriers = select(case_labels.c.case_id).where(case_labels.c.label_id.in_(label_ids))
    return Case.id.in_(carriers)


def _has_all(label_ids: Sequence[int]) -> ColumnElement[bool]:
    return and_(*(_has_any([one]) for one in label_ids))


def _at_least(priority: str) -> ColumnElement[bool]:
    return Case.priority.in_(PRIORITIES[PRIORITIES.index(priority) :])


# None of these is NULL, so each can be turned round.
_EQUAL: Mapping[str, Asking] = {
    "status": lambda value: Case.status == value,
    "priority": lambda value: Case.priority == value,
    "chat_state": lambda value: Case.chat_state == value,
    "channel": lambda value: Case.channel_id == value,
    "group": lambda value: Case.group_id.is_not_distinct_from(value),
    "assignee": lambda value: Case.assignee_id.is_not_distinct_from(value),
    "author": lambda value: Case.contact_id.is_not_distinct_from(value),
}
ASKED: Mapping[tuple[str, str], Asking] = {
    **{(name, "is"): equal for name, equal in _EQUAL.items()},
    **{(name, "is_not"): lambda value, equal=equal: ~equal(value) for name, equal in _EQUAL.items()},
    ("taken", "is"): lambda value: (
        Case.taken_by_id.is_not(None) if value == "yes" else Case.taken_by_id.is_(None)
    ),
    ("priority", "at_least"): _at_least,
    ("labels", "contain_any"): _has_any,
    ("labels", "contain_all"): _has_all,
    ("labels", "contain_none"): lambda label_ids: ~_has_any(label_ids),
}


def asked(definition: Definition) -> list[Clause]:
    """Clauses without which the rule can't apply, and that the database can ask."""
    return [one for one in definition.certain if (one.condition, one.operator) in ASKED]


def may_apply(definition: Definition) -> list[ColumnElement[bool]]:
    """What the database can ask of a case before anybody looks at it."""
    return [ASKED[one.condition, one.operator](one.value) for one in asked(definition)]

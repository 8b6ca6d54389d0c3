"""What a rule may be made of, told to programs: names, operators, and which values they take."""

from typing import Any

from app.domain.rules.actions import ACTIONS
from app.domain.rules.conditions import CONDITIONS
from app.domain.rules.definitions import JOINS, MATCHES, TYPES
from app.domain.rules.values import Kind


def words() -> dict[str, Any]:
    """Every type, condition and action. A value is described by its kind and fixed choices."""
    return {
        "types": list(TYPES),
        "joins": list(JOINS),
        "matches": list(MATCHES),
        "conditions": [
            {"condition": name, "operators": list(one.operators), "value": _value(one.value)}
            for name, one in CONDITIONS.items()
        ],
        "actions": [
            {"action": name, "value": _value(one.value) if one.value else None}
            for name, one in ACTIONS.items()
        ],
    }


def _value(kind: Kind) -> dict[str, Any]:
    fields = {name: _value(part) for name, part in kind.fields}
    return {"kind": kind.name, "choices": list(kind.choices)} | ({"fields": fields} if fields else {})

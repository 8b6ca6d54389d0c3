"""What a rule may be made of, told to programs: names, operators, and which values they take."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from app.domain import agents, channels, labels
from app.domain.rules.actions import ACTIONS
from app.domain.rules.conditions import CONDITIONS
from app.domain.rules.definitions import JOINS, MATCHES, TYPES
from app.domain.rules.values import NOBODY, Kind
from app.extensions import db
from app.models import Agent

# Words that stand beside the ids of rows; what is nobody or no group may be null, too.
BESIDES = {
    "agent_or_nobody": (NOBODY,),
    "group_or_none": (NOBODY,),
    "assignee": (NOBODY, "least_busy"),
}


def words() -> dict[str, Any]:
    """Every type, condition and action, and the rows that their values can name.

    A value is described by its kind and fixed choices.
    """
    return {
        "known": _known(),
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
    choices = list(kind.choices or BESIDES.get(kind.name, ()))
    return {"kind": kind.name, "choices": choices} | ({"fields": fields} if fields else {})


def _known() -> dict[str, list[dict[str, Any]]]:
    """Agents, groups, channels and labels by id. An assignee is told as agent:ID or group:ID."""
    active = db.session.scalars(select(Agent).where(Agent.is_active).order_by(Agent.id))
    connected = (one for one in channels.listed() if one.state != "deleted")
    return {
        "agents": _ids(active),
        "groups": _ids(agents.all_groups()),
        "channels": _ids(connected),
        "labels": _ids(labels.listed()),
    }


def _ids(rows: Iterable[Any]) -> list[dict[str, Any]]:
    return [{"id": row.id, "name": row.name} for row in rows]

"""Macros: saved replies with actions, personal or shared: which there are, and writing them (R8).

`chosen_steps` has what waits in a composer of a macro that was picked, and what it does.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select

from app.clock import now
from app.domain import characters, events, hot
from app.domain.agents import Refused
from app.domain.rules import actions, addresses, definitions
from app.domain.rules.book import PRESSED_TWICE
from app.domain.rules.definitions import Errors, Invalid, Step
from app.domain.rules.situations import Happened, Situation
from app.domain.rules.values import LABELS, LONGEST_MESSAGE
from app.extensions import db
from app.models import LARGEST_ID, Agent, Case, Macro

# A composer is given all of them at once, to search as one types.
MOST = 200
ANY_USABLE = hot.Statement(
    select(Macro.id)
    .where(
        Macro.deleted_at.is_(None),
        or_(Macro.owner_id == bindparam("agent_id"), Macro.owner_id.is_(None)),
    )
    .limit(1)
)
ADMINS_ONLY = "This is for admins: ask one for a shared macro that does it."


@dataclass(frozen=True)
class Content:
    """What a form or a program says a macro shall be, checked."""

    name: str
    text: str
    steps: tuple[Step, ...]
    is_shared: bool


# ── Reading ─────────────────────────────────────────────────────────────────────────────────


def listed(agent: Agent) -> Sequence[Macro]:
    """Those this agent can use: their own, then the shared ones, by name."""
    return db.session.scalars(_in_order(_usable_by(agent))).all()


def names(agent: Agent) -> Sequence[tuple[int, str]]:
    """Ids and names of the same, for a select: texts and actions are not read."""
    if not hot.finds(ANY_USABLE, agent_id=agent.id):
        return []
    chosen = _in_order(_usable_by(agent)).with_only_columns(Macro.id, Macro.name)
    return [(row.id, row.name) for row in db.session.execute(chosen)]


def find(macro_id: int, agent: Agent) -> Macro | None:
    """One of these; None when it isn't there or somebody else's."""
    if not 0 < macro_id <= LARGEST_ID:
        return None
    return db.session.scalar(_usable_by(agent).where(Macro.id == macro_id))


def may_change(macro: Macro, agent: Agent) -> bool:
    """One's own; the shared ones are the admins'."""
    return macro.owner_id == agent.id or (macro.is_shared and agent.is_admin)


def usable(ids: Iterable[int], agent: Agent) -> Sequence[Macro]:
    """Of these the ones that this agent can use."""
    return db.session.scalars(_usable_by(agent).where(Macro.id.in_(ids))).all()


def may_order(step: Step, is_shared: bool, agent: Agent) -> bool:
    """Shared ones were written by an admin; who was one and is none any more writes for nobody."""
    action = actions.ACTIONS.get(step.action)
    return is_shared or agent.is_admin or not (action and action.is_for_admins)


def filled(macro: Macro, case: Case, *, by: Agent) -> str:
    """Its text for this case, with names and number put in."""
    return actions.filled_in(macro.text, Situation(case, Happened(), now(), by=by))


def count_with_label(label_id: int) -> int:
    """How many put this label on or take it off, whosever they are."""
    kept = db.session.scalars(select(Macro.actions).where(Macro.deleted_at.is_(None)))
    return sum(label_id in _labels_of(json.loads(written)) for written in kept)


def _labels_of(written: Sequence[Mapping[str, Any]]) -> set[int]:
    kinds = actions.ACTIONS
    lists = [one["value"] for one in written if kinds[one["action"]].value is LABELS]
    return {label_id for ids in lists for label_id in ids}


def _usable_by(agent: Agent) -> Select[tuple[Macro]]:
    is_theirs = or_(Macro.owner_id == agent.id, Macro.owner_id.is_(None))
    return select(Macro).where(Macro.deleted_at.is_(None), is_theirs)


def _in_order(query: Select[tuple[Macro]]) -> Select[tuple[Macro]]:
    return query.order_by(Macro.owner_id.is_(None), func.lower(Macro.name), Macro.id)


# ── Changing ────────────────────────────────────────────────────────────────────────────────


def read(given: Mapping[str, Any], *, by: Agent) -> Content:
    """From what JSON or a form gave: name, text, actions, shared. Raise Invalid, by place."""
    errors: Errors = {}
    content = Content(
        name=definitions.name_of(given, errors, missing="Give the macro a name."),
        text=_text(given.get("text"), errors),
        steps=definitions.steps_of(given, errors),
        is_shared=_is_shared(given.get("shared", False), by, errors),
    )
    for place, step in enumerate(content.steps):
        if step.action == actions.STOP:
            errors[f"actions[{place}].action"] = "Only a rule can stop other rules."
        elif not may_order(step, content.is_shared, by):
            errors[f"actions[{place}].action"] = ADMINS_ONLY
    if not (content.text or content.steps):
        errors.setdefault("text", "Write a text, or add an action.")
    if errors:
        raise Invalid(errors)
    return content


def add(content: Content, *, by: Agent) -> Macro:
    """A new macro. Raise Refused when there are too many to choose from."""
    macro = Macro()
    _put(macro, content, by)
    owned = Macro.owner_id.is_not_distinct_from(macro.owner_id)
    count = select(func.count()).where(owned, Macro.deleted_at.is_(None))
    if (db.session.scalar(count) or 0) >= MOST:
        raise Refused(f"There are {MOST} macros already. Delete one that nobody uses.")
    db.session.add(macro)
    db.session.flush()
    events.record("macro.created", by=by, **_facts(macro))
    return macro


def just_added(content: Content, *, by: Agent) -> Macro | None:
    """The very same macro, if it was added a moment ago: somebody pressed Save twice."""
    wanted = Macro()
    _put(wanted, content, by)
    return db.session.scalar(
        select(Macro).where(
            Macro.deleted_at.is_(None),
            Macro.created_at > now() - PRESSED_TWICE,
            Macro.owner_id.is_not_distinct_from(wanted.owner_id),
            Macro.name == wanted.name,
            Macro.text == wanted.text,
            Macro.actions == wanted.actions,
        ).limit(1)
    )


def change(macro: Macro, content: Content, *, by: Agent) -> None:
    _put(macro, content, by)
    db.session.flush()
    events.record("macro.changed", by=by, **_facts(macro))


def delete(macro: Macro, *, by: Agent) -> None:
    """Out of every list; it can be put back."""
    macro.deleted_at = now()
    db.session.flush()
    events.record("macro.deleted", by=by, **_facts(macro))


def put_back(macro_id: int, *, by: Agent) -> Macro:
    """Undo a deletion. Raise Refused when there is nothing to undo for this agent."""
    macro = db.session.get(Macro, macro_id) if macro_id <= LARGEST_ID else None
    if macro is None or macro.deleted_at is None or not may_change(macro, by):
        raise Refused("This macro is not deleted.")
    macro.deleted_at = None
    db.session.flush()
    events.record("macro.put_back", by=by, **_facts(macro))
    return macro


def _put(macro: Macro, content: Content, by: Agent) -> None:
    addresses.check(content.steps)
    macro.name, macro.text = content.name, content.text
    macro.actions = json.dumps(definitions.written_steps(content.steps), ensure_ascii=False)
    macro.owner_id = None if content.is_shared else by.id


def _text(given: Any, errors: Errors) -> str:
    text = characters.storable(given).replace("\r\n", "\n").strip() if isinstance(given, str) else ""
    if given is not None and not isinstance(given, str):
        errors["text"] = "This is a text."
    elif len(text) > LONGEST_MESSAGE:
        errors["text"] = f"Use {LONGEST_MESSAGE} characters or fewer."
    return text


def _is_shared(given: Any, by: Agent, errors: Errors) -> bool:
    if not isinstance(given, bool):
        errors["shared"] = "Use true or false."
    elif given and not by.is_admin:
        errors["shared"] = "Only admins share macros. Keep it for yourself, or ask one."
    return given is True


def _facts(macro: Macro) -> dict[str, Any]:
    return {"macro": macro.id, "name": macro.name}

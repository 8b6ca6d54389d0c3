"""What a rule is: a type, blocks of clauses, and steps in order; read from JSON and checked.

The same reading serves forms, the API, and rules that are loaded again. Every mistake is named by
where it stands, `blocks[0].conditions[1].value`, so that a form can show it at its field.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.domain import characters
from app.domain.agents import Refused
from app.domain.rules.actions import ACTIONS
from app.domain.rules.conditions import CONDITIONS, MINUTES_SINCE
from app.models import RuleVersion

TYPES = ("new_case", "updated_case", "existing_case")
JOINS = ("and", "or")
MATCHES = ("all", "any")
LONGEST_NAME = 100
MOST_BLOCKS = 10
MOST_CLAUSES = 20
MOST_STEPS = 20

Errors = dict[str, str]


class Invalid(Refused):
    """A rule that can't be; `errors` says what is wrong, by place."""

    def __init__(self, errors: Errors) -> None:
        super().__init__(next(iter(errors.values())))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition as a rule asks it."""

    condition: str
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Block:
    """Clauses of which all, or any, must hold."""

    match: str
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One action as a rule orders it."""

    action: str
    value: Any


@dataclass(frozen=True)
class Definition:
    """When and what. Without blocks it applies to every case of its type.

    Without slots: what follows from it is asked of every rule for every new case, and kept.
    """

    type: str
    name: str
    join: str
    blocks: tuple[Block, ...]
    steps: tuple[Step, ...]

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:
        return tuple(clause for block in self.blocks for clause in block.clauses)

    @property
    def certain(self) -> tuple[Clause, ...]:
        """Those without which the rule can't apply."""
        if self.join == "or" and len(self.blocks) > 1:
            return ()
        surely = (one for one in self.blocks if one.match == "all" or len(one.clauses) == 1)
        return tuple(clause for block in surely for clause in block.clauses)

    @cached_property
    def conditions(self) -> frozenset[str]:
        return frozenset(clause.condition for clause in self.clauses)


def read(given: Any) -> Definition:
    """A definition from what JSON gave. Raise Invalid."""
    if not isinstance(given, Mapping):
        raise Invalid({"": "A rule is an object."})
    errors: Errors = {}
    definition = Definition(
        type=_one_of(given.get("type"), TYPES, "type", errors),
        name=name_of(given, errors, missing="Give the rule a name."),
        join=_one_of(given.get("join", "and"), JOINS, "join", errors),
        blocks=tuple(
            _block(block, f"blocks[{place}]", errors)
            for place, block in enumerate(_list(given.get("blocks", []), "blocks", MOST_BLOCKS, errors))
        ),
        steps=steps_of(given, errors),
    )
    if not definition.steps:
        errors.setdefault("actions", "Add an action: what shall happen?")
    _check_time(definition, errors)
    if errors:
        raise Invalid(errors)
    return definition


def written(definition: Definition) -> dict[str, Any]:
    """The same as JSON's objects; what `read` takes."""
    return {
        "type": definition.type,
        "name": definition.name,
        "join": definition.join,
        "blocks": [
            {
                "match": block.match,
                "conditions": [
                    {"condition": one.condition, "operator": one.operator, "value": one.value}
                    for one in block.clauses
                ],
            }
            for block in definition.blocks
        ],
        "actions": written_steps(definition.steps),
    }


def written_steps(steps: Iterable[Step]) -> list[dict[str, Any]]:
    return [{"action": step.action, "value": step.value} for step in steps]


def kept(version: RuleVersion) -> Definition:
    """As it was saved, without asking whether what it refers to is still there."""
    return unchecked(json.loads(version.definition))


def unchecked(given: Mapping[str, Any]) -> Definition:
    """What stands in JSON of the right shape, complete or not: to be told, never to be run."""
    blocks = tuple(
        Block(
            block["match"],
            tuple(
                Clause(one["condition"], one["operator"], one["value"])
                for one in block["conditions"]
            ),
        )
        for block in given["blocks"]
    )
    steps = kept_steps(given["actions"])
    return Definition(given["type"], given["name"], given["join"], blocks, steps)


def kept_steps(saved: Iterable[Mapping[str, Any]]) -> tuple[Step, ...]:
    return tuple(Step(step["action"], step["value"]) for step in saved)


def as_text(definition: Definition) -> str:
    return json.dumps(written(definition), ensure_ascii=False)


def name_of(given: Mapping[str, Any], errors: Errors, *, missing: str) -> str:
    """The name of a rule or macro; what is wrong with it goes to `errors`."""
    typed = given.get("name")
    name = " ".join(characters.storable(typed).split()) if isinstance(typed, str) else ""
    if not name:
        errors["name"] = missing
    elif len(name) > LONGEST_NAME:
        errors["name"] = f"Use {LONGEST_NAME} characters or fewer."
    return name


def _block(given: Any, place: str, errors: Errors) -> Block:
    block = _object(given, place, errors)
    clauses = _list(block.get("conditions"), f"{place}.conditions", MOST_CLAUSES, errors)
    if not clauses and f"{place}.conditions" not in errors:
        errors[f"{place}.conditions"] = "Add a condition, or remove the block."
    return Block(
        match=_one_of(block.get("match", "all"), MATCHES, f"{place}.match", errors),
        clauses=tuple(
            _clause(clause, f"{place}.conditions[{number}]", errors)
            for number, clause in enumerate(clauses)
        ),
    )


def _clause(given: Any, place: str, errors: Errors) -> Clause:
    clause = _object(given, place, errors)
    name = _one_of(clause.get("condition"), CONDITIONS, f"{place}.condition", errors)
    if not name:
        return Clause("", "", None)
    condition = CONDITIONS[name]
    operator = _one_of(clause.get("operator"), condition.operators, f"{place}.operator", errors)
    return Clause(name, operator, _value(condition.value, clause, place, errors))


def steps_of(given: Mapping[str, Any], errors: Errors) -> tuple[Step, ...]:
    """The `actions` of a rule or macro; what is wrong with them goes to `errors` by place."""
    actions = given.get("actions")
    steps = _list([] if actions is None else actions, "actions", MOST_STEPS, errors)
    return tuple(
        _step(step, f"actions[{number}]", errors) for number, step in enumerate(steps)
    )


def _step(given: Any, place: str, errors: Errors) -> Step:
    step = _object(given, place, errors)
    name = _one_of(step.get("action"), ACTIONS, f"{place}.action", errors)
    if not name:
        return Step("", None)
    kind = ACTIONS[name].value
    return Step(name, _value(kind, step, place, errors) if kind else None)


def _value(kind: Any, given: Mapping[str, Any], place: str, errors: Errors) -> Any:
    try:
        return kind.parse(given.get("value"))
    except Refused as problem:
        errors[f"{place}.value"] = str(problem)
        return None


def _check_time(definition: Definition, errors: Errors) -> None:
    """A time-based rule waits from one moment (R5); the others happen when something does."""
    waits = [one for one in definition.clauses if one.condition.startswith(MINUTES_SINCE)]
    is_bound = [one for one in waits if one.operator == "at_least"]
    if definition.type == "existing_case" and len(is_bound) != 1:
        errors.setdefault(
            "blocks", "A time-based rule needs exactly one condition “minutes since … at least”."
        )
    elif definition.type == "existing_case" and is_bound[0] not in definition.certain:
        errors.setdefault(
            "blocks", "The condition “minutes since … at least” must stand in a block of ALL, joined by AND."
        )
    if definition.type == "existing_case" and "happened" in definition.conditions:
        errors.setdefault("blocks", "Nothing has just happened to an existing case; wait instead.")


def _one_of(given: Any, known: Any, place: str, errors: Errors) -> str:
    if isinstance(given, str) and given in known:
        return given
    errors[place] = f"Choose one of: {', '.join(known)}."
    return ""


def _list(given: Any, place: str, most: int, errors: Errors) -> list[Any]:
    if not isinstance(given, list):
        errors[place] = "This is a list."
        return []
    if len(given) > most:
        errors[place] = f"There may be {most} at most."
        return []
    return given


def _object(given: Any, place: str, errors: Errors) -> Mapping[str, Any]:
    if isinstance(given, Mapping):
        return given
    errors[place] = "This is an object."
    return {}

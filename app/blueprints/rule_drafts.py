"""A rule as it stands in its form, whole or half: read from flat fields, and changed by buttons.

    name, type, join, active, opened
    wait-condition, wait-value            what a time-based rule waits for
    blocks-0-match                        all | any
    blocks-0-conditions-1-condition       with -operator, -value; -find, a contact's name as typed;
                                          -shown, the condition whose fields the page showed
    actions-0-...                         rule_actions says

A mistake at `blocks[0].conditions[1].value` is told at `blocks-0-conditions-1-value`. What a
time-based rule waits for has fields of its own, so that it can't be forgotten (R5); it is kept as
the rule's last block.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.blueprints import rule_actions, rule_fields
from app.blueprints.rule_actions import Row, places
from app.blueprints.rule_fields import Typed
from app.domain.rules import conditions, timers
from app.domain.rules.definitions import (
    JOINS,
    MATCHES,
    MOST_BLOCKS,
    MOST_CLAUSES,
    TYPES,
    Clause,
    Definition,
)
from app.domain.rules.values import Kind

USUAL_WAIT = "minutes_since_contact_message"
WAITS = tuple(timers.SINCE)


@dataclass
class Line:
    """One condition as somebody typed it, or has yet to."""

    condition: str = ""
    operator: str = ""
    value: Any = None
    find: str = ""

    @property
    def kind(self) -> Kind | None:
        return rule_fields.kind_of_condition(self.condition)


@dataclass
class Block:
    """A block of conditions of which all, or any, must hold."""

    match: str = "all"
    lines: list[Line] = field(default_factory=list)


@dataclass
class Draft:
    """Everything in the form. `opened` names what was saved when it was opened."""

    type: str = "new_case"
    name: str = ""
    join: str = "and"
    is_active: bool = True
    blocks: list[Block] = field(default_factory=list)
    actions: list[Row] = field(default_factory=list)
    wait: Line = field(default_factory=lambda: Line(USUAL_WAIT, "at_least", ""))
    opened: str = ""

    @property
    def waits(self) -> bool:
        return self.type == timers.TYPE

    def given(self) -> dict[str, Any]:
        """The same as `definitions.read` takes it, mistakes and all."""
        blocks = [*self.blocks, Block("all", [self.wait])] if self.waits else self.blocks
        return {
            "type": self.type,
            "name": self.name,
            "join": "and" if self.waits else self.join,
            "blocks": [{"match": one.match, "conditions": _clauses(one)} for one in blocks],
            "actions": rule_actions.given(self.actions),
        }

    def field_at(self, place: str) -> str:
        """The id of the field at which a mistake is told."""
        own = f"blocks[{len(self.blocks)}].conditions[0]."
        if self.waits and place.startswith(own):
            return f"wait-{place.removeprefix(own)}"
        return rule_fields.id_at(place)

    def is_unchosen(self, place: str) -> bool:
        """Whether the mistake there is that nobody has chosen from the select yet."""
        if not place.endswith(".value"):
            return False
        numbers = [int(one) for one in re.findall(r"\[(\d+)\]", place)]
        blocks = [*self.blocks, Block(lines=[self.wait])]
        rows = self.actions if place.startswith("actions") else blocks[numbers[0]].lines
        row = rows[numbers[-1]]
        return row.value == "" and rule_fields.is_select(row.kind)


def new(type_: str) -> Draft:
    """A rule to be made, with a row for a condition and one for an action waiting."""
    blocks = [] if type_ == timers.TYPE else [Block("all", [Line()])]
    return Draft(type_ if type_ in TYPES else TYPES[0], blocks=blocks, actions=[Row()])


def of(definition: Definition, *, is_active: bool, opened: str) -> Draft:
    """What was saved."""
    waiting = timers.bound_of(definition) if definition.type == timers.TYPE else None
    blocks = [
        Block(block.match, lines)
        for block in definition.blocks
        if (lines := [_line(one) for one in block.clauses if one is not waiting])
    ]
    return Draft(
        definition.type,
        definition.name,
        definition.join,
        is_active,
        blocks,
        rule_actions.of_steps(definition.steps),
        wait=_line(waiting) if waiting else Draft().wait,
        opened=opened,
    )


def read(typed: Typed) -> Draft:
    """What was typed."""
    wait = Line(
        _one_of(typed.get("wait-condition"), WAITS) or USUAL_WAIT,
        "at_least",
        typed.get("wait-value", ""),
    )
    return Draft(
        _one_of(typed.get("type"), TYPES),
        typed.get("name", ""),
        _one_of(typed.get("join"), JOINS) or "and",
        typed.get("active") == "1",
        [_read_block(typed, at) for at in places(typed, "blocks", MOST_BLOCKS)],
        rule_actions.read(typed),
        wait,
        typed.get("opened", ""),
    )


def edit(draft: Draft, do: str) -> str | None:
    """Do what a button says; the id of the field to go on at, None for no button of the form."""
    verb, at = rule_actions.verb_of(do)
    if verb == "refresh":
        return f"{do.partition(':')[2]}-value"
    if verb == "add-block":
        draft.blocks.append(Block("all", [Line()]))
        return f"blocks-{len(draft.blocks) - 1}-conditions-0-condition"
    if at and at[0] < len(draft.blocks):
        if verb == "remove-block":
            del draft.blocks[at[0]]
            return "add-block"
        if verb == "add-condition":
            lines = draft.blocks[at[0]].lines
            lines.append(Line())
            return f"blocks-{at[0]}-conditions-{len(lines) - 1}-condition"
        if verb == "remove-condition" and len(at) == 2:
            return _remove_line(draft, *at)
    return rule_actions.edit(draft.actions, do)


def _remove_line(draft: Draft, block: int, place: int) -> str | None:
    """With its last condition a block goes, too."""
    lines = draft.blocks[block].lines
    if place >= len(lines):
        return None
    del lines[place]
    if lines:
        return f"blocks-{block}-conditions-{min(place, len(lines) - 1)}-condition"
    del draft.blocks[block]
    return "add-block"


def _read_block(typed: Typed, at: str) -> Block:
    lines = places(typed, f"{at}-conditions", MOST_CLAUSES)
    return Block(
        _one_of(typed.get(f"{at}-match"), MATCHES) or "all", [_read_line(typed, one) for one in lines]
    )


def _read_line(typed: Typed, at: str) -> Line:
    name = _one_of(typed.get(f"{at}-condition"), conditions.CONDITIONS)
    shown = _one_of(typed.get(f"{at}-shown"), conditions.CONDITIONS)
    kind, was = rule_fields.kind_of_condition(name), rule_fields.kind_of_condition(shown)
    value = rule_fields.read(typed, f"{at}-value", was)
    return Line(
        name,
        _operator(name, typed.get(f"{at}-operator", "")),
        value if name == shown else rule_fields.kept(value, was, kind),
        typed.get(f"{at}-find", "")[:200],
    )


def _operator(name: str, typed: str) -> str:
    """What was chosen, else the first of those that the condition has."""
    known = conditions.CONDITIONS[name].operators if name else {}
    return typed if typed in known else next(iter(known), "")


def _clauses(block: Block) -> list[dict[str, Any]]:
    return [
        {"condition": one.condition, "operator": one.operator, "value": one.value}
        for one in block.lines
    ]


def _line(clause: Clause) -> Line:
    return Line(clause.condition, clause.operator, clause.value)


def _one_of(given: str | None, known: Mapping[str, Any] | tuple[str, ...]) -> str:
    return given if given and given in known else ""

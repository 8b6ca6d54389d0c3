"""The ordered list of actions in a form, of a rule or a macro alike: read, and changed by buttons.

The fields of the first row are `actions-0-action`, `actions-0-value` (with `-to`, `-by`, `-text`
after it where a value has parts) and `actions-0-shown`, the action whose field the page showed.
Every button of the list is `name="do"` and changes nothing but the form: `add-action`,
`remove-action:0`, `move-up:1`, `move-down:0`, and `refresh:actions-0` once another action is chosen.

A form shows them with `settings/rules/_actions.html`. A view does

    rows = rule_actions.read(request.form)
    focus = rule_actions.edit(rows, request.form.get("do", ""))  # None: no button of the list
    given["actions"] = rule_actions.given(rows)                  # what `definitions` reads
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.blueprints import rule_fields
from app.blueprints.rule_fields import Typed
from app.domain.rules.definitions import MOST_STEPS, Step
from app.domain.rules.values import Kind


@dataclass
class Row:
    """One action as somebody typed it, or has yet to."""

    action: str = ""
    value: Any = None

    @property
    def kind(self) -> Kind | None:
        return rule_fields.kind_of_action(self.action)


def read(typed: Typed) -> list[Row]:
    """The rows of a form, in order."""
    return [_row(typed, at) for at in places(typed, "actions", MOST_STEPS)]


def of_steps(steps: Iterable[Step]) -> list[Row]:
    """The rows of what was saved."""
    return [Row(step.action, step.value) for step in steps]


def given(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The same as JSON's objects."""
    return [{"action": row.action, "value": row.value} for row in rows]


def edit(rows: list[Row], do: str) -> str | None:
    """Do what a button says; the id of the field to go on at, None when it is another's button."""
    verb, at = verb_of(do)
    if verb == "add-action":
        rows.append(Row())
        return f"actions-{len(rows) - 1}-action"
    if verb == "remove-action" and at and at[0] < len(rows):
        del rows[at[0]]
        return f"actions-{min(at[0], len(rows) - 1)}-action" if rows else "add-action"
    if verb in ("move-up", "move-down") and at:
        return _move(rows, at[0], -1 if verb == "move-up" else 1)
    return None


def by_field(rows: Sequence[Row], errors: Mapping[str, str]) -> dict[str, str]:
    """What is wrong by field, of a form that has a list of actions and no other rows."""
    return {rule_fields.id_at(place): _said(rows, place, said) for place, said in errors.items()}


def verb_of(do: str) -> tuple[str, list[int]]:
    """`remove-condition:0:1` is ("remove-condition", [0, 1])."""
    verb, *numbers = do.split(":")
    return verb, [int(one) for one in numbers if one.isascii() and one.isdigit() and len(one) < 4]


def places(typed: Typed, start: str, most: int) -> list[str]:
    """Where the rows of a form stand: `actions-0`, `actions-2`. One too many is told as a mistake."""
    found = (re.match(rf"{start}-(\d{{1,3}})-", name) for name in typed)
    numbers = sorted({int(match[1]) for match in found if match})
    return [f"{start}-{number}" for number in numbers[: most + 1]]


def _row(typed: Typed, at: str) -> Row:
    name, shown = typed.get(f"{at}-action", ""), typed.get(f"{at}-shown", "")
    kind, was = rule_fields.kind_of_action(name), rule_fields.kind_of_action(shown)
    value = rule_fields.read(typed, f"{at}-value", was)
    return Row(name, value if name == shown else rule_fields.kept(value, was, kind))


def _move(rows: list[Row], place: int, step: int) -> str | None:
    """The button that was pressed goes with its row; at an end of the list it is the other one."""
    to = place + step
    if not (0 <= place < len(rows) and 0 <= to < len(rows)):
        return None
    rows[place], rows[to] = rows[to], rows[place]
    is_end = to in (0, len(rows) - 1) and (to == 0) == (step < 0)
    way = "up" if (step < 0) != is_end else "down"
    return f"actions-{to}-{way}"


def _said(rows: Sequence[Row], place: str, said: str) -> str:
    found = re.fullmatch(r"actions\[(\d+)\]\.(\w+)", place)
    row, part = (rows[int(found[1])], found[2]) if found else (Row(), "")
    if part == "action" and row.kind:
        return said  # one that is known, and not for this agent or not for a macro
    is_unchosen = part == "value" and row.value == "" and rule_fields.is_select(row.kind)
    return rule_fields.in_a_form(place, said, is_unchosen=is_unchosen)

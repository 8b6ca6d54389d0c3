"""The fields in which values of rules and macros are typed: one for each kind of value.

`FIELDS` names the field of a kind (drawn by `settings/rules/_value.html`); `read` gets out of a form
what was typed in it, unchecked. A kind without a field fails `tests/web/test_rule_fields.py`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from werkzeug.datastructures import MultiDict

from app.blueprints import rule_words
from app.blueprints.rule_words import Grouped, Names, values
from app.domain import contacts
from app.domain.rules import actions, conditions
from app.domain.rules.values import NOBODY, Kind
from app.language import gettext as _

Typed = MultiDict[str, str]
# What a text may hold that is filled in for each case; a rule acts by itself, so it has no agent.
PLACEHOLDERS = ("{contact.name}", "{case.number}")

FIELDS: dict[str, str] = {
    "choice": "select",
    "text": "text",
    "message": "message",
    "minutes": "minutes",
    "url": "url",
    "agent": "select",
    "agent_or_nobody": "select",
    "group_or_none": "select",
    "channel": "select",
    "assignee": "select",
    "contact": "contact",
    "labels": "boxes",
    "notified": "boxes",
    "ways": "boxes",
    "notification": "parts",
}
# Boxes that are ticked in a new row.
TICKED = {"ways": ("app",)}


@dataclass(frozen=True)
class Fields:
    """What the rows of a form need to draw their fields; made once a page."""

    names: Names
    placeholders: tuple[str, ...] = PLACEHOLDERS
    hidden_actions: frozenset[str] = frozenset()

    @cached_property
    def action_choices(self) -> Grouped:
        return [
            (group, kept)
            for group, rows in rule_words.action_choices()
            if (kept := [row for row in rows if row[0] not in self.hidden_actions])
        ]

    def options(self, kind: Kind, choices: Mapping[str, Any]) -> Grouped:
        """What a select or boxes offer; a group without a name stands without a heading."""
        return OPTIONS[kind.name](self.names, choices)

    def found(self, text: str) -> list[tuple[int, str]]:
        """Contacts of such a name."""
        return contacts.found(text)

    def contact(self, value: Any) -> str | None:
        """The name of the contact that is chosen."""
        return self.names.contacts.get(values.id_of(value))

    def field_of(self, kind: Kind) -> str:
        return FIELDS[kind.name]

    def part_label(self, part: str) -> str:
        return {"to": _("Whom"), "by": _("How"), "text": _("Text")}[part]

    def action_words(self, name: str) -> Any:
        return rule_words.ACTIONS.get(name)

    def condition_words(self, name: str) -> Any:
        return rule_words.CONDITIONS.get(name)


def kind_of_condition(name: str) -> Kind | None:
    known = conditions.CONDITIONS.get(name)
    return known.value if known else None


def kind_of_action(name: str) -> Kind | None:
    known = actions.ACTIONS.get(name)
    return known.value if known else None


def is_select(kind: Kind | None) -> bool:
    return kind is not None and FIELDS[kind.name] == "select"


def id_at(place: str) -> str:
    """The id of the field at which a mistake is told: `actions[0].value` is `actions-0-value`."""
    return re.sub(r"\[(\d+)\]\.?", r"-\1-", place).strip("-")


def in_a_form(place: str, said: str, *, is_unchosen: bool) -> str:
    """A mistake in the words of a form, where the domain speaks to programs.

    `is_unchosen` is a select from which nobody has chosen yet.
    """
    instead = {
        "type": _("Choose when the rule acts."),
        "condition": _("Choose a condition, or remove this one."),
        "action": _("Choose an action, or remove this one."),
    }
    return _("Choose one.") if is_unchosen else instead.get(place.rpartition(".")[2], said)


def read(typed: Typed, at: str, kind: Kind | None) -> Any:
    """The value of the field of this name, as it was typed."""
    if kind is None:
        return None
    if kind.fields:
        return {name: read(typed, f"{at}-{name}", part) for name, part in kind.fields}
    if FIELDS[kind.name] == "boxes":
        return [one for one in typed.getlist(at) if one]
    return typed.get(at, "")


def kept(value: Any, was: Kind | None, kind: Kind | None) -> Any:
    """A value for the next condition or action: what was typed, where it means the same there."""
    is_same = was and kind and (was.name, was.choices) == (kind.name, kind.choices)
    return value if is_same else blank(kind)


def blank(kind: Kind | None) -> Any:
    """The value of a field in which nobody has typed."""
    if kind is None:
        return None
    if kind.fields:
        return {name: blank(part) for name, part in kind.fields}
    if FIELDS[kind.name] == "boxes":
        return list(TICKED.get(kind.name, ()))
    return ""


def _rows(known: Mapping[int, str], offered: frozenset[int] | None = None) -> list[tuple[str, str]]:
    return [(str(id_), name) for id_, name in known.items() if offered is None or id_ in offered]


def _agents(names: Names) -> list[tuple[str, str]]:
    return _rows(names.agents, names.offered_agents)


def _agents_and_groups(names: Names) -> Grouped:
    agents = [(f"agent:{id_}", name) for id_, name in _agents(names)]
    groups = [(f"group:{id_}", name) for id_, name in _rows(names.groups)]
    return [(_("Groups"), groups), (_("Agents"), agents)]


def _assignees(names: Names, _choices: Mapping[str, Any]) -> Grouped:
    first = [("least_busy", _("The least busy agent available")), (NOBODY, _("Nobody"))]
    return [("", first), *_agents_and_groups(names)]


def _notified(names: Names, _choices: Mapping[str, Any]) -> Grouped:
    first = [(name, _capital(str(label))) for name, label in values.NOTIFIED.items()]
    return [("", first), *_agents_and_groups(names)]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


OPTIONS: dict[str, Callable[[Names, Mapping[str, Any]], Grouped]] = {
    "choice": lambda names, choices: [("", [(key, str(label)) for key, label in choices.items()])],
    "agent": lambda names, choices: [("", _agents(names))],
    "agent_or_nobody": lambda names, choices: [("", [(NOBODY, _("Nobody")), *_agents(names)])],
    "group_or_none": lambda names, choices: [("", [(NOBODY, _("No group")), *_rows(names.groups)])],
    "channel": lambda names, choices: [("", _rows(names.channels, names.offered_channels))],
    "assignee": _assignees,
    "labels": lambda names, choices: [("", _rows(names.labels))],
    "notified": _notified,
    "ways": lambda names, choices: [
        ("", [(way, _capital(str(label))) for way, label in values.WAYS.items()])
    ],
}

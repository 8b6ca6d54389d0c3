"""Conditions put into words: for select boxes, as part of a sentence, and what one saw."""

from typing import Any

from app.blueprints.rule_words import values
from app.blueprints.rule_words.conditions import CONDITIONS, NOBODY, OPERATORS, Phrase
from app.blueprints.rule_words.values import Names
from app.domain.rules import conditions as known
from app.domain.rules import values as v
from app.domain.rules.definitions import Clause
from app.language import gettext as _

Grouped = list[tuple[str, list[tuple[str, str]]]]
MOST_SEEN = 3


def condition_choices() -> Grouped:
    """Conditions for a select box, by group: [("Case", [("status", "Status"), ...]), ...]."""
    return grouped([(str(words.group), name, str(words.label)) for name, words in CONDITIONS.items()])


def operator_choices(condition: str) -> list[tuple[str, str]]:
    """The operators of a condition: [("is", "is"), ...]."""
    own = CONDITIONS[condition].operators
    return [(name, str(own.get(name, OPERATORS[name]))) for name in known.CONDITIONS[condition].operators]


def clause(one: Clause, names: Names) -> str:
    """One condition, as it goes on after "When a new case arrives and": "its status is Open"."""
    words = CONDITIONS.get(one.condition)
    if words is None:
        return _("… (choose a condition)")
    phrase = words.phrases.get(one.operator) or next(iter(words.phrases.values()))
    return say(phrase, one, names)


def say(phrase: Phrase, one: Clause, names: Names) -> str:
    """A phrase with the clause's value put in."""
    words = CONDITIONS[one.condition]
    said = value(one, names)
    if isinstance(phrase, tuple):
        phrase = phrase[len(values.label_names(one.value, names)) > 1]
    elif isinstance(phrase, dict):
        phrase = phrase.get(_key(one), phrase.get(None)) or _unchosen(one)
    return str(phrase) % {"value": said, "what": str(words.what)}


def _unchosen(one: Clause) -> str:
    """Of a condition whose value is not chosen yet: "kind of channel is …"."""
    label, operator = str(CONDITIONS[one.condition].label), OPERATORS.get(one.operator, "")
    return f"{label[:1].lower()}{label[1:]} {operator} %(value)s"


def value(one: Clause, names: Names) -> str:
    """The value that a clause compares with: "Open"."""
    if one.operator in ("contain_any", "contain_none"):
        return values.any_of(values.label_names(one.value, names))
    kind = known.CONDITIONS[one.condition].value
    return values.say(kind, one.value, names, CONDITIONS[one.condition].choices)


def seen(condition: str, saw: Any, names: Names) -> str:
    """What a condition saw, as a decision keeps it: "Closed", "nobody", "no labels"."""
    if isinstance(saw, list):
        return _several(condition, saw, names)
    if saw is None:
        return _NOTHING.get(condition, lambda: _("nothing yet"))()
    if saw == "":
        return _("no text")
    kind = known.CONDITIONS[condition].value
    return values.say(kind, saw, names, CONDITIONS[condition].choices)


def grouped(rows: list[tuple[str, str, str]]) -> Grouped:
    """Rows of group, value and label, by group and in order."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for group, name, label in rows:
        groups.setdefault(group, []).append((name, label))
    return list(groups.items())


def _key(one: Clause) -> Any:
    """Which of a condition's phrases: by choice, or by there being nobody; None for all else."""
    if one.value in (None, v.NOBODY):
        return NOBODY
    return one.value if isinstance(one.value, str) and one.value else None


def _several(condition: str, saw: list[Any], names: Names) -> str:
    if condition == "labels":
        said = values.label_names(saw, names)
    else:
        said = [seen(condition, one, names) for one in saw[:MOST_SEEN]]
        said += ["…"] if len(saw) > MOST_SEEN else []
    return ", ".join(said) or (_("no labels") if condition == "labels" else _("nothing"))


_NOTHING = {
    "group": lambda: _("no group"),
    "assignee": lambda: _("nobody"),
    "author": lambda: _("nobody"),
    "latest_sender": lambda: _("nobody"),
    "status_changed_from": lambda: _("no change"),
    "status_changed_to": lambda: _("no change"),
}

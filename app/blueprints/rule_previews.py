"""The preview of a rule in words: which of the newest cases it would apply to, and why (R6)."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.blueprints import rule_words
from app.blueprints.answers import address_of
from app.blueprints.rule_drafts import Draft
from app.blueprints.rule_words import Names
from app.domain import access, contacts
from app.domain.rules import actions, definitions, previews, timers
from app.domain.rules.decisions import Decision, Judged
from app.domain.rules.definitions import Definition, Invalid
from app.language import gettext as _
from app.models import Agent, Case

# What a rule orders changes nothing about which cases it applies to.
ANYTHING = {"name": "Preview", "actions": [{"action": actions.STOP, "value": None}]}


@dataclass(frozen=True)
class Line:
    """One case, and what of it decided."""

    case: Case
    address: str
    title: str
    why: list[str]


@dataclass(frozen=True)
class Told:
    """Both lists, newest case first; `unfinished` when the conditions can't be asked yet."""

    matching: list[Line]
    others: list[Line]
    notes: list[str]
    unfinished: bool = False

    @property
    def looked_at(self) -> int:
        return len(self.matching) + len(self.others)


def told(draft: Draft, agent: Agent) -> Told:
    try:
        definition = definitions.read(draft.given() | ANYTHING)
    except Invalid:
        return Told([], [], [], unfinished=True)
    preview = previews.of(definition, access.audience_of(agent))
    people = {case.contact_id or 0 for case, _decision in preview.judged}
    names = rule_words.names_of(authors=people if "author" in definition.conditions else ())
    return Told(
        [_line(case, _facts(decision), names) for case, decision in preview.matching],
        [_line(case, _decisive(decision), names) for case, decision in preview.others],
        _notes(definition),
    )


def _facts(decision: Decision) -> list[Judged]:
    """What holds of a case, where it says more than the rule itself does."""
    held = [one for block in decision.blocks for one in block if one.holds]
    return [one for one in held if one.clause.operator != "is" or one.seen != one.clause.value]


def _decisive(decision: Decision) -> list[Judged]:
    return [decision.decisive] if decision.decisive else []


def _line(case: Case, judged: Iterable[Judged], names: Names) -> Line:
    why = [
        f"{rule_words.CONDITIONS[one.clause.condition].label}: "
        f"{rule_words.seen(one.clause.condition, one.seen, names)}"
        for one in judged
    ]
    return Line(case, address_of(case), contacts.title_of(case), list(dict.fromkeys(why)))


def _notes(definition: Definition) -> list[str]:
    """What the preview can't know, in words."""
    asked = definition.conditions
    notes = {
        "status_changed_from": _("Of the changes of its status, the last one counts."),
        "status_changed_to": _("Of the changes of its status, the last one counts."),
        "happened": _("“What happened” counts if it ever happened to the case."),
        "working_hours": _("Working hours are asked for this moment."),
        "any_text": _("Of each case the newest 100 messages are read, and of each its first 2,000 characters."),
    }
    always = [_("The cases are looked at as they are now, not as they were or will be.")]
    if definition.type == timers.TYPE:
        always.append(_("They have waited long already: the rule acts on those whose time comes later."))
    return list(dict.fromkeys([*always, *(notes[one] for one in notes if one in asked)]))

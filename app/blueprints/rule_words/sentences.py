"""A whole rule as one sentence in plain words, complete or not.

"When a new case arrives in a chat channel and it is outside working hours: end the chat and set
status Open, then add label night." A condition without which the rule can't apply may open the
sentence; the others follow, with brackets around what belongs together.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from app.blueprints.rule_words import phrases
from app.blueprints.rule_words.actions import step
from app.blueprints.rule_words.conditions import Phrase
from app.blueprints.rule_words.values import MISSING, Names
from app.domain.rules.definitions import Block, Clause, Definition, Step
from app.language import gettext as _

# Type: what the choice is called, what it means, how its sentences begin.
TYPES: dict[str, tuple[Any, Any, Any]] = {
    "new_case": (
        _l("A new case arrives"),
        _l("Once, the moment a chat or a mail comes in, before anybody sees it."),
        _l("When a new case arrives"),
    ),
    "updated_case": (
        _l("Something happens to a case"),
        _l("Each time somebody replies or changes it, or its chat ends or goes on."),
        _l("When something happens to a case"),
    ),
    "existing_case": (
        _l("A case has waited"),
        _l("Looked for every minute; once for each time that a case waits so long."),
        _l("When a case has waited … minutes"),
    ),
}

NOTHING = Clause("", "", None)

# Conditions that open the sentence, by type.
OPENINGS: dict[str, dict[tuple[str, str], Phrase]] = {
    "new_case": {
        ("channel_kind", "is"): {
            "chat": _l("When a new case arrives in a chat channel"),
            "mail_like": _l("When a new case arrives in a mail-like channel"),
        },
        ("channel", "is"): _l("When a new case arrives in the channel %(value)s"),
    },
    "updated_case": {
        ("happened", "is"): {
            "contact_replied": _l("When a contact replies in a case"),
            "agent_replied": _l("When an agent replies in a case"),
            "note_added": _l("When a note is added to a case"),
            "status_changed": _l("When the status of a case changes"),
            "assigned": _l("When a case is assigned"),
            "label_changed": _l("When a label is added or removed"),
            "chat_reactivated_by_contact": _l("When a contact reactivates a chat"),
            "chat_reactivated_by_agent": _l("When an agent reactivates a chat"),
            "chat_ended_by_agent": _l("When an agent ends a chat"),
            "chat_ended_by_inactivity": _l("When a chat ends because nobody wrote"),
            "chat_ended_by_rule": _l("When a rule ends a chat"),
        },
        ("status_changed_to", "is"): _l("When the status of a case changes to %(value)s"),
        ("status_changed_from", "is"): _l("When the status of a case changes from %(value)s"),
    },
    "existing_case": {
        ("minutes_since_created", "at_least"): _l("When a case was created %(value)s ago"),
        ("minutes_since_contact_message", "at_least"): _l(
            "When a contact has written nothing in a case for %(value)s"
        ),
        ("minutes_since_agent_message", "at_least"): _l(
            "When no agent has written in a case for %(value)s"
        ),
        ("minutes_since_status_change", "at_least"): _l(
            "When the status of a case has not changed for %(value)s"
        ),
    },
}


def sentence(definition: Definition, names: Names) -> str:
    """What the rule does and when; "…" stands where something is missing."""
    opening, told = _opening(definition, names)
    said = f"{_joined([opening, *_parts(definition, told, names)])}: {steps(definition.steps, names)}"
    return said if said.endswith(MISSING) else f"{said}."


def steps(ordered: Iterable[Step], names: Names) -> str:
    """Actions in order: "set status Open, then add label night"."""
    return _(", then ").join(step(one, names) for one in ordered) or _("… (choose an action)")


def _opening(definition: Definition, names: Names) -> tuple[str, Clause | None]:
    """How the sentence begins, and the condition that this tells already."""
    if definition.type not in TYPES:
        return _("When … (choose when)"), None
    openings = OPENINGS[definition.type]
    for one in definition.certain:
        phrase = openings.get((one.condition, one.operator))
        if phrase and not (isinstance(phrase, Mapping) and one.value not in phrase):
            return phrases.say(phrase, one, names), one
    return str(TYPES[definition.type][2]), None


def _parts(definition: Definition, told: Clause | None, names: Names) -> list[str]:
    """What follows the opening, each part something that must hold."""
    if definition.join == "or" and len(definition.blocks) > 1:
        alternatives = [_bracketed(block, names) for block in definition.blocks]
        return [_("either %(these)s", these=_(" or ").join(alternatives))]
    parts: list[str] = []
    for block in definition.blocks:
        left = [one for one in block.clauses or (NOTHING,) if one is not told]
        is_whole = block.match == "any" and len(left) > 1
        parts += [_bracketed(block, names)] if is_whole else [phrases.clause(one, names) for one in left]
    return parts


def _bracketed(block: Block, names: Names) -> str:
    """A block in brackets; one condition needs none."""
    said = [phrases.clause(one, names) for one in block.clauses or (NOTHING,)]
    between = _(" and ") if block.match == "all" else _(" or ")
    return f"({between.join(said)})" if len(said) > 1 else said[0]


def _joined(parts: list[str]) -> str:
    """A and B; with more of them A, B, and C."""
    if len(parts) < 3:
        return _(" and ").join(parts)
    return _("%(first)s, and %(last)s", first=", ".join(parts[:-1]), last=parts[-1])

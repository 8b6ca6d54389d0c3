"""Macros as a composer shows them: what can be picked, and the steps that wait to be sent (R8)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flask import g

from app.blueprints import rule_words
from app.blueprints.rule_words import Names
from app.domain import chosen_steps, macros
from app.domain.chosen_steps import Chosen
from app.models import Case, Draft, Macro


@dataclass(frozen=True)
class Waiting:
    """One step in words, with the mark that its box sends; `problem` says why it can't be done."""

    mark: str
    words: str
    problem: str


@dataclass(frozen=True)
class Pick:
    """One macro in the list: its text for this case, and its steps."""

    macro: Macro
    text: str
    steps: list[Waiting]


def for_case(case: Case) -> list[Pick]:
    """Every macro that this agent can use here, in a fixed number of queries."""
    return [
        Pick(macro, macros.filled(macro, case, by=g.agent), steps)
        for macro, steps in told(macros.listed(g.agent))
    ]


def told(found: Sequence[Macro]) -> list[tuple[Macro, list[Waiting]]]:
    """Macros with their steps in words, in a fixed number of queries."""
    steps, names = chosen_steps.of_all(found), rule_words.names_of()
    return [(macro, _waiting(steps[macro.id], names)) for macro in found]


def of_draft(draft: Draft | None) -> list[Waiting]:
    """What waits beside a draft's text, as far as it is still what was chosen."""
    marks = draft.steps.split() if draft else []
    found = chosen_steps.still(marks, by=g.agent)
    return _waiting(found, rule_words.names_of()) if found else []


def _waiting(steps: Iterable[Chosen], names: Names) -> list[Waiting]:
    return [Waiting(one.mark, rule_words.step(one.step, names), one.problem) for one in steps]

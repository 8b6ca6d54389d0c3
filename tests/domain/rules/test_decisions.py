"""Which condition decided, told by the same pure functions that decide (R6)."""

from typing import Any

import pytest

from app.domain.rules.decisions import applies, decide
from app.domain.rules.definitions import Block, Clause, Definition

YES, NO = Clause("status", "is", "open"), Clause("priority", "is", "urgent")
ALSO, NEITHER = Clause("taken", "is", "no"), Clause("chat_state", "is", "ended")
SEEN: dict[str, Any] = {
    "status": "open",
    "priority": "normal",
    "taken": "no",
    "chat_state": "active",
}


def made_of(*blocks: tuple[str, list[Clause]], join: str = "and") -> Definition:
    made = tuple(Block(match, tuple(clauses)) for match, clauses in blocks)
    return Definition("new_case", "Rule", join, made, ())


@pytest.mark.parametrize(
    ("definition", "outcome", "decisive"),
    [
        (made_of(), True, None),
        (made_of(("all", [YES, ALSO])), True, ALSO),
        (made_of(("all", [YES, NO, NEITHER])), False, NO),
        (made_of(("any", [NO, YES, ALSO])), True, YES),
        (made_of(("any", [NO, NEITHER])), False, NEITHER),
        (made_of(("all", [YES]), ("any", [NO, ALSO])), True, ALSO),
        (made_of(("all", [NO]), ("all", [YES])), False, NO),
        (made_of(("all", [NO]), ("all", [YES]), join="or"), True, YES),
        (made_of(("all", [NO]), ("any", [NEITHER]), join="or"), False, NEITHER),
    ],
)
def test_decisive_condition_is_the_one_on_which_the_outcome_rests(definition, outcome, decisive):
    decision = decide(definition, SEEN)
    assert decision.applies is applies(definition, SEEN) is outcome
    assert (decision.decisive and decision.decisive.clause) == decisive


def test_every_condition_is_told_with_what_it_saw():
    decision = decide(made_of(("all", [YES, NO])), SEEN)
    assert [(one.seen, one.holds) for one in decision.blocks[0]] == [("open", True), ("normal", False)]

"""Whether a rule applies, and which condition decided it: pure, so that it can be told again (R6)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.rules.comparisons import Comparison
from app.domain.rules.conditions import CONDITIONS
from app.domain.rules.definitions import Block, Clause, Definition
from app.domain.rules.situations import Situation

Seen = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """One clause with what it saw and whether that holds."""

    clause: Clause
    seen: Any
    holds: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome, every clause of every block, and the one that made it so.

    `decisive` is None for a rule without conditions, which always applies.
    """

    applies: bool
    blocks: tuple[tuple[Judged, ...], ...]
    decisive: Judged | None


def see(situation: Situation, names: frozenset[str]) -> dict[str, Any]:
    """What these conditions see now."""
    return {name: CONDITIONS[name].see(situation) for name in sorted(names)}


def applies(definition: Definition, seen: Seen) -> bool:
    """The same as `decide(...).applies`, looking no further than it must."""
    return test_of(definition)(seen)


def test_of(definition: Definition) -> Callable[[Seen], bool]:
    """`applies` with this definition made ready: every new case asks it of every rule."""
    needs_all = definition.join == "and"
    blocks = [
        (block.match == "all", [(one.condition, _operator(one), one.value) for one in block.clauses])
        for block in definition.blocks
    ]

    def test(seen: Seen) -> bool:
        for wants_all, clauses in blocks:
            holds = wants_all
            for condition, operator, value in clauses:
                if operator(seen.get(condition), value) != wants_all:
                    holds = not wants_all
                    break
            if holds != needs_all:
                return holds
        return needs_all or not blocks

    return test


def decide(definition: Definition, seen: Seen) -> Decision:
    """Every clause judged, for people who ask why."""
    blocks = tuple(
        tuple(Judged(clause, seen.get(clause.condition), _holds(clause, seen)) for clause in block.clauses)
        for block in definition.blocks
    )
    outcome = applies(definition, seen)
    return Decision(outcome, blocks, _decisive(definition, blocks, outcome))


def _holds(clause: Clause, seen: Seen) -> bool:
    return _operator(clause)(seen.get(clause.condition), clause.value)


def _operator(clause: Clause) -> Comparison:
    return CONDITIONS[clause.condition].operators[clause.operator]


def _decisive(
    definition: Definition, blocks: tuple[tuple[Judged, ...], ...], outcome: bool
) -> Judged | None:
    """The first clause of the first block on which the outcome rests.

    A block of ALL fails by its first clause that does not hold and holds by its last; a block of
    ANY the other way round.
    """
    for block, judged in zip(definition.blocks, blocks, strict=True):
        holds = _of_block(block, judged)
        # One failing block ends an AND, one holding block ends an OR; else the last one decides.
        if holds == outcome and (outcome == (definition.join == "or") or judged is blocks[-1]):
            wanted = [one for one in judged if one.holds == holds]
            ends_it = holds == (block.match == "any")
            return wanted[0] if ends_it else wanted[-1]
    return None


def _of_block(block: Block, judged: tuple[Judged, ...]) -> bool:
    held = [one.holds for one in judged]
    return all(held) if block.match == "all" else any(held)

"""What changed between two versions of a rule, in sentences (R6)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

from app.blueprints import rule_words
from app.blueprints.rule_words import Names
from app.domain.rules import definitions
from app.domain.rules.definitions import Clause, Definition, Step
from app.language import gettext as _
from app.models import RuleVersion

Part = TypeVar("Part", Clause, Step)


@dataclass(frozen=True)
class Edit:
    """One saving: who, when, and what it changed. The first one tells the rule as it was made."""

    number: int
    who: str
    at: datetime
    changes: list[str]


def edits(versions: Sequence[RuleVersion], limit: int) -> list[Edit]:
    """Each of these versions, newest first, against the one before it; so many at most.

    One more than `limit` must be given where there is one.
    """
    told = [definitions.kept(version) for version in versions]
    names = rule_words.names_of(told)
    changes = [list(_changes(before, after, names)) for after, before in pairwise(told)]
    if versions and versions[-1].number == 1:
        changes.append([rule_words.sentence(told[-1], names)])
    shown = zip(versions, changes, strict=False)
    return [
        Edit(one.number, one.saved_by.name if one.saved_by else _("A program"), one.saved_at, changed)
        for one, changed in list(shown)[:limit]
    ]


def _changes(before: Definition, after: Definition, names: Names) -> Iterator[str]:
    if before.name != after.name:
        yield _("Renamed: “%(old)s” → “%(new)s”.", old=before.name, new=after.name)
    if before.type != after.type:
        old, new = (str(rule_words.TYPES[one.type][0]) for one in (before, after))
        yield _("When: %(old)s → %(new)s.", old=old, new=new)
    yield from _conditions(before, after, names)
    yield from _steps(before, after, names)


def _conditions(before: Definition, after: Definition, names: Names) -> Iterator[str]:
    removed, added = _apart(before.clauses, after.clauses)
    for one in removed:
        yield _("Condition removed: %(words)s.", words=rule_words.clause(one, names))
    for one in added:
        yield _("Condition added: %(words)s.", words=rule_words.clause(one, names))
    if not (removed or added) and (before.join, before.blocks) != (after.join, after.blocks):
        yield _("The same conditions, put together differently: %(sentence)s",
                sentence=rule_words.sentence(after, names))  # fmt: skip


def _steps(before: Definition, after: Definition, names: Names) -> Iterator[str]:
    removed, added = _apart(before.steps, after.steps)
    for one in removed:
        yield _("Action removed: %(words)s.", words=rule_words.step(one, names))
    for one in added:
        yield _("Action added: %(words)s.", words=rule_words.step(one, names))
    if not (removed or added) and before.steps != after.steps:
        yield _("The same actions in another order: %(words)s.", words=rule_words.steps(after.steps, names))


def _apart(before: Sequence[Part], after: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    """What went and what came. Values may be lists, so nothing here can be a set."""
    gone, come = list(before), list(after)
    for one in before:
        if one in come:
            gone.remove(one)
            come.remove(one)
    return gone, come

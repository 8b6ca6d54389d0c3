"""Which rules speak of a label, or ask a condition: what changing these would touch."""

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import select

from app.domain.rules import definitions
from app.domain.rules import values as v
from app.domain.rules.actions import ACTIONS
from app.domain.rules.conditions import CONDITIONS
from app.domain.rules.definitions import Definition
from app.extensions import db
from app.models import Rule, RuleVersion


def to_labels() -> dict[int, list[Rule]]:
    """Rules by the ids of the labels that stand in their conditions or actions, in order."""
    found: defaultdict[int, list[Rule]] = defaultdict(list)
    for rule, definition in _kept():
        for label_id in _labels_of(definition):
            found[label_id].append(rule)
    return found


def asking(condition: str) -> list[Rule]:
    """Rules that ask this condition, in order."""
    return [rule for rule, definition in _kept() if condition in definition.conditions]


def _kept() -> Iterator[tuple[Rule, Definition]]:
    query = select(Rule, RuleVersion).join(RuleVersion, RuleVersion.id == Rule.version_id)
    query = query.where(Rule.deleted_at.is_(None)).order_by(Rule.type, Rule.position, Rule.id)
    for rule, version in db.session.execute(query):
        yield rule, definitions.kept(version)


def _labels_of(definition: Definition) -> set[int]:
    asked = [one.value for one in definition.clauses if CONDITIONS[one.condition].value is v.LABELS]
    ordered = [one.value for one in definition.steps if ACTIONS[one.action].value is v.LABELS]
    return {label_id for ids in (*asked, *ordered) for label_id in ids}

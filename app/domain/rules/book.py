"""The rules that there are: saving, ordering, switching, deleting, and those in force, kept at hand.

A saved rule is a new version; versions never change. What is in force is read once and kept until
the book's edition changes, which every transaction asks for before it runs rules.
"""

import json
import secrets
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import joinedload

from app.clock import now
from app.domain import events, settings
from app.domain.agents import Refused
from app.domain.rules import addresses, decisions, definitions
from app.domain.rules.definitions import TYPES, Definition, Invalid
from app.domain.upsert import insert
from app.extensions import db
from app.models import Agent, Rule, RuleVersion, Setting

EDITION = "rules.edition"
PAUSED = "rules.paused"
PRESSED_TWICE = timedelta(seconds=10)
# What a rule may refer to; when one of these is gone, rules are looked through at once.
REFERRED = ("label.deleted", "group.deleted", "channel.deleted", "agent.changed")


@dataclass(frozen=True)
class InForce:
    """A rule as the engine runs it."""

    id: int
    version_id: int
    definition: Definition

    @cached_property
    def applies(self) -> Callable[[decisions.Seen], bool]:
        """Whether it does, by what its conditions see."""
        return decisions.test_of(self.definition)


@dataclass(frozen=True)
class _Edition:
    name: str
    rules: dict[str, tuple[InForce, ...]]


_kept: "weakref.WeakKeyDictionary[object, _Edition]" = weakref.WeakKeyDictionary()


# ── What is in force ────────────────────────────────────────────────────────────────────────


def in_force(type_: str) -> tuple[InForce, ...]:
    """Active rules of a type, in order; none while all are switched off."""
    edition = _now()
    return edition.rules[type_] if edition else ()


def is_empty() -> bool:
    """Whether no rule was ever saved; cheap, because every message asks."""
    return settings.kept(EDITION) is None


def switch_off_what_refers_to_nothing() -> None:
    """A rule whose label, agent, group or channel is gone is switched off, and says so.

    What is gone took itself off cases without a word of each, so timed rules look at all of them again.
    """
    db.session.execute(update(Rule).values(looked_until=None))
    for rule in db.session.scalars(_in_order().where(Rule.is_active)).all():
        try:
            definition_of(rule)
        except Invalid as problem:
            rule.is_active, rule.off_reason = False, str(problem)
            _publish()
            events.record("rule.switched_off", **_facts(rule), reason=str(problem))


def _now() -> _Edition | None:
    """The present edition; None before the first rule was saved."""
    name = settings.kept(EDITION)
    if name is None:
        return None
    kept = _kept.get(db.engine)
    if kept is None or kept.name != name:
        kept = _kept[db.engine] = _read(name)
    return kept


def _read(name: str) -> _Edition:
    rules: dict[str, list[InForce]] = {type_: [] for type_ in TYPES}
    for rule in [] if is_paused() else db.session.scalars(_in_order().where(Rule.is_active)).all():
        try:
            rules[rule.type].append(InForce(rule.id, rule.version_id or 0, definition_of(rule)))
        except Invalid:
            continue  # whatever took its object away switches it off at that commit
    return _Edition(name, {type_: tuple(found) for type_, found in rules.items()})


# ── Reading ─────────────────────────────────────────────────────────────────────────────────


def listed(type_: str | None = None) -> Sequence[Rule]:
    """All rules that are not deleted, by type and in order."""
    query = _in_order()
    return db.session.scalars(query.where(Rule.type == type_) if type_ else query).all()


def find(rule_id: int) -> Rule | None:
    rule = db.session.get(Rule, rule_id)
    return rule if rule and rule.deleted_at is None else None


def version_of(rule: Rule) -> RuleVersion:
    """The version in force, with who saved it."""
    query = select(RuleVersion).where(RuleVersion.id == rule.version_id)
    return db.session.scalars(query.options(joinedload(RuleVersion.saved_by))).one()


def versions_of(rules: Iterable[Rule]) -> dict[int, RuleVersion]:
    """The versions in force of several rules, by rule."""
    query = select(RuleVersion).where(RuleVersion.id.in_([rule.version_id for rule in rules]))
    found = db.session.scalars(query.options(joinedload(RuleVersion.saved_by)))
    return {version.rule_id: version for version in found}


def edits_of(rule: Rule, *, before: int | None, limit: int) -> Sequence[RuleVersion]:
    """Its versions with who saved them, newest first, below this number."""
    query = select(RuleVersion).where(RuleVersion.rule_id == rule.id)
    query = query.where(RuleVersion.number < before) if before else query
    found = query.options(joinedload(RuleVersion.saved_by)).order_by(RuleVersion.number.desc())
    return db.session.scalars(found.limit(limit)).all()


def definition_of(rule: Rule) -> Definition:
    """As it stands. Raise Invalid when it refers to something that is gone."""
    return definitions.read(json.loads(version_of(rule).definition))


def lock(rule: Rule) -> None:
    """Make everybody else who changes it wait, and see it as it is now."""
    db.session.refresh(rule, with_for_update=True)


def just_added(definition: Definition, *, by: Agent) -> Rule | None:
    """The very same rule, if this agent added it a moment ago: somebody pressed Save twice."""
    query = select(Rule).join(RuleVersion, RuleVersion.id == Rule.version_id)
    return db.session.scalar(
        query.where(
            Rule.deleted_at.is_(None),
            RuleVersion.number == 1,
            RuleVersion.saved_by_id == by.id,
            RuleVersion.saved_at > now() - PRESSED_TWICE,
            RuleVersion.definition == definitions.as_text(definition),
        ).limit(1)
    )


def is_paused() -> bool:
    """Whether all rules are switched off for an emergency."""
    return settings.kept(PAUSED) == "1"


# ── Changing ────────────────────────────────────────────────────────────────────────────────


def add(definition: Definition, *, by: Agent | None, is_active: bool = True) -> Rule:
    """A new rule, last of its type. Raise Invalid when it calls what is never called."""
    addresses.check(definition.steps)
    last = db.session.scalar(select(func.max(Rule.position)).where(Rule.type == definition.type))
    rule = Rule(
        type=definition.type,
        name=definition.name,
        position=(last or 0) + 1,
        is_active=is_active,
        applies_from=now(),
    )
    db.session.add(rule)
    db.session.flush()
    _add_version(rule, definition, by)
    _publish()
    events.record("rule.created", by=by, **_facts(rule))
    return rule


def change(rule: Rule, definition: Definition, *, by: Agent | None, is_active: bool) -> None:
    """Save it anew; its order stays unless its type changed. Raise Invalid as `add` does."""
    addresses.check(definition.steps)
    if definition.type != rule.type:
        last = db.session.scalar(
            select(func.max(Rule.position)).where(Rule.type == definition.type)
        )
        rule.type, rule.position = definition.type, (last or 0) + 1
    is_same = definitions.as_text(definition) == version_of(rule).definition
    if not is_same or is_active != rule.is_active:
        _apply_from_now(rule)
    rule.name, rule.is_active, rule.off_reason = definition.name, is_active, None
    if not is_same:
        _add_version(rule, definition, by)
    _publish()
    events.record("rule.changed", by=by, **_facts(rule))


def switch(rule: Rule, *, is_active: bool, by: Agent) -> None:
    """On or off. Raise Invalid when it can't be on."""
    if is_active:
        definition_of(rule)
    if is_active != rule.is_active:
        _apply_from_now(rule)
    rule.is_active, rule.off_reason = is_active, None
    _publish()
    if is_active:
        events.record("rule.switched_on", by=by, **_facts(rule))
    else:
        events.record("rule.switched_off", by=by, **_facts(rule))


def copy(rule: Rule, *, by: Agent) -> Rule:
    """The same again, last and off: to be changed before it does everything twice."""
    kept = json.loads(version_of(rule).definition)
    name = f"{kept['name'][: definitions.LONGEST_NAME - 7]} (copy)"
    return add(definitions.read(kept | {"name": name}), by=by, is_active=False)


def move(rule: Rule, place: int, *, by: Agent) -> None:
    """To this place among the rules of its type, counted from 0."""
    before = list(listed(rule.type))
    after = [other for other in before if other is not rule]
    after.insert(max(0, min(place, len(after))), rule)
    if after == before:
        return
    for position, other in enumerate(after):
        other.position = position
    _publish()
    events.record("rule.moved", by=by, **_facts(rule), place=after.index(rule) + 1)


def delete(rule: Rule, *, by: Agent) -> None:
    """Out of force and out of the list; its history stays, and it can be put back."""
    rule.deleted_at = now()
    _publish()
    events.record("rule.deleted", by=by, **_facts(rule))


def put_back(rule_id: int, *, by: Agent) -> Rule:
    """Undo a deletion. Raise Refused when there is nothing to undo.

    It acts on times reached from now on (R5); one whose label, say, went meanwhile stays off.
    """
    rule = db.session.get(Rule, rule_id)
    if rule is None or rule.deleted_at is None:
        raise Refused("This rule is not deleted.")
    rule.deleted_at = None
    _apply_from_now(rule)
    try:
        definition_of(rule)
    except Invalid as problem:
        rule.is_active, rule.off_reason = False, str(problem)
    _publish()
    events.record("rule.put_back", by=by, **_facts(rule))
    return rule


def pause(*, is_paused: bool, by: Agent | None) -> None:
    """Switch all rules off at once, or back to what each is."""
    _set(PAUSED, "1" if is_paused else "0")
    _publish()
    if is_paused:
        events.record("rules.paused", by=by)
    else:
        events.record("rules.resumed", by=by)


def rest() -> bool:
    """Everything may have happened already: switch all off, and let timed ones wait anew (R5).

    False where there are none.
    """
    rules = listed()
    if not any(rule.is_active for rule in rules):
        return False
    for rule in rules:
        _apply_from_now(rule)
    pause(is_paused=True, by=None)
    return True


def _apply_from_now(rule: Rule) -> None:
    """What is due already stays as it is (R5)."""
    rule.applies_from, rule.catches_up_at = now(), None
    rule.looked_until = rule.looked_event_id = None


def _add_version(rule: Rule, definition: Definition, by: Agent | None) -> None:
    last = db.session.scalar(
        select(func.max(RuleVersion.number)).where(RuleVersion.rule_id == rule.id)
    )
    version = RuleVersion(
        rule_id=rule.id,
        number=(last or 0) + 1,
        name=definition.name,
        definition=definitions.as_text(definition),
        saved_by_id=by.id if by else None,
    )
    db.session.add(version)
    db.session.flush()
    rule.version_id = version.id


def _publish() -> None:
    """From the commit on, every process runs the rules as they are now."""
    db.session.flush()
    _set(EDITION, secrets.token_hex(8))


def _facts(rule: Rule) -> dict[str, Any]:
    return {"rule": rule.id, "name": rule.name}


def _set(name: str, value: str) -> None:
    statement = insert(Setting).values(name=name, value=value)
    db.session.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"value": value})
    )


def _in_order() -> Select[tuple[Rule]]:
    order = (Rule.type, Rule.position, Rule.id)
    return select(Rule).where(Rule.deleted_at.is_(None)).order_by(*order)

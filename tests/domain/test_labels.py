"""Labels: their names, the cases and rules they stand in, and what deleting one takes along."""

import pytest

from app import transaction
from app.domain import cases, labels
from app.domain.agents import Refused
from app.domain.rules import book, definitions, references
from app.extensions import db
from app.models import Case, Label, Rule


def label(name: str) -> Label:
    with transaction.writing():
        return labels.create(name, by=None)


def case_with(*named: Label) -> Case:
    with transaction.writing():
        case = cases.open_by_hand(subject="A", text_="B", contact_name="Yuki", by=None)
        labels.add(case, named, by=None)
    return case


def rule(name: str, *, block: dict | None = None, action: dict) -> Rule:
    given = {"type": "new_case", "name": name, "blocks": [block] if block else [], "actions": [action]}
    with transaction.writing():
        return book.add(definitions.read(given), by=None)


def putting(one: Label) -> Rule:
    return rule(f"puts {one.name}", action={"action": "add_labels", "value": [one.id]})


def asking(one: Label) -> Rule:
    clause = {"condition": "labels", "operator": "contain_any", "value": [one.id]}
    block = {"match": "all", "conditions": [clause]}
    return rule(f"asks {one.name}", block=block, action={"action": "mark_spam"})


@pytest.mark.parametrize("name", ["", "  ", "\u200b", "x" * 61, "Été", "ÉTÉ", " été "])
def test_a_name_that_is_empty_too_long_or_taken_is_refused(name):
    label("été")
    with transaction.writing(), pytest.raises(Refused):
        labels.create(name, by=None)


def test_a_label_may_change_only_its_letters_case(alice):
    vip = label("vip")
    with transaction.writing():
        labels.rename(vip, "  VIP\0 ", by=alice)
    assert [one.name for one in labels.listed()] == ["VIP"]


@pytest.mark.parametrize(
    ("typed", "meant"), [("REFUND", "refund"), ("ref", "refund"), ("s", "s"), ("ship", "ship")]
)
def test_what_an_admin_types_is_a_label_the_only_one_that_begins_so_or_a_new_one(alice, typed, meant):
    [label(name) for name in ("refund", "shipping", "shipped")]
    with transaction.writing():
        assert labels.named(typed, by=alice).name == meant


@pytest.mark.parametrize("typed", ["ship", "fund", "​"])
def test_an_agent_is_refused_what_is_no_label_or_more_than_one(bob, typed):
    [label(name) for name in ("refund", "shipping", "shipped")]
    with transaction.writing(), pytest.raises(Refused):
        labels.named(typed, by=bob)


def test_labels_are_counted_by_the_cases_they_are_on():
    vip, night, idle = label("vip"), label("night"), label("idle")
    case_with(vip, night)
    case_with(vip)
    assert labels.case_counts() == {vip.id: 2, night.id: 1}
    assert idle.id not in labels.case_counts()


def test_rules_are_known_by_the_labels_they_ask_for_and_put_on():
    vip, night, idle = label("vip"), label("night"), label("idle")
    asking(vip), putting(vip), putting(night)
    found = references.to_labels()
    assert [one.name for one in found[vip.id]] == ["asks vip", "puts vip"]
    assert [one.name for one in found[night.id]] == ["puts night"]
    assert idle.id not in found


def test_a_deleted_label_is_on_no_case_and_its_rules_are_off_with_the_reason(alice):
    vip = label("vip")
    case, uses = case_with(vip), putting(vip)
    with transaction.writing():
        labels.delete(vip, by=alice)
    db.session.expire_all()
    assert labels.of_case(case) == []
    kept = db.session.get_one(Rule, uses.id)
    assert (kept.is_active, kept.off_reason) == (False, "This label is gone. Choose another one.")

"""The book of rules: their order, what is undone, and how each fares (R1, R6)."""

from datetime import timedelta

import pytest

from app import background, transaction
from app.domain import labels
from app.domain.agents import Refused
from app.domain.rules import book, definitions, runs
from app.extensions import db
from app.models import Event, Rule
from tests.domain.rules.conftest import again, rule
from tests.world import chat_of, count

HIGH = [("set_priority", "high")]


def names(type_: str) -> list[str]:
    return [one.name for one in book.listed(type_)]


@pytest.mark.parametrize(("place", "order"), [(0, "CAB"), (1, "ACB"), (2, "ABC"), (99, "ABC"), (-1, "CAB")])
def test_a_rule_moves_to_a_place_of_its_list(app, alice, place, order):  # R1
    *_, last = [rule("new_case", then=HIGH, name=name) for name in "ABC"]
    rule("updated_case", then=HIGH, name="Other")
    with transaction.writing():
        book.move(last, place, by=alice)
    assert names("new_case") == list(order)
    assert names("updated_case") == ["Other"]


def test_a_rule_that_stays_where_it_is_did_not_move(app, alice):
    first, _second = rule("new_case", then=HIGH, name="A"), rule("new_case", then=HIGH, name="B")
    events = count(Event)
    with transaction.writing():
        book.move(first, 0, by=alice)
    assert count(Event) == events


def test_a_copy_is_the_same_last_and_off(app, alice):  # R1
    original = rule("new_case", ("status", "is", "open"), then=HIGH, name="N" * 100)
    with transaction.writing():
        made = book.copy(original, by=alice)
    assert (made.is_active, made.name) == (False, "N" * 93 + " (copy)")
    assert definitions.kept(book.version_of(made)).blocks == book.definition_of(original).blocks


def test_a_deletion_is_undone_once(app, alice):  # R1
    *_, last = [rule("new_case", then=HIGH, name=name) for name in "AB"]
    with transaction.writing():
        book.delete(last, by=alice)
    assert names("new_case") == ["A"]
    with transaction.writing():
        book.put_back(last.id, by=alice)
    assert names("new_case") == ["A", "B"]
    with pytest.raises(Refused, match="not deleted"):
        book.put_back(last.id, by=alice)


def test_what_was_put_back_and_refers_to_nothing_any_more_is_off_with_the_reason(app, alice):
    with transaction.writing():
        label = labels.create("late", by=alice)
    gone = rule("new_case", then=[("add_labels", [label.id])])
    with transaction.writing():
        book.delete(gone, by=alice)
        labels.delete(label, by=alice)
    with transaction.writing():
        book.put_back(gone.id, by=alice)
    kept = db.session.get_one(Rule, gone.id)
    assert (kept.is_active, kept.off_reason) == (False, "This label is gone. Choose another one.")


def test_what_was_put_back_leaves_alone_what_became_due_meanwhile(channel, clock, alice):  # R5
    waits = rule("existing_case", ("minutes_since_created", "at_least", 30), then=HIGH)
    case = chat_of(channel)
    with transaction.writing():
        book.delete(waits, by=alice)
    clock.shift(timedelta(minutes=45))
    with transaction.writing():
        book.put_back(waits.id, by=alice)
    background.run_timers()
    assert again(case).priority == "normal"


def test_a_record_counts_the_failures_of_the_version_in_force(channel, clock, alice, monkeypatch):  # R6
    def broken(*_args, **_kwargs):
        raise RuntimeError("no such thing")

    monkeypatch.setattr("app.domain.messages.add_automatic_note", broken)
    fails = rule("new_case", then=[("add_note", "hello")])
    idle = rule("updated_case", ("status", "is", "closed"), then=HIGH)
    chat_of(channel, who="Uone")
    clock.shift(timedelta(minutes=1))
    case = chat_of(channel, who="Utwo")
    found = runs.records([fails, idle])
    assert found[fails.id] == runs.Record(case.created_at, 2)
    assert found[idle.id] == runs.Record(None, 0)

    clock.shift(timedelta(minutes=1))
    mended = definitions.read(definitions.written(book.definition_of(idle)) | {"type": "new_case"})
    with transaction.writing():
        book.change(fails, mended, by=alice, is_active=True)
    assert runs.records([fails])[fails.id] == runs.Record(case.created_at, 0)

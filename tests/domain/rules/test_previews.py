"""Which cases a rule would apply to, before it is saved (R6)."""

from datetime import timedelta

import pytest

from app import transaction
from app.domain import access, cases, chats, hours, labels
from app.domain.rules import decisions, definitions, previews
from app.domain.rules.conditions import CONDITIONS
from app.domain.rules.definitions import Block, Clause, Definition
from app.domain.rules.situations import Happened, Situation
from app.extensions import db
from app.models import Agent, Case, Contact
from tests.domain.rules.conftest import Channel, again
from tests.web.desk import counted
from tests.world import chat_of, receive, said

VALUES = {"labels": [1]}
ASKED_OF_HISTORY = previews.WHAT_HAPPENED
# Those that can't be compared with None.
TEXTS = {
    name: Clause(name, "contains_not" if "contains_not" in one.operators else "is", "refund")
    for name, one in CONDITIONS.items()
    if one.value.name == "text"
} | {name: Clause(name, "less_than", 1) for name in CONDITIONS if name.startswith("minutes_since_")}


def asking(*clauses: Clause, type_: str = "updated_case") -> Definition:
    blocks = (Block("all", clauses),) if clauses else ()
    return Definition(type_, "A rule", "and", blocks, ())


def asking_all(names) -> Definition:
    clauses = (Clause(name, next(iter(CONDITIONS[name].operators)), VALUES.get(name)) for name in names)
    return asking(*(one for one in clauses if one.condition not in TEXTS), *TEXTS.values())


@pytest.fixture
def world(channel: Channel, alice: Agent, bob: Agent) -> list[Case]:
    """A chat that was answered and labelled, one that was not, one that ended, and a letter."""
    answered = chat_of(channel, "Where is my order?", who="Uanswered")
    receive(channel, said("Hello?", who="Uanswered"))
    silent = chat_of(channel, "Refund please", who="Usilent")
    ended = chat_of(channel, "Thanks", who="Uended")
    with transaction.writing():
        me = db.session.get_one(Agent, alice.id)
        chats.reply(db.session.get_one(Case, answered.id), "It comes today", by=me)
        labels.add(answered, [labels.create("vip", by=me)], by=me)
        cases.assign(db.session.get_one(Case, silent.id), me, by=me)
        db.session.get_one(Contact, answered.contact_id).name = "Somchai"
        chats.end(db.session.get_one(Case, ended.id), "closed", by=me)
        letter = cases.open_by_hand(subject="Letter", text_="Hi", contact_name="Ann", by=me)
    again_there = chat_of(channel, "One more thing", who="Uended")
    return [again(one) for one in (answered, silent, ended, letter, again_there)]


def test_every_condition_sees_what_it_sees_of_one_case_alone(world):
    """R6: read ahead for all of them, or asked of each."""
    names = CONDITIONS.keys() - ASKED_OF_HISTORY
    found = previews.of(asking_all(names), access.EVERYTHING)
    moment = found.judged[0][0].created_at
    told = {case.id: {one.clause.condition: one.seen for one in decision.blocks[0]} for case, decision in found.judged}
    alone = {case.id: decisions.see(Situation(again(case), Happened(), moment), frozenset(names)) for case in world}
    about_time = {name for name in names if name.startswith("minutes_since_")}
    assert without(told, about_time) == without(alone, about_time)
    assert all(names - ASKED_OF_HISTORY == seen.keys() for seen in told.values())


def without(told, names):
    return {case: {name: seen[name] for name in seen if name not in names} for case, seen in told.items()}


def test_newest_cases_come_first_with_what_decided(world):
    answered, silent, ended, letter, again_there = world
    found = previews.of(asking(Clause("chat_state", "is", "active"), Clause("taken", "is", "no")), access.EVERYTHING)
    assert [case.id for case, _ in found.matching] == [again_there.id, silent.id]
    assert [(case.id, why.decisive.seen) for case, why in found.others] == [
        (letter.id, "none"), (ended.id, "ended"), (answered.id, "yes"),
    ]  # fmt: skip


def test_what_happened_is_everything_that_ever_did(world):
    answered, _silent, ended, _letter, _again = world
    replied = previews.of(asking(Clause("happened", "is", "agent_replied")), access.EVERYTHING)
    finished = previews.of(asking(Clause("happened", "is", "chat_ended_by_agent")), access.EVERYTHING)
    closed = previews.of(asking(Clause("status_changed_to", "is", "closed")), access.EVERYTHING)
    assert [case.id for case, _ in replied.matching] == [answered.id]
    assert [case.id for case, _ in finished.matching] == [ended.id]
    assert [case.id for case, _ in closed.matching] == [ended.id]


def test_last_change_of_the_status_counts(world, alice):
    letter = world[3]
    with transaction.writing():
        cases.set_status(again(letter), "pending", by=None)
        cases.set_status(again(letter), "closed", by=None)
    was_open = previews.of(asking(Clause("status_changed_from", "is", "open")), access.EVERYTHING)
    was_pending = previews.of(asking(Clause("status_changed_from", "is", "pending")), access.EVERYTHING)
    assert letter.id not in [case.id for case, _ in was_open.matching]
    assert letter.id in [case.id for case, _ in was_pending.matching]


@pytest.mark.parametrize("type_", ["updated_case", "existing_case"])
def test_trash_is_left_out_and_spam_is_where_the_rule_never_meets_it(world, type_):
    ended, letter = world[2:4]
    with transaction.writing():
        db.session.get_one(Case, letter.id).trashed_at = letter.created_at
        db.session.get_one(Case, ended.id).is_spam = True
    of_new = previews.of(asking(type_="new_case"), access.EVERYTHING)
    of_others = previews.of(asking(type_=type_), access.EVERYTHING)
    assert letter.id not in {case.id for case, _ in of_new.judged}
    assert {case.id for case, _ in of_new.judged} - {case.id for case, _ in of_others.judged} == {ended.id}


def test_nobody_sees_cases_of_other_groups(world, bob):
    with transaction.writing():
        cases.move(again(world[0]), db.session.get_one(Agent, bob.id).groups[0], by=None)
    found = previews.of(asking(), access.Audience("own_groups"))
    assert world[0].id not in {case.id for case, _ in found.judged}


def test_working_hours_are_those_of_this_moment(world, alice, clock):
    week = hours.Hours(week=((("08:00", "10:00"),),) * 7)
    with transaction.writing():
        hours.put(week, by=db.session.get_one(Agent, alice.id))
    inside = asking(Clause("working_hours", "is", "inside"))
    assert len(previews.of(inside, access.EVERYTHING).matching) == 5
    clock.shift(timedelta(hours=2))
    assert previews.of(inside, access.EVERYTHING).matching == []


def test_without_cases_there_is_nothing_to_judge(app):
    assert previews.of(asking(Clause("working_hours", "is", "inside")), access.EVERYTHING).judged == ()


@pytest.mark.parametrize("more", [0, 20])
def test_number_of_queries_does_not_grow_with_the_cases(app, channel, alice, more):
    for number in range(1 + more):
        chat_of(channel, "Hello", who=f"U{number}")
    everything = asking_all(CONDITIONS)
    db.session.expire_all()
    with counted(app) as statements:
        found = previews.of(everything, access.EVERYTHING)
    assert len(found.judged) == 1 + more
    assert len(statements) == 7


def test_it_looks_at_the_newest_ones_only(channel, monkeypatch):
    monkeypatch.setattr(previews, "LOOKED_AT", 2)
    first = chat_of(channel, "1", who="U1")
    chat_of(channel, "2", who="U2")
    chat_of(channel, "3", who="U3")
    found = previews.of(asking(), access.EVERYTHING)
    assert [case.id for case, _ in found.judged] == [first.id + 2, first.id + 1]


def test_definitions_that_were_read_are_taken_as_they_are(world):
    given = {"type": "new_case", "name": "A", "actions": [{"action": "set_status", "value": "open"}]}
    assert len(previews.of(definitions.read(given), access.EVERYTHING).matching) == 5

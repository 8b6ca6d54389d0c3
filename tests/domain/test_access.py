"""Who may see, have and change what: the conditions of lists and what is asked of one case agree (H1)."""

import pytest
from sqlalchemy import select

from app import transaction
from app.domain import access, agents, cases, chat_lists, chats, choices, contacts, notifications
from app.domain.access import EVERYTHING, LooksOnly
from app.domain.agents import Refused
from app.extensions import db
from app.models import ACCESS_LEVELS, Agent, Case, Group
from tests.world import ToyAdapter, chat_of, connected, play, receive, said


@pytest.fixture
def toy(app) -> ToyAdapter:
    return play(ToyAdapter())


@pytest.fixture
def sales(erin) -> Group:
    return db.session.scalars(select(Group).where(Group.name == "Sales")).one()


@pytest.fixture
def chat(toy, sales) -> Case:
    """A chat of Sales that nobody has."""
    return chat_of(connected("toy", group=sales), "secret of Sales")


def assigned(case: Case, agent: Agent | None) -> Case:
    with transaction.writing():
        cases.assign(case, agent and db.session.get_one(Agent, agent.id), by=None)
    return case


def seen_by(agent: Agent) -> list[int]:
    """What the condition says; what is said of each case must be the same."""
    audience = access.audience_of(agent)
    found = list(db.session.scalars(select(Case.id).where(access.visible_to(audience)).order_by(Case.id)))
    every = db.session.scalars(select(Case).order_by(Case.id)).all()
    assert found == [case.id for case in every if access.may_see(agent, case)]
    return found


def edit(agent: Agent, by: Agent, **changes) -> None:
    with transaction.writing():
        known = {name: getattr(agent, name) for name in ("name", "email", "role", "access", "may_change", "is_active")}
        agents.change(
            db.session.get_one(Agent, agent.id), by=by,
            **known | {"groups": agents.groups_of(agent.group_ids)} | changes,
        )  # fmt: skip


def test_who_sees_only_what_is_theirs_sees_nothing_of_their_own_group(chat, erin, bob):
    assert (seen_by(erin), seen_by(bob)) == ([], [chat.id])
    assert (chat_lists.incoming(access.audience_of(erin)), chat_lists.others(erin)) == ([], [])
    assert chat_lists.counts(erin) == {"new": 0, "mine": 0, "others": 0}
    assert cases.visible(chat.number, access.audience_of(erin)) is None
    assert cases.listed(access.audience_of(erin), chat="all", q="secret").cases == []
    assert contacts.history(chat.contact, access.audience_of(erin)) == []


def test_what_is_assigned_waits_in_new_of_its_assignee(chat, erin):
    assigned(chat, erin)
    assert seen_by(erin) == [chat.id]
    assert chat_lists.incoming(access.audience_of(erin)) == [chat]
    assert cases.listed(access.audience_of(erin), chat="all", q="secret").cases == [chat]
    assert [case.id for case in contacts.history(chat.contact, access.audience_of(erin))] == [chat.id]


def test_a_chat_that_is_handed_over_is_seen_while_one_has_it(chat, erin, bob):
    with transaction.writing():
        assert chats.hand_over(chat, erin, by=bob)
    assert (seen_by(erin), chat_lists.mine(erin), chat_lists.responses(erin)) == ([chat.id], [chat], [chat])
    with transaction.writing():
        chats.put_back(chat, by=erin)
    assert (seen_by(erin), chat_lists.mine(erin), chat_lists.responses(erin)) == ([], [], [])


def test_what_one_ends_without_being_its_assignee_is_seen_no_more(chat, erin, bob):
    with transaction.writing():
        chats.hand_over(chat, erin, by=bob)
        chats.end(chat, "closed", by=erin)
    assert seen_by(erin) == []


def test_what_one_writes_down_is_ones_own(toy, erin):
    with transaction.writing():
        erin = db.session.get_one(Agent, erin.id)
        case = cases.open_by_hand(subject="", text_="a lid", contact_name="Yuki", by=erin)
    assert (case.assignee_id, seen_by(erin)) == (erin.id, [case.id])


def test_a_case_that_changes_its_group_stays_with_its_assignee(chat, erin, alice):
    assigned(chat, erin)
    with transaction.writing():
        cases.move(chat, agents.create_group("Elsewhere"), by=alice)
    assert seen_by(erin) == [chat.id]


def test_who_only_looks_sees_their_level_and_is_given_nothing(dora, bob, chat):
    assert seen_by(dora) == [chat.id]
    assert dora not in agents.who_may_have(chat)
    assert dora.id in [agent.id for agent in agents.who_see(chat)]
    with pytest.raises(Refused), transaction.writing():
        chats.hand_over(chat, dora, by=bob)
    with pytest.raises(Refused):
        assigned(chat, dora)


def test_who_only_looks_may_change_nothing_and_everybody_else_may(dora, bob, erin):
    with pytest.raises(LooksOnly):
        access.check_change(dora)
    access.check_change(bob)
    access.check_change(erin)


def test_new_chats_are_offered_to_those_only_who_could_answer(dora, alice, erin):
    assert access.offered_to(dora) is None
    assert access.offered_to(alice) == EVERYTHING
    assert access.offered_to(erin) == access.audience_of(erin)


def test_whom_a_case_can_be_given_to(alice, bob, charlie, dora, erin, chat):
    assert [agent.id for agent in agents.who_may_have(chat)] == [alice.id, bob.id, erin.id]


@pytest.mark.parametrize("place", ["nobody's", "Sales", "Elsewhere"])
def test_the_database_and_the_rule_agree_on_whom_a_case_can_be_given_to(
    place, alice, bob, charlie, dora, erin, sales, chat
):
    with transaction.writing():
        elsewhere = agents.create_group("Elsewhere")
        for level in ACCESS_LEVELS:
            gone = agents.create(f"gone.{level}@example.com", name="Gone", access=level, groups=[sales])
            gone.is_active = False
            agents.create(f"{level}@example.com", name=level, access=level, groups=[elsewhere])
        agents.create("chief@example.com", name="Chief", role="admin", access="own_groups")
        case = db.session.get_one(Case, chat.id)
        case.group_id = {"nobody's": None, "Sales": sales.id, "Elsewhere": elsewhere.id}[place]

    every = db.session.scalars(select(Agent).order_by(Agent.name, Agent.id)).all()
    able = [agent for agent in every if access.may_have(agent, case)]

    assert agents.who_may_have(case) == able
    assert choices.beside(case).agents == [(agent.id, agent.name) for agent in able]


def test_who_may_only_look_from_now_on_loses_what_they_have(chat, bob, alice):
    with transaction.writing():
        chats.take(chat, by=bob)
    edit(bob, alice, may_change=False)
    assert (chat.taken_by_id, seen_by(bob)) == (None, [chat.id])


def test_who_sees_only_what_is_theirs_from_now_on_keeps_what_they_have(chat, bob, alice):
    with transaction.writing():
        chats.take(chat, by=bob)
    edit(bob, alice, access="assigned")
    assert (chat.taken_by_id, seen_by(bob)) == (bob.id, [chat.id])


def test_an_admin_may_change_whatever_else_is_said(dora, alice, bob):
    edit(dora, alice, role="admin")
    assert db.session.get_one(Agent, dora.id).may_change


def test_only_what_one_may_see_is_notified(chat, erin):
    told = {"to": [f"agent:{erin.id}"], "by": ["app"], "rule_id": None}
    with transaction.writing():
        assert notifications.notify(chat, "Look", **told)
    assigned(chat, erin)
    with transaction.writing():
        assert notifications.notify(chat, "Look", **told) is None
    assert notifications.unread_count(erin) == 1
    assigned(chat, None)
    assert (notifications.unread_count(erin), notifications.listed(erin, limit=9)) == (0, [])


def test_a_chat_that_comes_back_to_its_assignee_waits_for_them(chat, erin, bob):
    assigned(chat, erin)
    with transaction.writing():
        chats.end(chat, "open", by=None, cause="inactivity")
    receive(chat.channel, said("again"))
    assert chat_lists.incoming(access.audience_of(erin)) == [chat]

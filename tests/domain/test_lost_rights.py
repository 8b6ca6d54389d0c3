"""What is left of a chat for agents whose rights were taken away: nothing, on no list (H1, T11)."""

import pytest
from sqlalchemy import select

from app import transaction
from app.domain import agents, chat_lists, chats
from app.extensions import db
from app.models import Agent, Case, Event, Group
from tests.world import ToyAdapter, chat_of, connected, play, receive, said


@pytest.fixture
def toy(app) -> ToyAdapter:
    return play(ToyAdapter())


@pytest.fixture
def charlies(toy, charlie) -> Case:
    """A chat of Support that Charlie, who sees only his groups, has taken; the contact wrote again."""
    support = db.session.scalar(select(Group).where(Group.name == "Support"))
    transaction.release()
    channel = connected("toy", group=support)
    case = chat_of(channel, "secret of Support", who="Usupport")
    with transaction.writing():
        assert chats.take(case, by=charlie)
    receive(channel, said("more of it", who="Usupport"))
    return case


def edit(agent: Agent, by: Agent, **changes) -> None:
    with transaction.writing():
        known = {"name": agent.name, "email": agent.email, "role": agent.role, "access": agent.access, "may_change": True}
        agents.change(
            db.session.get_one(Agent, agent.id),
            by=by, **known | {"is_active": True, "groups": []} | changes,
        )  # fmt: skip


def test_who_leaves_a_group_loses_its_chats(charlies, charlie, alice):  # H1, T11
    with transaction.writing():
        support = db.session.get_one(Group, charlies.group_id)
        agents.change_group(support, name="Support", members=[], by=alice)
    assert (chat_lists.mine(charlie), chat_lists.responses(charlie)) == ([], [])
    assert charlies.taken_by_id is None
    told = select(Event.type).where(Event.case_id == charlies.id).order_by(Event.id.desc())
    assert db.session.scalars(told.limit(1)).one() == "chat.put_back"


def test_who_is_taken_out_of_a_group_on_their_own_page_loses_its_chats(charlies, charlie, alice):
    edit(charlie, alice)
    assert (charlies.taken_by_id, chat_lists.responses(charlie)) == (None, [])


def test_an_edit_that_leaves_the_rights_leaves_the_chats(charlies, charlie, alice):
    edit(charlie, alice, name="Charles", groups=agents.groups_of(charlie.group_ids))
    assert charlies.taken_by_id == charlie.id


def test_lists_of_ones_own_show_nothing_one_may_not_see(charlies, charlie, bob):  # T11
    sales = db.session.scalar(select(Group).where(Group.name == "Sales"))
    with transaction.writing():
        db.session.get_one(Case, charlies.id).group_id = sales.id
    assert (chat_lists.mine(charlie), chat_lists.responses(charlie)) == ([], [])

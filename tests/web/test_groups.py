"""The groups page: names, members, and what deleting does."""

import pytest
from sqlalchemy import select

from app import transaction
from app.domain import access, agents, cases
from app.extensions import db
from app.models import Agent, Case, Group


@pytest.fixture
def admin(client, alice, sign_in):
    """Alice's browser."""
    return sign_in(client, alice)


def groups(app) -> dict[str, list[str]]:
    with app.app_context():
        return {group.name: [agent.name for agent in group.members] for group in agents.all_groups()}


def test_a_group_gets_a_name_and_members(admin, app, bob, charlie):
    fields = {"name": "  Night   shift ", "member_ids": [str(bob.id), str(charlie.id), "x", "999"]}
    assert admin.post("/settings/groups/new", data=fields).status_code == 303
    assert sorted(groups(app)["Night shift"]) == ["Bob", "Charlie"]


def test_members_and_name_change(admin, app, bob, charlie):
    answer = admin.post("/settings/groups/1", data={"name": "Sellers", "member_ids": str(charlie.id)})
    assert answer.status_code == 303
    assert groups(app) == {"Sellers": ["Charlie"], "Support": ["Charlie"]}


@pytest.mark.parametrize("path", ["/settings/groups/new", "/settings/groups/1"])
@pytest.mark.parametrize(
    ("name", "said"),
    [("", "Type a name."), ("x" * 81, "80 characters or fewer"), ("sUPPORT", "exists already")],
)
def test_a_wrong_name_says_what_to_do_and_keeps_the_rest(admin, app, bob, charlie, path, name, said):
    before = groups(app)
    answer = admin.post(path, data={"name": name, "member_ids": str(bob.id)})
    assert answer.status_code == 422
    assert said in answer.text
    assert f'value="{bob.id}" checked' in answer.text
    assert groups(app) == before


def test_letters_of_every_script_are_compared_whatever_their_case(admin, app):
    admin.post("/settings/groups/new", data={"name": "ÄRZTE"})
    answer = admin.post("/settings/groups/new", data={"name": "ärzte"})
    assert (answer.status_code, "exists already" in answer.text) == (422, True)
    own = admin.post("/settings/groups/1", data={"name": "ärzte"})
    assert own.status_code == 303


def test_deleting_says_first_what_it_does(admin, app, bob):
    page = admin.get("/settings/groups/1/deletion")
    assert "every agent sees them" in page.text
    assert "Bob" in page.text
    assert "Sales" in groups(app)


def test_a_deleted_groups_cases_are_seen_by_everybody(admin, app, bob, charlie):
    with app.app_context(), transaction.writing():
        sales = db.session.scalar(select(Group).where(Group.name == "Sales"))
        case = cases.open_by_hand(subject="A", text_="B", contact_name="C", by=None, group=sales)
        number = case.number
        charlies = access.audience_of(db.session.get_one(Agent, charlie.id))
        assert cases.visible(number, charlies) is None
    assert admin.post("/settings/groups/1/deletion").status_code == 303
    assert groups(app) == {"Support": ["Charlie"]}
    with app.app_context():
        assert db.session.get_one(Case, number).group_id is None
        assert cases.visible(number, charlies)


@pytest.mark.parametrize("number", ["0", "999", "2147483648", "9" * 40, "x"])
def test_a_group_that_is_not_there_is_404(admin, number):
    assert admin.get(f"/settings/groups/{number}").status_code == 404
    # Werkzeug's own number limit answers 405 where another method has the same path.
    assert admin.post(f"/settings/groups/{number}/deletion").status_code in (404, 405)


def test_without_groups_the_page_says_what_they_are_for(admin):
    assert "No groups yet" in admin.get("/settings/groups").text

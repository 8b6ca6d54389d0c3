"""Priority and labels on a case's page: changed there, and seen by everybody."""

import pytest

from app import transaction
from app.domain import labels
from app.extensions import db
from app.models import Case
from tests import world
from tests.web import desk
from tests.web.desk import act, chat_in


@pytest.fixture(autouse=True)
def toy(app) -> world.ToyAdapter:
    return world.play(world.ToyAdapter())


@pytest.fixture
def at_desk(client, sign_in, bob):
    return sign_in(client, bob)


@pytest.fixture
def vip(app) -> int:
    """A label's id."""
    with app.app_context(), transaction.writing():
        return labels.create("vip", by=None).id


def labels_of(app, number: int) -> list[str]:
    with app.app_context():
        return [label.name for label in labels.of_case(db.session.get_one(Case, number))]


def test_the_priority_is_changed_on_the_page_of_a_chat(app, at_desk):
    number = chat_in(app)
    answer = act(at_desk, f"/cases/{number}", priority="urgent")
    assert '<option value="urgent" selected>Urgent</option>' in answer.text
    assert desk.case_of(app, number).priority == "urgent"


def test_a_priority_that_is_none_is_refused(app, at_desk):
    number = chat_in(app)
    assert act(at_desk, f"/cases/{number}", priority="later").status_code == 409
    assert desk.case_of(app, number).priority == "normal"


def test_a_label_is_put_on_by_its_name_and_taken_off_by_its_button(app, at_desk, vip):
    number = chat_in(app)
    answer = act(at_desk, f"/cases/{number}", add_label=" ViP ")
    assert f'<button name="take_off" value="{vip}"' in answer.text
    assert labels_of(app, number) == ["vip"]
    act(at_desk, f"/cases/{number}", take_off=str(vip))
    assert labels_of(app, number) == []


def test_the_field_offers_the_labels_that_are_not_on_the_case(app, at_desk, vip):
    number = chat_in(app)
    assert '<option value="vip"></option>' in at_desk.get(f"/chats/{number}").text
    act(at_desk, f"/cases/{number}", add_label="vip")
    assert '<option value="vip"></option>' not in at_desk.get(f"/chats/{number}").text


def test_an_agent_can_put_on_no_label_that_there_is_not(app, at_desk, vip):
    number = chat_in(app)
    answer = act(at_desk, f"/cases/{number}", add_label="vipp", priority="high")
    assert answer.status_code == 409
    assert "There is no such label." in answer.text
    assert desk.case_of(app, number).priority == "normal"


def test_an_admin_makes_a_label_by_putting_it_on(app, client, sign_in, alice):
    number = chat_in(app)
    act(sign_in(client, alice), f"/cases/{number}", add_label="<b>new</b>")
    assert labels_of(app, number) == ["<b>new</b>"]


@pytest.mark.parametrize("fields", [{"take_off": "99"}, {"take_off": "x"}, {"add_label": "x" * 61}])
def test_labels_that_cannot_be_are_refused(app, client, sign_in, alice, vip, fields):
    number = chat_in(app)
    assert act(sign_in(client, alice), f"/cases/{number}", **fields).status_code == 409


def test_without_scripts_the_same_form_leads_back(app, at_desk, vip):
    number = chat_in(app)
    answer = at_desk.post(f"/cases/{number}", data={"priority": "low", "add_label": "vip"})
    assert (answer.status_code, answer.location) == (303, f"/chats/{number}")
    assert labels_of(app, number) == ["vip"]


def test_the_history_tells_of_priority_and_labels(app, at_desk, vip):
    number = chat_in(app)
    act(at_desk, f"/cases/{number}", priority="urgent", add_label="vip")
    act(at_desk, f"/cases/{number}", take_off=str(vip))
    page = at_desk.get(f"/cases/{number}/history").text
    assert "Priority: normal → urgent." in page
    assert "Label added: vip." in page and "Label removed: vip." in page

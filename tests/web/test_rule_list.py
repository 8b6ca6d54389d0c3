"""The page of rules: their order, switches, copies, undoing, and the way out when rules do harm."""

import re

import pytest

from app import transaction
from app.clock import now
from app.domain import labels
from app.domain.rules import book, definitions
from app.extensions import db
from app.models import Agent, Rule
from tests.web.desk import HTMX, act, chat_in, counted
from tests.world import ToyAdapter, play

HIGH = [{"action": "set_priority", "value": "high"}]
LIST = "/settings/rules"


@pytest.fixture(autouse=True)
def _played(app):
    """A chat channel that is played."""
    play(ToyAdapter())


@pytest.fixture
def admin(client, alice, sign_in):
    """Alice's browser."""
    return sign_in(client, alice)


@pytest.fixture
def made(app, alice):
    """A function that makes a rule of Alice's; its id."""

    def make(name: str, type_: str = "new_case", **fields) -> int:
        given = {"type": type_, "name": name, "actions": HIGH} | fields
        with app.app_context(), transaction.writing():
            by = db.session.get_one(Agent, alice.id)
            return book.add(definitions.read(given), by=by).id

    return make


def order(app, type_: str = "new_case") -> list[str]:
    with app.app_context():
        return [rule.name for rule in book.listed(type_)]


def is_active(app, rule_id: int) -> bool:
    with app.app_context():
        return book.find(rule_id).is_active


def undo_address(page: str) -> str:
    return re.search(r'action="([^"]+/restoration)"', page)[1]


def test_without_rules_the_page_says_what_they_are_for(admin):
    assert "No rules yet" in admin.get(LIST).text


def test_each_rule_is_told_as_a_sentence_in_its_list(admin, made):  # R1
    made("Raise")
    made("Raise again", "updated_case")
    page = admin.get(LIST).text
    new, updated = page.index("New cases"), page.index("Updated cases")
    assert new < page.index("Raise</bdi>") < updated < page.index("Raise again</bdi>")
    assert "When a new case arrives: set priority High." in page
    assert "added by Alice" in page
    assert "Has not acted yet" in page


def test_a_rule_that_ran_says_when(admin, app, made):  # R6
    made("Raise")
    chat_in(app)
    assert "Last run" in admin.get(LIST).text


def test_buttons_move_a_rule_and_come_back_to_it(admin, app, made):  # R1
    first, _second = made("A"), made("B")
    answer = admin.post(f"{LIST}/{first}/place", data={"place": "1"})
    assert answer.status_code == 303
    assert answer.location == f"{LIST}?focus=down-{first}#rule-{first}"
    assert order(app) == ["B", "A"]
    page = admin.get(answer.location).text
    assert re.search(rf'id="down-{first}"[^>]* autofocus', page)


def test_with_scripts_the_list_comes_back_and_says_where_the_rule_is(admin, app, made):
    made("A")
    second = made("B")
    answer = act(admin, f"{LIST}/{second}/place", place="0")
    assert answer.text.lstrip().startswith('<section class="section" id="rules-new_case"')
    assert "“B” is number 1 of 2 now." in answer.text
    assert order(app) == ["B", "A"]


def test_a_rule_that_another_admin_deletes_right_then_was_moved_all_the_same(admin, app, made, monkeypatch):
    made("A")
    second, commit = made("B"), transaction.commit

    def commit_and_lose_it() -> None:
        commit()
        monkeypatch.setattr(transaction, "commit", commit)
        with transaction.writing():
            db.session.get_one(Rule, second).deleted_at = now()

    monkeypatch.setattr(transaction, "commit", commit_and_lose_it)
    assert "“B” is number 1 of 2 now." in act(admin, f"{LIST}/{second}/place", place="0").text
    assert order(app) == ["A"]


@pytest.mark.parametrize("place", ["", "-1", "x", "1.5", "9" * 30])
def test_what_is_no_place_is_refused(admin, app, made, place):
    first, _second = made("A"), made("B")
    assert admin.post(f"{LIST}/{first}/place", data={"place": place}).status_code == 400
    assert order(app) == ["A", "B"]


def test_a_switch_turns_a_rule_off_and_on(admin, app, made):  # R1
    rule_id = made("Raise")
    answer = act(admin, f"{LIST}/{rule_id}/switch", is_active="0")
    assert "“Raise” is off." in answer.text
    assert 'aria-checked="false"' in answer.text
    assert not is_active(app, rule_id)
    assert admin.post(f"{LIST}/{rule_id}/switch", data={"is_active": "1"}).status_code == 303
    assert is_active(app, rule_id)


def test_a_rule_whose_label_is_gone_says_so_and_can_not_be_switched_on(admin, app, made, alice):
    with app.app_context(), transaction.writing():
        label_id = labels.create("late", by=None).id
    rule_id = made("Mark", actions=[{"action": "add_labels", "value": [label_id]}])
    with app.app_context(), transaction.writing():
        labels.delete(labels.find(label_id), by=db.session.get_one(Agent, alice.id))
    assert "Switched off by itself: This label is gone." in admin.get(LIST).text
    answer = act(admin, f"{LIST}/{rule_id}/switch", is_active="1")
    assert answer.status_code == 409
    assert "Mark: This label is gone. Choose another one." in answer.text
    assert admin.post(f"{LIST}/{rule_id}/copies").status_code == 303
    assert order(app) == ["Mark"]
    assert not is_active(app, rule_id)


def test_a_copy_is_last_and_off(admin, app, made):  # R1
    first, _second = made("A"), made("B")
    answer = admin.post(f"{LIST}/{first}/copies")
    assert answer.location == f"{LIST}/3"
    assert "This is a copy, switched off until you say otherwise." in admin.get(answer.location).text
    assert order(app) == ["A", "B", "A (copy)"]


def test_deleting_offers_to_undo_it(admin, app, made):  # R1
    first, _second = made("A"), made("B")
    page = admin.post(f"{LIST}/{first}/deletion", follow_redirects=True).text
    assert "“A” is deleted." in page
    assert order(app) == ["B"]
    page = admin.post(undo_address(page), follow_redirects=True).text
    assert "“A” is back in its place." in page
    assert order(app) == ["A", "B"]


def test_undoing_twice_is_told(admin, app, made):
    rule_id = made("A")
    admin.post(f"{LIST}/{rule_id}/deletion")
    admin.post(f"{LIST}/{rule_id}/restoration")
    page = admin.post(f"{LIST}/{rule_id}/restoration", follow_redirects=True).text
    assert "This rule is not deleted." in page


def test_all_rules_rest_and_every_page_of_admins_says_so(admin, app, made):
    made("Raise")
    admin.post(f"{LIST}/pause", data={"is_paused": "1"})
    page = admin.get("/cases").text
    assert "All rules are switched off." in page
    assert "Switch them back on" in page
    number = chat_in(app)
    admin.post(f"{LIST}/pause", data={"is_paused": "0"})
    assert "All rules are switched off" not in admin.get("/cases").text
    other = chat_in(app, who="Uyuki")
    with app.app_context():
        from app.models import Case

        assert db.session.get_one(Case, number).priority == "normal"
        assert db.session.get_one(Case, other).priority == "high"


def test_agents_are_told_nothing_of_resting_rules(admin, app, bob, sign_in):
    admin.post(f"{LIST}/pause", data={"is_paused": "1"})
    page = sign_in(app.test_client(), bob).get("/cases")
    assert page.status_code == 200
    assert "All rules are switched off" not in page.text


@pytest.mark.parametrize("act_", ["place", "switch", "copies", "deletion"])
def test_a_rule_that_is_not_there_is_404(admin, made, act_):
    rule_id = made("A")
    admin.post(f"{LIST}/{rule_id}/deletion")
    assert admin.post(f"{LIST}/{rule_id}/{act_}", data={"place": "0"}, headers=HTMX).status_code == 404
    assert admin.post(f"{LIST}/99/{act_}", data={"place": "0"}).status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_rules(admin, app, made):
    made("First")
    with counted(app) as few:
        admin.get(LIST)
    [made(f"Rule {number}") for number in range(8)]
    with counted(app) as many:
        admin.get(LIST)
    assert len(many) == len(few)

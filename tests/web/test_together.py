"""Several cases of All cases changed at once: each like a single one, told by number, taken back (H3, U19)."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app import transaction
from app.domain import cases, chats, labels, together
from app.domain.rules import book, definitions
from app.extensions import db
from app.models import Agent, Case, Event, Group
from tests import world
from tests.web.desk import HTMX, chat_in, says

CHANGE = "/cases/together"


@pytest.fixture(autouse=True)
def toy(app) -> world.ToyAdapter:
    return world.play(world.ToyAdapter())


@pytest.fixture
def at_desk(client, sign_in, bob):
    """Bob's browser."""
    return sign_in(client, bob)


@pytest.fixture
def three(app, bob) -> list[int]:
    return [written(app) for _number in range(3)]


def written(app, group: str | None = None) -> int:
    """A mail-like case's number."""
    with app.app_context(), transaction.writing():
        found = db.session.scalar(select(Group).where(Group.name == group)) if group else None
        return cases.open_by_hand(subject="Subject", text_="Text", contact_name="Yuki", by=None, group=found).id


def do(client: FlaskClient, numbers: list[int], **fields: str) -> str:
    """Change them as the plain form does; the page that comes then."""
    data = {"case": [str(number) for number in numbers], "back": "/cases"} | fields
    return client.post(CHANGE, data=data, follow_redirects=True).text


def undo(client: FlaskClient, page: str) -> str:
    address = re.search(r'action="(/cases/together/\d+/undoing)"', page)[1]
    return client.post(address, follow_redirects=True).text


def found(app, number: int) -> Case:
    with app.app_context():
        case = db.session.get_one(Case, number)
        assert case.assignee is None or case.assignee.name
        return case


def field(app, numbers: list[int], name: str) -> list[object]:
    return [getattr(found(app, number), name) for number in numbers]


def on(app, number: int) -> list[str]:
    with app.app_context():
        return [label.name for label in labels.of_case(db.session.get_one(Case, number))]


def test_every_ticked_case_is_changed_and_no_other(app, at_desk, three):
    page = do(at_desk, three[:2], status="closed")
    assert field(app, three, "status") == ["closed", "closed", "open"]
    assert "2 cases changed." in page


def test_several_things_change_together(app, at_desk, bob, three):
    with app.app_context(), transaction.writing():
        vip, old = labels.create("vip", by=None), labels.create("old", by=None)
        labels.add(db.session.get_one(Case, three[0]), [old], by=None)
        ids, sales = (str(vip.id), str(old.id)), str(next(iter(db.session.get_one(Agent, bob.id).group_ids)))
    do(at_desk, three, label_on=ids[0], label_off=ids[1], assignee=str(bob.id), group=sales)
    assert [on(app, number) for number in three] == [["vip"]] * 3
    assert field(app, three, "assignee_id") == [bob.id] * 3
    assert field(app, three, "group_id") == [int(sales)] * 3


def test_nobody_and_no_group_are_choices(app, at_desk, bob, three):
    do(at_desk, three, assignee=str(bob.id))
    do(at_desk, three, assignee="0", group="0")
    assert field(app, three, "assignee_id") == [None] * 3


def test_undo_puts_back_what_each_one_was(app, at_desk, three):
    do(at_desk, three[:1], status="pending")
    page = undo(at_desk, do(at_desk, three, status="closed"))
    assert field(app, three, "status") == ["pending", "open", "open"]
    assert "3 cases are as they were." in page


@pytest.mark.parametrize("flag", ["spam", "trash"])
def test_spam_and_trash_are_taken_back_too(app, at_desk, three, flag):
    page = do(at_desk, three, flag=flag)
    assert f'id="case-{three[0]}"' not in page
    assert f'id="case-{three[0]}"' in undo(at_desk, page)


@pytest.mark.parametrize("flag", ["spam", "trash"])
def test_out_of_spam_and_the_trash_together(app, at_desk, three, flag):
    do(at_desk, three, flag=flag)
    assert f'value="no_{flag}"' in at_desk.get(f"/cases?flag={flag}").text
    do(at_desk, three, flag=f"no_{flag}")
    assert all(f'id="case-{number}"' in at_desk.get("/cases").text for number in three)


def test_undo_leaves_what_somebody_changed_since(app, at_desk, three):
    page = do(at_desk, three, status="closed")
    do(at_desk, three[:1], status="pending")
    page = undo(at_desk, page)
    assert field(app, three, "status") == ["pending", "open", "open"]
    assert f"Not changed: {three[0]}. Somebody changed it since." in page


def test_undo_after_an_hour_and_by_somebody_else_is_not_there(app, at_desk, alice, sign_in, three):
    page = do(at_desk, three, status="closed")
    address = re.search(r'action="(/cases/together/\d+/undoing)"', page)[1]
    other = sign_in(app.test_client(), alice)
    assert other.post(address).status_code == 404
    with app.app_context(), transaction.writing():
        event = db.session.scalars(select(Event).where(Event.type == together.CHANGED)).one()
        event.occurred_at -= timedelta(hours=1, seconds=1)
    assert at_desk.post(address).status_code == 404
    assert field(app, three, "status") == ["closed"] * 3


def test_a_case_of_another_group_is_told_by_its_number_and_the_others_go_through(app, at_desk, charlie, three):  # T11
    secret = written(app, "Support")
    page = do(at_desk, [*three, secret, 999_999], status="closed")
    assert field(app, [*three, secret], "status") == ["closed"] * 3 + ["open"]
    assert f"Not changed: {secret}, 999999. It is not there." in page


def test_whom_a_case_may_not_be_given_is_refused_in_words(app, at_desk, dora, three):
    page = do(at_desk, three, assignee=str(dora.id), status="closed")
    assert field(app, three, "status") == ["open"] * 3
    assert "or may only look" in page


def test_an_active_chat_is_left_alone(app, at_desk, three):  # S10
    chat = chat_in(app)
    page = do(at_desk, [chat, three[0]], flag="trash")
    assert f"Not changed: {chat}. It is an active chat again." in page
    assert found(app, chat).is_active_chat


def test_an_ended_chat_changes_like_any_case(app, at_desk):
    number = chat_in(app)
    with app.app_context(), transaction.writing():
        chats.end(db.session.get_one(Case, number), "open", by=None)
    do(at_desk, [number], status="closed")
    assert found(app, number).status == "closed"
    says(app, number, "again")
    assert found(app, number).status == "closed"


def test_rules_run_as_with_single_changes(app, at_desk, three):  # R5a
    with app.app_context(), transaction.writing():
        clause = {"condition": "happened", "operator": "is", "value": "status_changed"}
        rule = {"type": "updated_case", "name": "Note it", "conditions": [{"match": "all", "conditions": [clause]}]}
        book.add(definitions.read(rule | {"actions": [{"action": "set_priority", "value": "high"}]}), by=None)
    do(at_desk, three, status="closed")
    assert field(app, three, "priority") == ["high"] * 3


def test_who_may_only_look_has_no_boxes_and_is_refused(app, client, sign_in, dora, three):  # H1
    looker = sign_in(client, dora)
    assert "data-choose" not in looker.get("/cases").text
    assert looker.post(CHANGE, data={"case": three, "status": "closed"}).status_code == 403
    assert field(app, three, "status") == ["open"] * 3


@pytest.mark.parametrize(
    ("numbers", "fields", "words"),
    [
        ([], {"status": "closed"}, "Tick the cases"),
        ([1], {}, "Choose what shall be changed."),
        ([1], {"status": "", "flag": "all", "assignee": "x", "label_on": "²"}, "Choose what shall be changed."),
        (list(range(1, 102)), {"status": "closed"}, "at most 100"),
    ],
)
def test_what_makes_no_sense_changes_nothing_and_says_so(app, at_desk, three, numbers, fields, words):
    assert words in do(at_desk, numbers, **fields)
    assert field(app, three, "status") == ["open"] * 3


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "later"},
        {"assignee": "99999"},
        {"group": "99999"},
        {"label_on": "99999"},
        {"label_on": "0"},
        {"label_off": "0"},
    ],
)
def test_a_choice_that_is_not_there_is_refused(app, at_desk, three, fields):
    assert "Not changed: 1, 2, 3." in do(at_desk, three, **fields)
    assert field(app, three, "status") == ["open"] * 3


def test_nothing_to_change_offers_no_undo(app, at_desk, three):
    page = do(at_desk, three, status="open")
    assert ("were like that already" in page, "undoing" in page) == (True, False)


def test_one_comes_back_to_the_list_as_it_was_filtered_and_nowhere_else(app, at_desk, three):  # U18, T30
    data = {"case": three, "status": "closed"}
    assert at_desk.post(CHANGE, data=data | {"back": "/cases?status=open&q=a"}).location == "/cases?status=open&q=a"
    assert at_desk.post(CHANGE, data=data | {"back": "//evil.example"}).location == "/"
    assert 'name="back" value="/cases?status=open"' in at_desk.get("/cases?status=open").text


def test_search_and_refreshes_know_who_may_choose(app, at_desk, three):
    assert "data-choose" in at_desk.get("/cases", headers=HTMX).text
    assert "data-choose" not in at_desk.get("/search?q=Subject").text


def test_moving_cases_out_of_sight_says_what_undo_could_not_do(app, at_desk, charlie, three):
    with app.app_context(), transaction.writing():
        support = db.session.scalars(select(Group).where(Group.name == "Support")).one().id
    page = undo(at_desk, do(at_desk, three[:1], group=str(support)))
    assert f"Not changed: {three[0]}. It is not there." in page

"""Spam, trash and deleting for good, as pages say and do it."""

import pytest

from app import transaction
from app.domain import deletions
from app.extensions import db
from app.models import Case
from tests import world
from tests.web import desk
from tests.web.desk import chat_in

FLAGS = pytest.mark.parametrize("flag", ["spam", "trash"])


@pytest.fixture(autouse=True)
def toy(app) -> world.ToyAdapter:
    return world.play(world.ToyAdapter())


@pytest.fixture
def at_desk(client, sign_in, bob):
    return sign_in(client, bob)


@pytest.fixture
def admin(app, sign_in, alice):
    return sign_in(app.test_client(), alice)


def is_flagged(app, number: int) -> bool:
    case = desk.case_of(app, number)
    return case.is_spam or case.trashed_at is not None


@FLAGS
def test_from_a_chat_it_leads_back_to_the_chats_with_an_undo(app, at_desk, flag):
    number = chat_in(app)
    answer = at_desk.post(f"/cases/{number}/{flag}")
    assert (answer.status_code, answer.location) == (303, "/chats")
    assert f'action="/cases/{number}/{flag}/removal"' in at_desk.get("/chats").text
    assert is_flagged(app, number)


@FLAGS
def test_from_a_case_it_leads_back_to_all_cases(app, at_desk, flag):
    number = chat_in(app)
    desk.ended(app, number)
    assert at_desk.post(f"/cases/{number}/{flag}").location == "/cases"
    assert f'<tr id="case-{number}"' not in at_desk.get("/cases").text
    assert f'<tr id="case-{number}"' in at_desk.get(f"/cases?flag={flag}").text


@FLAGS
def test_undoing_leads_to_the_case_as_it_was(app, at_desk, flag):
    number = chat_in(app)
    desk.ended(app, number, "pending")
    at_desk.post(f"/cases/{number}/{flag}")
    answer = at_desk.post(f"/cases/{number}/{flag}/removal")
    assert answer.location == f"/cases/{number}"
    assert not is_flagged(app, number)
    assert desk.case_of(app, number).status == "pending"


@FLAGS
def test_the_page_says_what_the_flag_means_and_offers_to_take_it_back(app, at_desk, flag):
    number = chat_in(app)
    at_desk.post(f"/cases/{number}/{flag}")
    at_desk.get("/cases")  # where the undo was told
    page = at_desk.get(f"/cases/{number}").text
    assert page.count(f'action="/cases/{number}/{flag}/removal"') == 2
    assert {"spam": "Marked as spam.", "trash": "deleted for good on"}[flag] in page


def test_the_history_tells_of_all_of_it(app, at_desk):
    number = chat_in(app)
    for path in ("spam", "spam/removal", "trash", "trash/removal"):
        at_desk.post(f"/cases/{number}/{path}")
    page = at_desk.get(f"/cases/{number}/history").text
    said = ("Marked as spam.", "Said that this is no spam.", "Moved to the trash.", "Taken out of the trash.")
    assert [words in page for words in said] == [True] * 4


def test_the_trash_says_when_each_case_is_deleted_for_good(app, clock, at_desk):  # H6
    number = chat_in(app)
    at_desk.post(f"/cases/{number}/trash")
    page = at_desk.get("/cases?flag=trash").text
    assert ">Deleted for good</th>" in page
    assert '<time datetime="2026-12-23T09:00:00.000Z"' in page


def test_deleting_for_good_is_for_admins_and_says_first_what_it_does(app, at_desk, admin):
    number = chat_in(app)
    at_desk.post(f"/cases/{number}/trash")
    assert f"/cases/{number}/deletion" not in at_desk.get(f"/cases/{number}").text
    assert f"/cases/{number}/deletion" in admin.get(f"/cases/{number}").text
    page = admin.get(f"/cases/{number}/deletion").text
    assert "This can't be undone." in page
    assert at_desk.get(f"/cases/{number}").status_code == 200


def test_a_case_that_was_deleted_for_good_is_not_there(app, at_desk, admin):
    number = chat_in(app)
    at_desk.post(f"/cases/{number}/trash")
    answer = admin.post(f"/cases/{number}/deletion")
    assert answer.location == "/cases?flag=trash"
    assert at_desk.get(f"/cases/{number}").status_code == 404
    assert "The trash is empty" in at_desk.get("/cases?flag=trash").text


def test_what_is_not_in_the_trash_is_not_deleted(app, admin):
    number = chat_in(app)
    desk.ended(app, number)
    admin.post(f"/cases/{number}/deletion")
    assert "Move the case to the trash first." in admin.get(f"/cases/{number}").text
    assert desk.case_of(app, number).deleted_at is None


def test_a_list_left_open_learns_of_it(app, at_desk):
    """The empty row that is kept for its number is shown nowhere."""
    number = chat_in(app)
    at_desk.post(f"/cases/{number}/trash")
    with app.app_context(), transaction.writing():
        deletions.delete(db.session.get_one(Case, number), by=None)
        while deletions.take_apart():
            pass
    assert at_desk.get(f"/search?q={number}").text.count("<tr id=") == 0

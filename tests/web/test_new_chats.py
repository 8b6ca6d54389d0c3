"""The settings page of new chats, and what agents see of one that was given out (H2, U16)."""

import pytest

from app import transaction
from app.domain import settings
from app.live import service
from tests.web.desk import chat_in, fragment
from tests.world import ToyAdapter, play

GIVEN = {"given_out": "1", "minutes": "3", "at_once": "0"}
PAGE = "/settings/new-chats"


@pytest.fixture(autouse=True)
def toy(app) -> ToyAdapter:
    return play(ToyAdapter())


@pytest.fixture
def admin(client, alice, sign_in):
    """Alice's browser."""
    return sign_in(client, alice)


def kept(app) -> tuple[int, int, int]:
    with app.app_context():
        return tuple(map(settings.get, (settings.GIVES_OUT, settings.GIVEN_MINUTES, settings.GIVEN_AT_ONCE)))


def test_at_first_nothing_is_given_out(admin, app):
    page = admin.get(PAGE).text
    assert kept(app) == (0, 2, 5)
    assert 'name="given_out" value="0" checked' in page


def test_what_an_admin_chooses_is_kept_and_audited(admin, app):
    answer = admin.post(PAGE, data=GIVEN)
    assert (answer.status_code, kept(app)) == (303, (1, 3, 0))
    assert 'name="given_out" value="1" checked' in admin.get(PAGE).text
    assert "chats.given_out" in admin.get("/settings/audit").text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("minutes", "0", "Minutes must be a whole number from 1 to 60."),
        ("minutes", "61", "Minutes must be a whole number from 1 to 60."),
        ("minutes", "", "Minutes must be a whole number from 1 to 60."),
        ("at_once", "101", "Chats must be a whole number from 0 to 100; 0 sets no limit."),
        ("at_once", "-1", "Chats must be a whole number from 0 to 100; 0 sets no limit."),
        ("given_out", "7", "Say yes or no."),
    ],
)
def test_anything_else_is_refused_in_words_and_nothing_is_kept(admin, app, field, value, words):
    answer = admin.post(PAGE, data=GIVEN | {field: value})
    assert (answer.status_code, kept(app)) == (422, (0, 2, 5))
    assert words in answer.text


def test_whose_it_is_sees_it_light_and_the_history_says_why(admin, app, alice):
    admin.post(PAGE, data=GIVEN)
    with app.app_context(), transaction.writing():
        service.keep_presence([alice.id])
    number = chat_in(app, "My order is late")
    assert "My order is late" in fragment(admin, "/live/responses").text
    assert "My order is late" not in fragment(admin, "/live/incoming").text
    assert "The chat was given to Alice: least busy." in admin.get(f"/cases/{number}/history").text

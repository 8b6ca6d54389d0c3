"""Ready-made rules: what each set does, and adding it (R7)."""

import re

import pytest

from app import background, transaction
from app.blueprints.ready_rules import TEMPLATES
from app.domain import chats, hours, labels
from app.domain.rules import book
from app.extensions import db
from app.models import Agent, Case
from tests.web.desk import chat_in, replied, says
from tests.world import ToyAdapter, play

TEMPLATE = "/settings/rules/templates"
KEYS = [one.key for one in TEMPLATES]
URGENT = {"words": "urgent, now", "label": "Hurry"}


@pytest.fixture(autouse=True)
def _played(app):
    """A chat channel that is played."""
    play(ToyAdapter())


@pytest.fixture
def admin(client, alice, sign_in):
    """Alice's browser."""
    return sign_in(client, alice)


def use(admin, key: str, **fields):
    return admin.post(f"{TEMPLATE}/{key}", data=fields)


def defaults(key: str) -> dict[str, str]:
    return next(one.defaults() for one in TEMPLATES if one.key == key)


def names(app) -> list[str]:
    with app.app_context():
        return [rule.name for rule in book.listed()]


def definitions_of(app) -> list:
    with app.app_context():
        return [book.definition_of(rule) for rule in book.listed()]


@pytest.mark.parametrize("key", KEYS)
def test_each_template_is_valid_as_it_is_and_added_switched_on(admin, app, key):  # R7
    answer = use(admin, key, **defaults(key))
    assert (answer.status_code, answer.location) == (303, "/settings/rules")
    count = next(len(one.rules) for one in TEMPLATES if one.key == key)
    with app.app_context():
        assert [rule.is_active for rule in book.listed()] == [True] * count
        assert all(book.definition_of(rule) for rule in book.listed())
    assert "added and switched on" in admin.get("/settings/rules").text


def test_the_page_tells_each_template_in_the_sentences_of_its_rules(admin):  # R7
    page = admin.get(TEMPLATE).text
    assert "When a new case arrives in a chat channel: end the chat and set status Open." in page
    assert "When a contact reactivates a chat: end the chat and set status Open." in page
    assert "When an agent reactivates a chat: end the chat and set status Pending." in page
    assert page.count("<span>Use this template</span>") == len(KEYS)


def test_chats_as_cases_never_leaves_a_chat_active(admin, app, alice):  # R7, S25, S26
    use(admin, "chats-as-cases")
    number = chat_in(app)
    assert state(app, number) == ("ended", "open")
    replied(app, number, "We look into it", alice)
    assert state(app, number) == ("ended", "pending")
    says(app, number, "And?")
    assert state(app, number) == ("ended", "open")


def state(app, number: int) -> tuple[str, str]:
    with app.app_context():
        case = db.session.get_one(Case, number)
        return case.chat_state, case.status


def test_a_label_is_made_where_there_is_none_and_found_where_there_is(admin, app):  # R7
    use(admin, "urgent-words", **URGENT)
    use(admin, "urgent-words", **URGENT | {"label": "hurry", "words": "asap"})
    with app.app_context():
        (label,) = labels.listed()
        used = {rule.steps[1].value[0] for rule in definitions_of(app)}
    assert (label.name, used) == ("Hurry", {label.id})


def test_days_become_minutes(admin, app):
    use(admin, "close-after-silence", days="2", goodbye="Bye!")
    (rule,) = definitions_of(app)
    assert rule.clauses[0].value == 2880
    assert rule.steps[0].value == "Bye!"


@pytest.mark.parametrize(
    ("key", "typed", "said"),
    [
        ("close-after-silence", {"days": "0", "goodbye": "My own words"}, "Days must be a whole number"),
        ("close-after-silence", {"days": "", "goodbye": "My own words"}, "Days must be a whole number"),
        ("close-after-silence", {"days": "0000039999999", "goodbye": "My own words"}, "Days must be"),
        ("close-after-silence", {"days": "1" * 5000, "goodbye": "My own words"}, "Days must be"),
        ("nobody-waits", {"minutes": "soon"}, "Minutes must be a whole number"),
        ("urgent-words", {"words": " ", "label": "My own words"}, "Type a text."),
        ("urgent-words", {"words": "My own words", "label": "x" * 61}, "60 characters or fewer"),
        ("night-reply", {}, "Type a text."),
    ],
)
def test_a_wrong_value_is_told_at_its_field_and_keeps_the_rest(admin, app, key, typed, said):
    answer = use(admin, key, **typed)
    assert answer.status_code == 422
    assert said in answer.text
    assert ("My own words" in answer.text) == ("My own words" in typed.values())
    assert names(app) == []
    with app.app_context():
        assert labels.listed() == []


def test_adding_twice_is_told_first(admin, app):  # R7
    use(admin, "nobody-waits", minutes="45")
    answer = use(admin, "nobody-waits", minutes=" 45 ")
    assert answer.status_code == 409
    assert "These rules are in your lists already." in answer.text
    assert len(names(app)) == 2
    assert use(admin, "nobody-waits", minutes="45", again="1").status_code == 303
    assert len(names(app)) == 4


def test_the_page_says_what_is_in_the_lists_already(admin):  # R7
    assert "in your lists" not in admin.get(TEMPLATE).text.replace("to your lists", "")
    use(admin, "least-busy")
    page = admin.get(TEMPLATE).text
    assert page.count("<span>Use it once more</span>") == 1


def test_what_was_added_can_be_taken_back(admin, app):
    page = admin.post(f"{TEMPLATE}/chats-as-cases", follow_redirects=True).text
    assert len(names(app)) == 3
    address = re.search(r'action="([^"]+/removal\?rules=[\d-]+)"', page)[1]
    assert "gone again" in admin.post(address, follow_redirects=True).text
    assert names(app) == []


def test_a_template_that_is_not_there_is_404(admin):
    assert use(admin, "no-such").status_code == 404


def test_missing_working_hours_are_told(admin, app, alice):
    assert "Your working hours are not set yet" in admin.get(TEMPLATE).text
    with app.app_context(), transaction.writing():
        hours.put(hours.Hours(), by=db.session.get_one(Agent, alice.id))
    assert "Your working hours are not set yet" not in admin.get(TEMPLATE).text


def test_silence_closes_what_waits_for_the_customer(clock, admin, app, alice):
    """The template's conditions fit what a pending case is."""
    use(admin, "close-after-silence", **defaults("close-after-silence"))
    number = chat_in(app)
    replied(app, number, "Is it well now?", alice)
    with app.app_context(), transaction.writing():
        chats.end(db.session.get_one(Case, number), "pending", by=None)
    clock.shift(3 * 86_400)
    with app.app_context():
        background.run_timers()
        assert db.session.get_one(Case, number).status == "closed"


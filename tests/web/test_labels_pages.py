"""The labels page: adding, renaming, and what deleting says and does."""

import pytest

from app import transaction
from app.domain import cases, labels, macros
from app.domain.rules import book, definitions
from app.extensions import db
from app.models import Agent, Rule


@pytest.fixture
def admin(client, alice, sign_in):
    """Alice's browser."""
    return sign_in(client, alice)


@pytest.fixture
def vip(app) -> int:
    """A label that is on one case, with a rule that puts it on."""
    with app.app_context(), transaction.writing():
        label = labels.create("vip", by=None)
        case = cases.open_by_hand(subject="A", text_="B", contact_name="C", by=None)
        labels.add(case, [label], by=None)
        action = {"action": "add_labels", "value": [label.id]}
        given = {"type": "new_case", "name": "Important people", "actions": [action]}
        book.add(definitions.read(given), by=None)
        return label.id


@pytest.fixture
def macro(app, alice, vip) -> None:
    """A macro that puts the label on, too."""
    with app.app_context(), transaction.writing():
        by = db.session.get_one(Agent, alice.id)
        given = {"name": "Important", "actions": [{"action": "add_labels", "value": [vip]}]}
        macros.add(macros.read(given, by=by), by=by)


def names(app) -> list[str]:
    with app.app_context():
        return [label.name for label in labels.listed()]


def test_the_list_says_on_how_many_cases_a_label_is_and_which_rules_use_it(admin, vip):
    page = admin.get("/settings/labels").text
    assert f'href="/settings/labels/{vip}"' in page
    assert '<td class="number">1</td>' in page
    assert "Important people" in page


def test_without_labels_the_page_says_what_they_are_for(admin):
    assert "No labels yet" in admin.get("/settings/labels").text


def test_a_label_is_added_and_renamed(admin, app):
    assert admin.post("/settings/labels", data={"name": " night  shift "}).status_code == 303
    assert names(app) == ["night shift"]
    assert admin.post("/settings/labels/1", data={"name": "Night"}).status_code == 303
    assert names(app) == ["Night"]


@pytest.mark.parametrize("path", ["/settings/labels", "/settings/labels/2"])
@pytest.mark.parametrize(
    ("name", "said"), [("", "Type a name"), ("x" * 61, "60 characters or fewer"), ("vIP", "already")]
)
def test_a_wrong_name_says_what_to_do_and_stays_in_the_field(admin, app, vip, path, name, said):
    admin.post("/settings/labels", data={"name": "night"})
    answer = admin.post(path, data={"name": name})
    assert answer.status_code == 422
    assert said in answer.text and f'value="{name}"' in answer.text
    assert names(app) == ["night", "vip"]


def test_deleting_says_first_which_cases_and_rules_it_touches(admin, app, vip):
    page = admin.get(f"/settings/labels/{vip}/deletion").text
    assert "taken off 1 case." in page
    assert "Important people" in page
    assert names(app) == ["vip"]


def test_deleting_says_how_many_macros_leave_it_out(admin, vip, macro):
    assert "1 macro leaves it out from then on." in admin.get(f"/settings/labels/{vip}/deletion").text


def test_deleting_switches_off_the_rules_that_use_it(admin, app, vip):
    assert admin.post(f"/settings/labels/{vip}/deletion").status_code == 303
    assert names(app) == []
    with app.app_context():
        assert not db.session.get_one(Rule, 1).is_active


@pytest.mark.parametrize("number", ["0", "999", "2147483648", "x"])
def test_a_label_that_is_not_there_is_404(admin, number):
    assert admin.get(f"/settings/labels/{number}").status_code == 404
    assert admin.get(f"/settings/labels/{number}/deletion").status_code == 404

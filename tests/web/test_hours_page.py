"""Working hours as admins set them (H9): nothing typed is lost, and errors stand at their field."""

import re

import pytest
from werkzeug.datastructures import MultiDict

from app.blueprints.hours import COMMANDS
from app.domain import hours
from app.domain.hours import Hours

WEEK = ((("09:00", "12:00"), ("13:00", "18:00")), *((("09:00", "18:00"),),) * 4, (), ())


@pytest.fixture
def admin(client, alice, sign_in):
    """Alice's browser."""
    return sign_in(client, alice)


def form(**changes: object) -> MultiDict:
    """What the form sends: Monday has a lunch break, the weekend is closed."""
    fields: dict[str, object] = {"zone": "Asia/Bangkok"}
    for day, spans in enumerate(WEEK):
        fields[f"opens-{day}"] = [opens for opens, _closes in spans]
        fields[f"closes-{day}"] = [closes for _opens, closes in spans]
    return MultiDict(fields | {name if name in COMMANDS else name.replace("_", "-"): value for name, value in changes.items()})


def kept(app) -> Hours | None:
    with app.app_context():
        return hours.of_team()


def values(page: str, name: str) -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]*)"', page)


def test_before_anything_is_set_the_page_suggests_a_week(admin, app):
    page = admin.get("/settings/hours").text
    assert "every hour counts as a working hour" in page
    assert values(page, "opens-0") == ["09:00"]
    assert values(page, "opens-5") == []
    assert kept(app) is None


def test_week_and_holidays_are_kept(admin, app):
    days = {"holiday_day": ["2026-12-31", "2026-11-23"], "holiday_name": ["Eve", ""]}
    assert admin.post("/settings/hours", data=form(**days)).status_code == 303
    assert kept(app) == Hours("Asia/Bangkok", WEEK, (("2026-11-23", ""), ("2026-12-31", "Eve")))
    page = admin.get("/settings/hours").text
    assert values(page, "opens-0") == ["09:00", "13:00"]
    assert values(page, "holiday-name") == ["", "Eve"]


def test_midnight_as_the_end_of_a_day_comes_back_as_it_was_typed(admin, app):
    night = {"opens_5": "22:00", "closes_5": "00:00", "opens_6": "00:00", "closes_6": "02:00"}
    admin.post("/settings/hours", data=form(**night))
    assert kept(app).week[5:] == ((("22:00", "24:00"),), (("00:00", "02:00"),))
    assert values(admin.get("/settings/hours").text, "closes-5") == ["00:00"]


@pytest.mark.parametrize(
    ("add", "name", "rows"),
    [("5", "opens-5", 1), ("0", "opens-0", 3), ("holiday", "holiday-day", 1)],
)
def test_adding_a_row_saves_nothing_and_loses_nothing(admin, app, add, name, rows):
    answer = admin.post("/settings/hours", data=form(zone="Mars", add=add))
    assert answer.status_code == 200
    assert len(values(answer.text, name)) == rows
    assert values(answer.text, "opens-0")[:2] == ["09:00", "13:00"]
    assert 'value="Mars"' in answer.text
    assert "autofocus" in answer.text
    assert kept(app) is None


@pytest.mark.parametrize(("remove", "left"), [("0.0", ["13:00"]), ("0.1", ["09:00"])])
def test_removing_a_row_saves_nothing(admin, app, remove, left):
    answer = admin.post("/settings/hours", data=form(leave_out=remove))
    assert values(answer.text, "opens-0") == left
    assert kept(app) is None


def test_monday_is_copied_to_the_workdays(admin):
    answer = admin.post("/settings/hours", data=form(copy="week"))
    assert [len(values(answer.text, f"opens-{day}")) for day in range(7)] == [2, 2, 2, 2, 2, 0, 0]


@pytest.mark.parametrize("command", [{"add": "7"}, {"add": "x"}, {"leave_out": "0.9"}, {"leave_out": "9.0"}, {"leave_out": "holiday"}])
def test_command_for_a_row_that_is_not_there_changes_nothing(admin, command):
    answer = admin.post("/settings/hours", data=form(**command))
    assert answer.status_code == 200
    assert values(answer.text, "opens-0") == ["09:00", "13:00"]


def test_fragment_is_the_form_alone(admin):
    answer = admin.post("/settings/hours", data=form(add="5"), headers={"HX-Request": "true"})
    assert answer.text.lstrip().startswith("<form")
    assert answer.text.count("<form") == 1


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"zone": "Mars/Olympus"}, "Choose a time zone from the list."),
        ({"opens_5": "22:00", "closes_5": "02:00"}, "For a night write two"),
        ({"opens_5": "09:00", "closes_5": ""}, "Type both times"),
        ({"opens_5": ["09:00", "10:00"], "closes_5": ["11:00", "12:00"]}, "This begins before 11:00"),
        ({"holiday_day": "", "holiday_name": "Eve"}, "Choose a day"),
        ({"opens_5": "<b>", "closes_5": "\0"}, "Type both times"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(admin, app, changes, error):
    answer = admin.post("/settings/hours", data=form(**changes))
    assert answer.status_code == 422
    assert error in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert values(answer.text, "opens-0") == ["09:00", "13:00"]
    assert kept(app) is None


def test_empty_rows_are_left_out(admin, app):
    rows = {"opens_5": "", "closes_5": "", "holiday_day": "", "holiday_name": ""}
    admin.post("/settings/hours", data=form(**rows))
    assert kept(app) == Hours("Asia/Bangkok", WEEK)


def test_page_says_what_is_now_and_when_it_changes(clock, admin):  # Monday 09:00 UTC
    admin.post("/settings/hours", data=form(zone="UTC"))
    assert "Open until Monday 23 November, 12:00." in admin.get("/settings/hours").text
    admin.post("/settings/hours", data=form(zone="Asia/Tokyo"))
    assert "Closed until Tuesday 24 November, 09:00." in admin.get("/settings/hours").text


def test_page_names_the_rules_that_ask_for_the_hours(admin, app):
    assert "None yet." in admin.get("/settings/hours").text
    from tests.domain.rules.conftest import rule

    with app.app_context():
        asking = rule("new_case", ("working_hours", "is", "outside"), then=[("mark_spam", None)], name="Night")
        rule("new_case", then=[("mark_spam", None)], name="Other")
        number = asking.id
    page = admin.get("/settings/hours").text
    assert f'href="/settings/rules#rule-{number}"' in page and "Night" in page
    assert "Other" not in page

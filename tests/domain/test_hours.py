"""When the team works, in its own time zone (H9)."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app import transaction
from app.domain import hours
from app.domain.agents import Refused
from app.domain.hours import Hours
from app.extensions import db
from app.models import Setting

DAY = (("09:00", "12:00"), ("13:00", "18:00"))
WEEK = (DAY, DAY, DAY, DAY, DAY, (), ())
TOKYO = Hours("Asia/Tokyo", WEEK, (("2026-11-23", "Labour Thanksgiving Day"),))
ALWAYS = Hours("Europe/Berlin", ((("00:00", "24:00"),),) * 7)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """UTC; Tokyo is nine hours ahead."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def berlin(text: str, fold: int = 0) -> datetime:
    """UTC of what clocks in Berlin show, for the first or the second time."""
    wall = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"), fold=fold)
    return wall.astimezone(UTC)


def on_sunday(*spans: tuple[str, str]) -> Hours:
    return Hours("Europe/Berlin", (*((),) * 6, spans))


@pytest.mark.parametrize(
    ("moment", "is_on"),
    [
        (at(24, 0), True),  # Tuesday 09:00
        (at(23, 23, 59), False),  # Tuesday 08:59
        (at(24, 3), False),  # 12:00, lunch
        (at(24, 4), True),
        (at(24, 9), False),  # 18:00
        (at(23, 1), False),  # Monday, a holiday
        (at(28, 1), False),  # Saturday
    ],
)
def test_hours_are_told_in_the_teams_time_zone(moment, is_on):
    assert TOKYO.include(moment) is is_on


@pytest.mark.parametrize(
    ("moment", "changes_at"),
    [
        (at(24, 0), at(24, 3)),  # open until lunch
        (at(24, 3), at(24, 4)),  # lunch
        (at(24, 9), at(25, 0)),  # closed until tomorrow
        (at(27, 10), at(30, 0)),  # Friday evening until Monday
        (at(22, 12), at(24, 0)),  # over the holiday
    ],
)
def test_next_change_is_when_it_opens_or_closes(moment, changes_at):
    assert TOKYO.next_change(moment) == changes_at


@pytest.mark.parametrize("week", [((),) * 7, ((("00:00", "24:00"),),) * 7])
def test_what_never_opens_or_closes_has_no_next_change(week):
    assert Hours("Europe/Berlin", week).next_change(at(24, 0)) is None


def test_day_to_midnight_goes_on_in_the_next():  # F14
    night = Hours("UTC", ((("22:00", "24:00"),), (("00:00", "02:00"),), *((),) * 5))
    assert night.include(at(23, 23, 59)) and night.include(at(24, 0))
    assert night.next_change(at(23, 22)) == at(24, 2)
    assert ALWAYS.include(at(23, 23, 59))


def test_hour_that_the_clock_skips_is_never_missed():  # F14: 29 March 2026, 02:00 becomes 03:00
    early = on_sunday(("02:30", "04:00"))
    assert not early.include(berlin("2026-03-29T01:59"))
    assert early.include(berlin("2026-03-29T03:00"))
    assert early.next_change(berlin("2026-03-29T00:00")) == berlin("2026-03-29T03:00")
    assert early.next_change(berlin("2026-03-29T03:10")) == berlin("2026-03-29T04:00")


def test_span_within_a_skipped_hour_does_not_happen():  # F14
    gone = on_sunday(("02:10", "02:50"))
    assert gone.next_change(berlin("2026-03-29T00:00")) == berlin("2026-04-05T02:10")


def test_hour_that_comes_twice_is_open_twice():  # F14: 25 October 2026, 03:00 becomes 02:00
    late = on_sunday(("02:15", "02:45"))
    first = late.next_change(berlin("2026-10-25T00:00"))
    assert first == berlin("2026-10-25T02:15")
    closes = late.next_change(first)
    assert closes == berlin("2026-10-25T02:45")
    assert late.next_change(closes) == berlin("2026-10-25T02:15", fold=1)


def test_span_over_the_hour_that_comes_twice_stays_open():
    over = on_sunday(("01:00", "04:00"))
    opens = over.next_change(berlin("2026-10-25T00:00"))
    closes = over.next_change(opens)
    assert closes - opens == timedelta(hours=4)


def test_leap_day_may_be_a_holiday():  # F14
    leap = Hours("UTC", ((("00:00", "24:00"),),) * 7, (("2028-02-29", ""),))
    assert not leap.include(datetime(2028, 2, 29, 12, tzinfo=UTC))
    assert leap.include(datetime(2028, 3, 1, tzinfo=UTC))


def test_hours_are_kept(app, alice):
    with app.app_context(), transaction.writing():
        hours.put(TOKYO, by=alice)
        assert hours.of_team() == TOKYO


def test_holidays_that_were_kept_without_names_are_read(app):
    old = {"zone": "UTC", "week": [[]] * 7, "holidays": ["2026-12-31"]}
    with app.app_context(), transaction.writing():
        db.session.add(Setting(name="hours", value=json.dumps(old)))
        db.session.flush()
        assert hours.of_team() == Hours("UTC", ((),) * 7, (("2026-12-31", ""),))


def test_before_anybody_set_them_the_team_is_always_at_work(app):
    with app.app_context():
        assert hours.are_on(at(28, 1)) is True


def test_what_people_type_is_put_in_order():
    typed = hours.tidied(
        " asia/tokyo ",
        [[("13:00", "00:00"), ("09:00", "12:00")], *[[]] * 6],
        [("2026-12-31", " New\n Year's  Eve "), ("2026-11-23", "")],
    )
    assert typed.zone == "Asia/Tokyo"
    assert typed.week[0] == (("09:00", "12:00"), ("13:00", "24:00"))
    assert typed.holidays == (("2026-11-23", ""), ("2026-12-31", "New Year's Eve"))


def test_zones_are_what_people_choose():
    assert {"Asia/Bangkok", "Asia/Tokyo", "Asia/Taipei", "UTC"} <= set(hours.zones())
    assert not {"localtime", "Factory", "Etc/GMT+3"} & set(hours.zones())


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        (Hours("Mars/Olympus", WEEK), "zone"),
        (Hours("../etc/passwd", WEEK), "zone"),
        (Hours("", WEEK), "zone"),
        (Hours("UTC", ((),) * 6), "week"),
        (Hours("UTC", ((("18:00", "09:00"),), *((),) * 6)), "week[0][0]"),
        (Hours("UTC", ((("22:00", "02:00"),), *((),) * 6)), "week[0][0]"),
        (Hours("UTC", ((("09:00", "09:00"),), *((),) * 6)), "week[0][0]"),
        (Hours("UTC", ((("9", "10"),), *((),) * 6)), "week[0][0]"),
        (Hours("UTC", ((("09:00", ""),), *((),) * 6)), "week[0][0]"),
        (Hours("UTC", ((("24:00", "24:00"),), *((),) * 6)), "week[0][0]"),
        (Hours("UTC", ((("٠٩:00", "12:00"),), *((),) * 6)), "week[0][0]"),
        (Hours("UTC", ((), (("09:00", "12:00"), ("11:00", "13:00")), *((),) * 5)), "week[1][1]"),
        (Hours("UTC", ((("09:00", "10:00"),) * 5, *((),) * 6)), "week[0]"),
        (Hours("UTC", WEEK, (("31.12.2026", ""),)), "holidays[0]"),
        (Hours("UTC", WEEK, (("20261231", ""),)), "holidays[0]"),
        (Hours("UTC", WEEK, (("2026-12-30", ""), ("2026-02-29", ""))), "holidays[1]"),
        (Hours("UTC", WEEK, (("2026-12-31", "x" * 61),)), "holidays[0]"),
        (Hours("UTC", WEEK, (("2026-12-31", ""),) * 201), "holidays"),
    ],
)
def test_hours_that_make_no_sense_are_refused_at_their_place(app, alice, wrong, place):
    assert place in hours.problems(wrong)
    with app.app_context(), transaction.writing(), pytest.raises(Refused):
        hours.put(wrong, by=alice)


def test_night_in_one_span_says_to_write_two():
    night = Hours("UTC", ((("22:00", "02:00"),), *((),) * 6))
    assert "write two" in hours.problems(night)["week[0][0]"]

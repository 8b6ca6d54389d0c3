"""Working hours and holidays, in the team's own time zone (H9).

A week of opening times and a list of days off. Before anybody has set them the team is always at
work, so that no rule takes the night for granted.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import select

from app.domain import characters, events
from app.domain.agents import Refused
from app.domain.upsert import insert
from app.extensions import db
from app.models import Agent, Setting

NAME = "hours"
DAYS = 7
MOST_SPANS = 4
MOST_HOLIDAYS = 200
LONGEST_NAME = 60
MIDNIGHT = "24:00"
LOOKED_AHEAD_DAYS = 400
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d", re.ASCII)

Span = tuple[str, str]
Holiday = tuple[str, str]


@dataclass(frozen=True)
class Hours:
    """`week` has Monday first: spans of HH:MM, to the minute before the second one; 24:00 ends a day.

    `holidays` are days (YYYY-MM-DD) on which nobody works, each with a name or an empty text.
    """

    zone: str = "UTC"
    week: tuple[tuple[Span, ...], ...] = ((),) * DAYS
    holidays: tuple[Holiday, ...] = field(default=())

    def include(self, moment: datetime) -> bool:
        local = moment.astimezone(ZoneInfo(self.zone))
        if any(day == local.date().isoformat() for day, _name in self.holidays):
            return False
        at = f"{local:%H:%M}"
        return any(opens <= at < closes for opens, closes in self.week[local.weekday()])

    def next_change(self, moment: datetime) -> datetime | None:
        """When it opens, if it is closed, or closes; None when that is more than a year away."""
        is_open, today = self.include(moment), moment.astimezone(ZoneInfo(self.zone)).date()
        for ahead in range(LOOKED_AHEAD_DAYS):
            for edge in self._edges(today + timedelta(days=ahead)):
                if edge > moment and self.include(edge) is not is_open:
                    return edge
        return None

    def _edges(self, day: date) -> list[datetime]:
        """Moments of a day at which it may open or close: also those that a clock shows twice."""
        zone = ZoneInfo(self.zone)
        times = {"00:00", *(at for span in self.week[day.weekday()] for at in span)} - {MIDNIGHT}
        walls = [datetime.combine(day, time.fromisoformat(at), zone) for at in times]
        moments = {wall.replace(fold=fold).astimezone(UTC) for wall in walls for fold in (0, 1)}
        return sorted(moments | set(_clock_changes(day, zone)))


def _clock_changes(day: date, zone: ZoneInfo) -> Iterator[datetime]:
    """The minute at which the zone's clocks are put forward or back on this day."""
    first = datetime.combine(day, time(), zone).astimezone(UTC)
    before, minutes = first.astimezone(zone).utcoffset(), range(1, 25 * 60 + 1)
    moments = (first + timedelta(minutes=minute) for minute in minutes)
    if (first + timedelta(hours=25)).astimezone(zone).utcoffset() != before:
        yield next(one for one in moments if one.astimezone(zone).utcoffset() != before)


@cache
def zones() -> tuple[str, ...]:
    """Time zones as people choose them: a continent and a city, or UTC."""
    plain = (zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
    return ("UTC", *sorted(plain))


# ── Of the team ─────────────────────────────────────────────────────────────────────────────


def of_team() -> Hours | None:
    """What was set, None before anybody did."""
    kept = db.session.scalar(select(Setting.value).where(Setting.name == NAME))
    return _read(json.loads(kept)) if kept else None


def are_on(moment: datetime) -> bool:
    """Whether the team works at this moment."""
    hours = of_team()
    return hours.include(moment) if hours else True


def put(hours: Hours, *, by: Agent) -> None:
    """Set them. Raise Refused for what is no week, no time zone or no day."""
    for problem in problems(hours).values():
        raise Refused(problem)
    value = json.dumps(asdict(hours), ensure_ascii=False)
    statement = insert(Setting).values(name=NAME, value=value)
    db.session.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"value": value})
    )
    events.record("setting.changed", by=by, name=NAME)


# ── What makes sense ────────────────────────────────────────────────────────────────────────


def tidied(zone: str, week: Iterable[Iterable[Span]], holidays: Iterable[Holiday]) -> Hours:
    """As people type it: 00:00 as the end of a day is 24:00, everything is in order of time."""
    known = {one.lower(): one for one in zones()}
    return Hours(
        zone=known.get(zone.strip().lower(), zone.strip()),
        week=tuple(
            tuple(sorted((opens, MIDNIGHT if closes == "00:00" else closes) for opens, closes in day))
            for day in week
        ),
        holidays=tuple(
            sorted((day, " ".join(characters.storable(name).split())) for day, name in holidays)
        ),
    )


def problems(hours: Hours) -> dict[str, str]:
    """What to type instead, by place: `zone`, `week[0][1]`, `holidays[2]`; empty when all is well."""
    found: dict[str, str] = {}
    if hours.zone not in available_timezones():
        found["zone"] = "Choose a time zone from the list."
    if len(hours.week) != DAYS:
        found["week"] = "A week has seven days."
    for number, spans in enumerate(hours.week):
        found |= {f"week[{number}]{place}": text for place, text in _of_day(spans)}
    if len(hours.holidays) > MOST_HOLIDAYS:
        found["holidays"] = f"There may be {MOST_HOLIDAYS} holidays at most."
    for number, (day, name) in enumerate(hours.holidays):
        if text := _of_holiday(day, name):
            found[f"holidays[{number}]"] = text
    return found


def _of_day(spans: tuple[Span, ...]) -> Iterator[tuple[str, str]]:
    if len(spans) > MOST_SPANS:
        yield "", f"A day has {MOST_SPANS} spans at most."
    ended = "00:00"
    for number, (opens, closes) in enumerate(spans):
        if text := _of_span(opens, closes):
            yield f"[{number}]", text
        elif opens < ended:
            yield f"[{number}]", f"This begins before {ended}, when the one before it ends."
        ended = max(ended, closes)


def _of_span(opens: str, closes: str) -> str:
    if not _TIME.fullmatch(opens) or not (_TIME.fullmatch(closes) or closes == MIDNIGHT):
        return "Type both times, like 09:00 and 18:00."
    if opens >= closes:
        return (
            "This ends before it begins. For a night write two: until 00:00 on this day,"
            " and from 00:00 on the next."
        )
    return ""


def _of_holiday(day: str, name: str) -> str:
    try:
        is_day = date.fromisoformat(day).isoformat() == day
    except ValueError:
        is_day = False
    if not is_day:
        return "Choose a day, like 2026-12-31."
    return f"Use {LONGEST_NAME} characters or fewer." if len(name) > LONGEST_NAME else ""


def _read(kept: dict[str, object]) -> Hours:
    """Holidays had no names at first."""
    week = tuple(tuple((opens, closes) for opens, closes in spans) for spans in kept["week"])  # type: ignore[attr-defined]
    holidays = [(one, "") if isinstance(one, str) else tuple(one) for one in kept["holidays"]]  # type: ignore[attr-defined]
    return Hours(str(kept["zone"]), week, tuple(holidays))

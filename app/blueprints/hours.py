"""Working hours and holidays, for admins: a week, days off, and what they mean right now (H9).

Buttons that add, remove and copy rows send the form as well: they save nothing and lose nothing that
was typed, with scripts and without.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, get_day_names
from flask import Blueprint, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale

from app import transaction
from app.blueprints.access import admin_only
from app.blueprints.answers import wants_fragment
from app.clock import now
from app.domain import hours
from app.domain.hours import DAYS, MIDNIGHT, MOST_HOLIDAYS, MOST_SPANS, Hours
from app.domain.rules import references
from app.language import gettext as _

blueprint = Blueprint("hours", __name__, url_prefix="/settings/hours")

WORKDAYS = range(5)
USUAL = Hours("", (*((("09:00", "18:00"),),) * len(WORKDAYS), (), ()))
EMPTY = ("", "")


@dataclass
class Typed:
    """The form's rows as they stand there; `fresh` is the field that the next word goes into."""

    zone: str
    week: list[list[tuple[str, str]]]
    holidays: list[tuple[str, str]]
    fresh: str = ""
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, kept: Hours) -> "Typed":
        """A clock in a form has no 24:00: there, 00:00 ends a day."""
        week = [[(opens, closes.replace(MIDNIGHT, "00:00")) for opens, closes in day] for day in kept.week]
        return cls(kept.zone, week, list(kept.holidays))

    @classmethod
    def read(cls) -> "Typed":
        week = [_pairs(f"opens-{day}", f"closes-{day}", MOST_SPANS) for day in range(DAYS)]
        holidays = _pairs("holiday-day", "holiday-name", MOST_HOLIDAYS)
        return cls(request.form.get("zone", ""), week, holidays)


@blueprint.get("")
@admin_only
def index() -> ResponseReturnValue:
    return _page(Typed.of(hours.of_team() or USUAL))


@blueprint.post("")
@admin_only
def change() -> ResponseReturnValue:
    """Save; or change the rows by one of the buttons, and save nothing."""
    typed = Typed.read()
    for name, command in COMMANDS.items():
        if name in request.form:
            command(typed, request.form[name])
            return _page(typed)
    given = hours.tidied(typed.zone, map(_filled, typed.week), _filled(typed.holidays))
    if problems := hours.problems(given):
        given_back = Typed.of(given)
        given_back.errors = problems
        return _page(given_back), 422
    hours.put(given, by=g.agent)
    transaction.commit()
    flash(_("Saved. Rules ask these hours from now on."))
    return redirect("/settings/hours", 303)


def _add(typed: Typed, where: str) -> None:
    """A row to type into, unless there is one already."""
    if where == "holiday":
        rows, most, name = typed.holidays, MOST_HOLIDAYS, "holiday-day"
    elif where in map(str, range(DAYS)):
        rows, most, name = typed.week[int(where)], MOST_SPANS, f"opens-{where}"
    else:
        return
    if len(rows) < most:
        rows.append(EMPTY)
        typed.fresh = f"{name}-{len(rows) - 1}"


def _leave_out(typed: Typed, where: str) -> None:
    kind, _dot, number = where.partition(".")
    rows = {"holiday": typed.holidays} | {str(day): typed.week[day] for day in range(DAYS)}
    if kind in rows and number in map(str, range(len(rows[kind]))):
        del rows[kind][int(number)]


def _copy(typed: Typed, _where: str) -> None:
    for day in WORKDAYS[1:]:
        typed.week[day] = list(typed.week[0])


# No field of a form may be called like a method of forms (`remove`, `submit`): it would hide it.
COMMANDS: dict[str, Callable[[Typed, str], None]] = {"add": _add, "leave_out": _leave_out, "copy": _copy}


def _pairs(first: str, second: str, most: int) -> list[tuple[str, str]]:
    both = zip(request.form.getlist(first), request.form.getlist(second), strict=False)
    return list(both)[:most]


def _filled(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [row for row in rows if any(row)]


def _page(typed: Typed) -> str:
    name = "settings/hours/_form.html" if wants_fragment() else "settings/hours/index.html"
    kept, names = hours.of_team(), get_day_names("wide", locale=get_locale())
    return render_template(
        name,
        typed=typed,
        days=[names[day] for day in range(DAYS)],
        zones=hours.zones(),
        most_spans=MOST_SPANS,
        kept=kept,
        right_now=_right_now(kept) if kept else "",
        rules=references.asking("working_hours"),
    )


def _right_now(kept: Hours) -> str:
    """In the team's zone, wherever the reader is: the hours below are told so, too."""
    moment = now()
    change, is_open = kept.next_change(moment), kept.include(moment)
    if change is None:
        return _("Always open.") if is_open else _("Always closed.")
    pattern = "EEEE d MMMM, HH:mm"
    when = format_datetime(change, pattern, tzinfo=ZoneInfo(kept.zone), locale=get_locale())
    return _("Open until %(when)s.", when=when) if is_open else _("Closed until %(when)s.", when=when)

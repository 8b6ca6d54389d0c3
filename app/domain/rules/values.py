"""What conditions and actions may be given: kinds of values, and how typed words become them.

Parsing is the same for a form, the API and a rule that is loaded again, so a value that refers to
something that is gone is refused in all three. Values are plain JSON.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from app.domain import agents, characters, labels
from app.domain.agents import Refused
from app.extensions import db
from app.models import LARGEST_ID, Channel, Contact, Group, Label

LONGEST_TEXT = 500
LONGEST_MESSAGE = 5_000
LONGEST_URL = 500
MOST_MINUTES = 525_600  # a year
MOST_LABELS = 20
MOST_NOTIFIED = 50
NOBODY = "nobody"
# Whom a notification is for, beside `agent:3` and `group:2`, and the ways it goes.
NOTIFIED = ("all", "assignee", "taker")
WAYS = ("app", "email")


@dataclass(frozen=True)
class Kind:
    """A kind of value: its name for forms and programs, how it is read, and fixed choices.

    `fields` are the kinds of a value that has several parts, by the names of the parts.
    """

    name: str
    parse: Callable[[Any], Any]
    choices: tuple[str, ...] = ()
    fields: tuple[tuple[str, "Kind"], ...] = ()


def choice(*choices: str) -> Kind:
    """One of a few words."""

    def parse(raw: Any) -> str:
        if raw not in choices:
            raise Refused(f"Choose one of: {', '.join(choices)}.")
        return str(raw)

    return Kind("choice", parse, choices)


def _text(longest: int) -> Callable[[Any], str]:
    def parse(raw: Any) -> str:
        if not isinstance(raw, str) or not raw.strip():
            raise Refused("Type a text.")
        if len(raw) > longest:
            raise Refused(f"Use {longest} characters or fewer.")
        return characters.storable(raw.strip())

    return parse


def _minutes(raw: Any) -> int:
    number = _number(raw)
    if number is None or not 1 <= number <= MOST_MINUTES:
        raise Refused(f"Minutes must be a whole number from 1 to {MOST_MINUTES}.")
    return number


def _url(raw: Any) -> str:
    address = _text(LONGEST_URL)(raw)
    try:
        parts = urlsplit(address)
        is_one = parts.scheme in ("http", "https") and parts.hostname and not parts.username
    except ValueError:  # a bracket without its other half, for one
        is_one = False
    if not is_one:
        raise Refused("Type an address that begins with https://.")
    return address


def _agent(raw: Any) -> int:
    found = agents.find(_number(raw) or 0)
    if found is None or not found.is_active:
        raise Refused("This agent is gone or switched off. Choose another one.")
    return found.id


def _group(raw: Any) -> int:
    return _row(Group, raw, "This group is gone. Choose another one.")


def _channel(raw: Any) -> int:
    number = _row(Channel, raw, "This channel is gone. Choose another one.")
    if db.session.get_one(Channel, number).state == "deleted":
        raise Refused("This channel was deleted. Choose another one.")
    return number


def _contact(raw: Any) -> int:
    return _row(Contact, raw, "There is no such contact.")


def _or_nobody(parse: Callable[[Any], int]) -> Callable[[Any], int | None]:
    return lambda raw: None if raw in (None, NOBODY) else parse(raw)


def _labels(raw: Any) -> list[int]:
    """Ids, or names as people type them; a rule keeps the ids."""
    given = raw if isinstance(raw, list) else [raw]
    if len(given) > MOST_LABELS:
        raise Refused(f"Choose {MOST_LABELS} labels or fewer.")
    found = sorted({_label(one) for one in given if one not in (None, "")})
    if not found:
        raise Refused("Choose a label.")
    return found


def _label(raw: Any) -> int:
    number = _number(raw)
    if number is not None:
        return _row(Label, number, "This label is gone. Choose another one.")
    found = labels.by_name(characters.storable(raw)) if isinstance(raw, str) else None
    if found is None:
        raise Refused("There is no such label. Make it under Settings, Labels.")
    return found.id


def _assignee(raw: Any) -> str:
    """`nobody`, `least_busy`, `agent:3` or `group:2`; a number alone is an agent."""
    if raw in (None, NOBODY):
        return NOBODY
    if raw == "least_busy":
        return "least_busy"
    kind, _, number = str(raw).rpartition(":")
    if kind == "group":
        return f"group:{_group(number)}"
    if kind in ("", "agent") and number:
        return f"agent:{_agent(number)}"
    raise Refused("Say whom: agent:3, group:2, least_busy or nobody.")


def _notification(raw: Any) -> dict[str, Any]:
    """`{"to": ["assignee"], "by": ["app"], "text": "..."}`; without `by` it is shown in Mado only."""
    if not isinstance(raw, Mapping):
        raise Refused("Say whom to notify, how, and with which text.")
    given = {"by": ["app"]} | dict(raw)
    return {name: kind.parse(given.get(name)) for name, kind in NOTIFICATION.fields}


def _notified(raw: Any) -> list[str]:
    """Whom: one word or several, in the order of NOTIFIED, then groups and agents."""
    given = raw if isinstance(raw, list) else [raw]
    if len(given) > MOST_NOTIFIED:
        raise Refused(f"Choose {MOST_NOTIFIED} groups and agents or fewer.")
    found = {_notified_one(one) for one in given if one not in (None, "")}
    if not found:
        raise Refused("Choose who is notified.")
    return [one for one in NOTIFIED if one in found] + sorted(found - {*NOTIFIED})


def _notified_one(raw: Any) -> str:
    if raw in NOTIFIED:
        return str(raw)
    kind, _, number = str(raw).rpartition(":")
    if kind not in ("group", "agent"):
        raise Refused("Say whom to notify: all, assignee, taker, group:2 or agent:3.")
    return f"group:{_group(number)}" if kind == "group" else f"agent:{_agent(number)}"


def _ways(raw: Any) -> list[str]:
    given = raw if isinstance(raw, list) else [raw]
    if not given or any(one not in WAYS for one in given):
        raise Refused("Choose how: app, email or both.")
    return [way for way in WAYS if way in given]


def _row(model: type[Any], raw: Any, gone: str) -> int:
    number = _number(raw)
    found = db.session.get(model, number) if number else None
    if found is None:
        raise Refused(gone)
    return int(found.id)


def _number(raw: Any) -> int | None:
    """A whole number that a row could have, or None."""
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) < 11:
        raw = int(raw)
    is_number = isinstance(raw, int) and not isinstance(raw, bool)
    return raw if is_number and 0 <= raw <= LARGEST_ID else None


TEXT = Kind("text", _text(LONGEST_TEXT))
MESSAGE = Kind("message", _text(LONGEST_MESSAGE))
MINUTES = Kind("minutes", _minutes)
URL = Kind("url", _url)
AGENT = Kind("agent", _agent)
AGENT_OR_NOBODY = Kind("agent_or_nobody", _or_nobody(_agent))
GROUP_OR_NONE = Kind("group_or_none", _or_nobody(_group))
CHANNEL = Kind("channel", _channel)
CONTACT = Kind("contact", _contact)
LABELS = Kind("labels", _labels)
ASSIGNEE = Kind("assignee", _assignee)
YES_OR_NO = choice("yes", "no")
NOTIFICATION = Kind(
    "notification",
    _notification,
    fields=(
        ("to", Kind("notified", _notified, NOTIFIED)),
        ("by", Kind("ways", _ways, WAYS)),
        ("text", TEXT),
    ),
)


def without_path(url: str) -> str:
    """Where a call goes, for everybody: what follows the host is often the key to it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/…"


def label_rows(ids: Sequence[int]) -> Sequence[Label]:
    return db.session.scalars(select(Label).where(Label.id.in_(ids)).order_by(Label.name)).all()

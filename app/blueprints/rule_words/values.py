"""Values in words: agents, labels and the like by name, minutes as hours, texts in quotes.

What was typed and not checked yet is told as far as it is readable; "…" stands for the rest.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import select

from app.domain import contacts
from app.domain.agents import Refused
from app.domain.rules.definitions import Definition
from app.domain.rules.values import NOBODY, URL, Kind, without_path
from app.extensions import db
from app.language import gettext as _
from app.models import Agent, Channel, Group, Label

MISSING = "…"
LONGEST_QUOTE = 60
HOUR, DAY = 60, 1440

STATUSES = {"open": _l("Open"), "pending": _l("Pending"), "closed": _l("Closed")}
PRIORITIES = {
    "low": _l("Low"),
    "normal": _l("Normal"),
    "high": _l("High"),
    "urgent": _l("Urgent"),
}
YES_OR_NO = {"yes": _l("Yes"), "no": _l("No")}
NOTIFIED = {
    "all": _l("everybody who may see the case"),
    "assignee": _l("the assignee"),
    "taker": _l("who has taken the chat"),
}
WAYS = {"app": _l("in Mado"), "email": _l("by email")}

Named = Mapping[int, str]


@dataclass(frozen=True)
class Names:
    """Everything a rule may refer to, by id and in the order of their names.

    Agents who were switched off and deleted channels have names too; `offered_*` are those that a
    rule may still be given. Only the contacts that were asked for are here.
    """

    agents: Named
    groups: Named
    labels: Named
    channels: Named
    contacts: Named
    offered_agents: frozenset[int] = frozenset()
    offered_channels: frozenset[int] = frozenset()


def names_of(definitions: Iterable[Definition] = (), authors: Iterable[int] = ()) -> Names:
    """The names that these rules may need, and those of authors whom they saw."""
    people = db.session.execute(
        select(Agent.id, Agent.name, Agent.is_active).order_by(Agent.name, Agent.id)
    ).all()
    lines = db.session.execute(
        select(Channel.id, Channel.name, Channel.state).order_by(Channel.name, Channel.id)
    ).all()
    return Names(
        agents={one.id: one.name for one in people},
        groups=_rows(Group),
        labels=_rows(Label),
        channels={one.id: one.name for one in lines},
        contacts=contacts.names({*_authors(definitions), *authors}),
        offered_agents=frozenset(one.id for one in people if one.is_active),
        offered_channels=frozenset(one.id for one in lines if one.state in ("connected", "disabled")),
    )


def say(kind: Kind, value: Any, names: Names, choices: Mapping[str, Any] | None = None) -> str:
    """A value as part of a sentence."""
    if kind.choices:
        return str((choices or {}).get(value, MISSING))
    return SAY[kind.name](value, names)


def id_of(value: Any) -> int:
    """The number of a row in a value that may have been typed; 0 for none."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 11 else 0


def quoted(text: Any) -> str:
    words = " ".join(text.split()) if isinstance(text, str) else ""
    if not words:
        return MISSING
    short = words if len(words) <= LONGEST_QUOTE else f"{words[: LONGEST_QUOTE - 1].rstrip()}…"
    return _("“%(text)s”", text=short)


def duration(minutes: Any) -> str:
    """In the largest unit in which it is whole: 90 minutes, 2 hours, 1 day."""
    count = id_of(minutes)
    if count and count % DAY == 0:
        return ngettext("%(num)s day", "%(num)s days", count // DAY)
    if count and count % HOUR == 0:
        return ngettext("%(num)s hour", "%(num)s hours", count // HOUR)
    if count or str(minutes) == "0":
        return ngettext("%(num)s minute", "%(num)s minutes", count)
    return _("… minutes")


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def label_names(value: Any, names: Names) -> list[str]:
    """Each label's name; unknown ones are left as typed."""
    wanted = [one for one in listed(value) if one not in (None, "")]
    return [names.labels.get(id_of(one)) or _gone_or_typed(one) for one in wanted]


def all_of(words: list[str]) -> str:
    """A, B and C."""
    if len(words) < 2:
        return words[0] if words else MISSING
    return _("%(first)s and %(last)s", first=", ".join(words[:-1]), last=words[-1])


def any_of(words: list[str]) -> str:
    """A, B or C."""
    if len(words) < 2:
        return words[0] if words else MISSING
    return _("%(first)s or %(last)s", first=", ".join(words[:-1]), last=words[-1])


def _gone_or_typed(value: Any) -> str:
    return _("a deleted label") if id_of(value) else str(value)


def _named(known: Named, value: Any, gone: str) -> str:
    if value in (None, ""):
        return MISSING
    return known.get(id_of(value)) or gone


def _agent(value: Any, names: Names) -> str:
    return _named(names.agents, value, _("an agent who is gone"))


def _group(value: Any, names: Names) -> str:
    return _named(names.groups, value, _("a deleted group"))


def _channel(value: Any, names: Names) -> str:
    return _named(names.channels, value, _("a deleted channel"))


def _contact(value: Any, names: Names) -> str:
    return _named(names.contacts, value, _("somebody who is gone"))


def _assignee(value: Any, names: Names) -> str:
    kind, _colon, number = str(value or "").rpartition(":")
    if value in (None, ""):
        return MISSING
    if value == NOBODY:
        return _("nobody")
    if value == "least_busy":
        return _("the least busy agent who is available")
    if kind == "group":
        return _("the group %(name)s", name=_group(number, names))
    return _agent(number, names)


def _notification(value: Any, names: Names) -> str:
    """Whom, how and with which text, of a value in three parts."""
    told = value if isinstance(value, Mapping) else {}
    whom = [_notified(one, names) for one in listed(told.get("to")) if one]
    ways = [str(WAYS[one]) for one in listed(told.get("by", "app")) if one in WAYS]
    return _(
        "%(whom)s %(how)s with %(text)s",
        whom=all_of(whom),
        how=all_of(ways),
        text=quoted(told.get("text")),
    )


def _notified(value: Any, names: Names) -> str:
    return str(NOTIFIED[value]) if value in NOTIFIED else _assignee(value, names)


def _url(value: Any) -> str:
    try:
        return without_path(URL.parse(value))
    except Refused:
        return MISSING


# How each kind of value is said; fixed choices have words of their own where they are offered.
SAY: dict[str, Callable[[Any, Names], str]] = {
    "text": lambda value, names: quoted(value),
    "message": lambda value, names: quoted(value),
    "minutes": lambda value, names: duration(value),
    "url": lambda value, names: _url(value),
    "agent": _agent,
    "agent_or_nobody": _agent,
    "group_or_none": _group,
    "channel": _channel,
    "contact": _contact,
    "labels": lambda value, names: all_of(label_names(value, names)),
    "assignee": _assignee,
    "notification": _notification,
}


def _authors(definitions: Iterable[Definition]) -> set[int]:
    asked = (one for definition in definitions for one in definition.clauses)
    return {id_of(one.value) for one in asked if one.condition == "author"} - {0}


def _rows(model: type[Group] | type[Label]) -> Named:
    found = db.session.execute(select(model.id, model.name).order_by(model.name, model.id))
    return {row.id: row.name for row in found}

"""Lists of cases as the address says: filters, search words, and the place to go on from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import g
from sqlalchemy import Row, select

from app import words
from app.blueprints.answers import id_of
from app.domain import access, cases, contacts, labels, search
from app.domain.narrowing import FLAGS, Filters
from app.domain.search import Cursor
from app.domain.search.snippets import Part
from app.extensions import db
from app.language import gettext as _
from app.models import PRIORITIES, STATUSES, Agent, Case, Channel, Group, Label, Message

LONGEST_QUERY = 200
KEYS = ("status", "priority", "label", "channel", "group", "assignee", "flag", "q")


@dataclass(frozen=True)
class Line:
    """One case as a list shows it; `snippet` marks what was searched for."""

    case: Case
    title: str
    snippet: list[Part]


@dataclass(frozen=True)
class Choice:
    """One filter: its name in the address, its words, what can be chosen, and what is."""

    name: str
    label: str
    options: list[tuple[str, str]]
    value: str


@dataclass(frozen=True)
class Listing:
    """A page of cases, and the address that says it."""

    lines: list[Line]
    choices: list[Choice]
    q: str
    path: str
    address: str
    older: str | None
    is_first: bool
    flag: str | None

    @property
    def is_narrowed(self) -> bool:
        return bool(self.q or any(choice.value for choice in self.choices))

    @property
    def is_whole_flag(self) -> bool:
        """Whether this is all of the spam, or all of the trash."""
        return not self.q and [one.name for one in self.choices if one.value] == ["flag"]


def listing(args: Mapping[str, str], *, chat: str | None, path: str = "/cases") -> Listing:
    """The cases that the address asks for. What makes no sense in it is ignored."""
    said = {key: args.get(key, "")[:LONGEST_QUERY] for key in KEYS}
    said["q"] = said["q"].strip()
    before = _cursor(args.get("before", ""))
    filters = _filters(said)
    page = cases.listed(
        access.audience_of(g.agent), filters, chat=chat, q=said["q"], before=before
    )
    query = {key: value for key, value in said.items() if value}
    older = f"{path}?{urlencode({**query, 'before': str(page.next)})}" if page.next else None
    return Listing(
        lines=_lines(page.cases, said["q"]),
        choices=_choices(said) if chat is None else [],
        q=said["q"],
        path=path,
        address=f"{path}?{urlencode(query)}" if query else path,
        older=older,
        is_first=before is None,
        flag=filters.flag,
    )


def _filters(said: Mapping[str, str]) -> Filters:
    return Filters(
        status=_one_of(STATUSES, said["status"]),
        priority=_one_of(PRIORITIES, said["priority"]),
        label_id=id_of(said["label"]),
        channel_id=id_of(said["channel"]),
        group_id=id_of(said["group"]),
        assignee_id=g.agent.id if said["assignee"] == "me" else id_of(said["assignee"]),
        flag=_one_of(FLAGS, said["flag"]),
    )


def _one_of(choices: tuple[str, ...], value: str) -> str | None:
    return value if value in choices else None


def _lines(found: Sequence[Case], q: str) -> list[Line]:
    last = cases.snippets(found)
    hits = _hits(found, q)
    return [
        Line(case, contacts.title_of(case), search.snippet(_text(hits, last, case), q))
        for case in found
    ]


def _text(hits: Mapping[int, str], last: Mapping[int, Message], case: Case) -> str:
    return hits.get(case.id) or (words.of(last[case.id]) if case.id in last else "")


def _hits(found: Sequence[Case], q: str) -> dict[int, str]:
    """In words, the newest message that has what was searched for, by case."""
    if not q:
        return {}
    newest = search.newest_hits(q, [case.id for case in found])
    query = select(Message).where(Message.id.in_(newest.values()))
    return {message.case_id: words.of(message) for message in db.session.scalars(query)}


def _choices(said: Mapping[str, str]) -> list[Choice]:
    channels = db.session.execute(
        select(Channel.id, Channel.name).where(Channel.state != "draft").order_by(Channel.name)
    )
    groups = db.session.execute(select(Group.id, Group.name).order_by(Group.name))
    people = db.session.execute(
        select(Agent.id, Agent.name).where(Agent.is_active.is_(True)).order_by(Agent.name)
    )
    named = {
        "status": (_("Status"), list(words.statuses().items())),
        "priority": (_("Priority"), list(words.priorities().items())[::-1]),
        "label": (_("Label"), _pairs(labels.listed())),
        "channel": (_("Channel"), _pairs(channels)),
        "group": (_("Group"), [("0", _("No group")), *_pairs(groups)]),
        "assignee": (_("Assignee"), [("me", _("Me")), ("0", _("Nobody")), *_pairs(people)]),
        "flag": (_("Spam and trash"), [("spam", _("Spam")), ("trash", _("Trash"))]),
    }
    return [
        Choice(name, label, options, said[name])
        for name, (label, options) in named.items()
        if options or said[name]
    ]


def _pairs(rows: Iterable[Row | Label]) -> list[tuple[str, str]]:
    return [(str(row.id), row.name) for row in rows]


def _cursor(text: str) -> Cursor | None:
    try:
        return Cursor.parse(text) if text else None
    except ValueError:
        return None

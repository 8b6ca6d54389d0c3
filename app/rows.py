"""One chat as lists show it: in the icon's panel, and in New, Mine and Others.

The same rows serve the page, the refreshing endpoint and what is pushed to everybody. It refuses
to hold anything of the viewer: incoming rows are rendered once for a whole audience.
"""

import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from app import words
from app.domain import cases, chat_lists, chats, contacts, settings
from app.domain.access import Audience
from app.models import Agent, Case, Contact

SNIPPET_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Row:
    """What one line of a list of chats says."""

    number: int
    title: str
    snippet: str
    priority: str
    channel: str
    is_group: bool
    picture: str | None
    waiting_since: datetime | None
    last_message_at: datetime
    deadline: chats.Deadline
    taken_by: str | None


@dataclass(frozen=True, slots=True)
class Incoming:
    """Untaken chats, who waits longest first; `count` tells also of those behind the ones that are shown."""

    rows: list[Row]
    count: int

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)


def incoming(audience: Audience | None) -> Incoming | None:
    """What the icon offers (S14); None for those whom no chats are offered."""
    if audience is None:
        return None
    found = chat_lists.incoming(audience)
    return Incoming(of(found), chat_lists.incoming_count(audience, found))


def incoming_for(audiences: Collection[Audience | None]) -> dict[Audience | None, Incoming | None]:
    """The same for each of them, with one row for all who see it."""
    seen = chat_lists.incoming_for([one for one in audiences if one is not None])
    every = {case.id: case for found in seen.values() for case in found}
    made = dict(zip(every, of(list(every.values())), strict=True))
    lists: dict[Audience | None, Incoming | None] = {
        one: Incoming([made[case.id] for case in found], chat_lists.incoming_count(one, found))
        for one, found in seen.items()
    }
    return {one: lists.get(one) for one in audiences}


def responses(agent: Agent) -> list[Row]:
    """Unread answers in chats this agent has taken (S14)."""
    return of(chat_lists.responses(agent))


def of(active: Sequence[Case]) -> list[Row]:
    """Rows in the given order: two further queries, however many chats there are."""
    if not active:
        return []
    minutes = settings.get(settings.INACTIVITY)
    last = cases.snippets(active)
    return [_row(case, words.of(last[case.id]) if case.id in last else "", minutes) for case in active]


def picture_of(case: Case) -> str | None:
    """Where the author's picture is, if one was fetched and the row is about one person."""
    is_person = case.conversation.kind in ("user", "thread")
    return of_contact(case.contact) if is_person else None


def of_contact(contact: Contact | None) -> str | None:
    return picture_address(contact.id, contact.picture) if contact else None


def picture_address(contact_id: int, picture: str | None) -> str | None:
    """An address that changes with the picture, so that browsers may keep it; None without one."""
    return f"/contacts/{contact_id}/picture?v={zlib.crc32(picture.encode()):x}" if picture else None


def _row(case: Case, snippet: str, minutes: int) -> Row:
    return Row(
        number=case.number,
        title=contacts.title_of(case),
        snippet=cases.shortened(snippet, SNIPPET_LENGTH),
        priority=case.priority,
        channel=case.channel.name,
        is_group=case.conversation.is_group,
        picture=picture_of(case),
        waiting_since=case.unanswered_since,
        last_message_at=case.last_message_at,
        deadline=chats.deadline(case, minutes),
        taken_by=case.taken_by.name if case.taken_by else None,
    )

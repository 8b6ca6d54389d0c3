"""What an open conversation shows, in Chats and on a case's page alike: bubbles, head, foot, panel.

Loads and hands to templates; it changes nothing. The page includes the very partials that
`catch_up` sends again when something changed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from flask import g, request

from app import media
from app.blueprints import picks
from app.blueprints.answers import id_of
from app.blueprints.picks import Waiting
from app.channels import registry
from app.channels.base import Content
from app.domain import (
    access,
    agents,
    cases,
    chats,
    contacts,
    costs,
    drafts,
    events,
    labels,
    macros,
    members,
    messages,
    quotes,
    settings,
    uploads,
)
from app.domain.agents import Refused
from app.domain.members import Member
from app.models import Agent, Attachment, Case, Draft, Event, Group, Identity, Label, Message
from app.rows import picture_of

OLDER = messages.PAGE
MOST_RENAMED = 1_000
NAMING_EVENTS = frozenset({"contact.named", "contact.pictured"})


@dataclass(frozen=True)
class Regions:
    """What stands around the bubbles."""

    case: Case
    title: str
    picture: str | None
    kind_label: str
    can_send: bool
    cost: costs.Cost | None
    identity: Identity | None
    deadline: chats.Deadline | None
    going_on: Case | None
    people: list[Agent]
    groups: Sequence[Group]
    labels: Sequence[Label]
    other_labels: Sequence[Label]
    history: Sequence[Case]
    members: list[Member]
    candidate: str | None
    refusal: str

    @property
    def is_group(self) -> bool:
        return self.case.conversation.is_group

    @property
    def is_blocked(self) -> bool:
        """Whether the one person here shut the channel out; in a group others still read."""
        return bool(self.identity and self.identity.blocked_at) and not self.is_group

    @property
    def has_left(self) -> bool:
        return self.case.conversation.left_at is not None

    @property
    def is_mine(self) -> bool:
        return self.case.taken_by_id == g.agent.id

    @property
    def is_others(self) -> bool:
        return self.case.taken_by_id is not None and not self.is_mine


@dataclass(frozen=True)
class Conversation:
    """Everything of an open conversation."""

    regions: Regions
    messages: list[Message]
    has_older: bool
    cursor: int
    draft: Draft | None
    waiting: list[Waiting]
    macros: Sequence[tuple[int, str]]
    quoted: Message | None
    text_limit: int
    uploads: Sequence[Attachment]
    files_problem: str
    largest_mb: int
    shows_typing: bool
    friend_link: str

    @property
    def case(self) -> Case:
        return self.regions.case


@dataclass(frozen=True)
class Changes:
    """What an open page lacks: bubbles new and changed, and where it stands afterwards."""

    messages: list[Message] = field(default_factory=list)
    cursor: int = 0
    has_more: bool = False


def open_(case: Case, before: int | None = None) -> Conversation:
    """The newest messages; for browsers without scripts, those before one."""
    # The cursor first: what happens between the two queries is then fetched twice, never lost.
    cursor = messages.cursor_of(case)
    found = messages.newest(case, limit=OLDER + 1, before=before)
    return Conversation(
        regions=around(case),
        messages=found[-OLDER:],
        has_older=len(found) > OLDER,
        cursor=cursor,
        draft=(draft := drafts.of(case, g.agent)),
        waiting=picks.of_draft(draft),
        macros=macros.names(g.agent),
        quoted=quoted(case, id_of(request.args.get("quote"))),
        text_limit=text_limit(case),
        uploads=(waiting := uploads.of_draft(case, g.agent)),
        files_problem=_problem_with(case, "", waiting),
        largest_mb=settings.get("media.largest_mb"),
        shows_typing=shows_typing(case),
        friend_link=registry.adapter(case.channel.kind).friend_link(case.channel),
    )


def around(case: Case) -> Regions:
    audience = access.audience_of(g.agent)
    adapter = registry.adapter(case.channel.kind)
    going_on, refusal = _going_on(case), chats.unreachable(case)
    on_case = labels.of_case(case)
    return Regions(
        case=case,
        title=contacts.title_of(case),
        picture=picture_of(case),
        kind_label=adapter.label,
        can_send=adapter.can_send,
        cost=None if refusal or going_on else costs.of(case),
        identity=contacts.identity_of(case),
        deadline=chats.deadline(case) if case.is_active_chat else None,
        going_on=going_on,
        people=agents.who_may_have(case),
        groups=agents.all_groups(),
        labels=on_case,
        other_labels=[label for label in labels.listed() if label not in on_case],
        history=contacts.history(case.contact, audience) if case.contact else [],
        members=members.who_wrote(case) if case.conversation.is_group else [],
        candidate=_candidate(case),
        refusal=refusal,
    )


def since(case: Case, event_id: int, oldest: int | None = None) -> Changes:
    """Bubbles that changed after this event. A new name changes those that show the old one.

    `oldest` is the first bubble of the page, which may have more than a fresh page shows (S33).
    """
    found, cursor, has_more = messages.changed_since(case, event_id)
    happened = events.of_case(case, after=event_id, limit=messages.CHANGES)
    if cursor > event_id and _was_named(happened):
        limit = OLDER if oldest is None else MOST_RENAMED
        shown = messages.newest(case, limit=limit, since=oldest or 0)
        renamed = {message.id: message for message in (*shown, *found)}
        found = [renamed[id_] for id_ in sorted(renamed)]
    return Changes(found, cursor, has_more)


def older(case: Case, before: int) -> tuple[list[Message], bool]:
    """The bubbles before this one, and whether there are more."""
    found = messages.newest(case, limit=OLDER + 1, before=before)
    return found[-OLDER:], len(found) > OLDER


def quoted(case: Case, message_id: int | None) -> Message | None:
    """The message that the next reply shall quote, if it can be quoted."""
    try:
        return quotes.quotable(case, message_id)
    except Refused:
        return None


def text_limit(case: Case) -> int:
    """How many UTF-16 units a reply may have."""
    return registry.adapter(case.channel.kind).text_limit


def problem_with(case: Case, text: str, ids: Collection[int]) -> str:
    """Why the channel would not take this reply, before it is sent; empty when it would."""
    return _problem_with(case, text, [one for one in uploads.of_draft(case, g.agent) if one.id in ids])


def _problem_with(case: Case, text: str, files: Sequence[Attachment]) -> str:
    adapter = registry.adapter(case.channel.kind)
    if not (files and adapter.can_send):
        return ""
    return adapter.problem_with(Content(text, files=media.outgoing(files)))


def _candidate(case: Case) -> str | None:
    """Who becomes the author of a group's chat when an agent selects it (S31)."""
    id_ = case.author_candidate_id
    return contacts.named([id_], case.channel)[id_].name if id_ else None


def shows_typing(case: Case) -> bool:
    """Whether the contact is shown that an agent writes (L10)."""
    adapter = registry.adapter(case.channel.kind)
    return adapter.shows_typing(case.channel, case.conversation.kind)


def _was_named(happened: Sequence[Event]) -> bool:
    return any(event.type in NAMING_EVENTS for event in happened)


def _going_on(case: Case) -> Case | None:
    """The chat in which this conversation goes on meanwhile (S26a), if it is another case."""
    if case.chat_state != "ended":
        return None
    active = cases.active_in(case.conversation_id)
    is_shown = active and active.id != case.id and access.may_see(g.agent, active)
    return active if is_shown else None

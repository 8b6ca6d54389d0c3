"""What an open conversation shows, in Chats and on a case's page alike: bubbles, head, foot, panel.

Loads and hands to templates; it changes nothing. The page includes the very partials that
`catch_up` sends again when something changed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from flask import g, request
from sqlalchemy import Row

from app import foresight, media
from app.blueprints import picks
from app.blueprints.answers import id_of
from app.blueprints.picks import Waiting
from app.channels import registry
from app.channels.base import Adapter, Content
from app.domain import (
    access,
    agents,
    cases,
    chats,
    choices,
    contacts,
    costs,
    drafts,
    events,
    labels,
    macros,
    members,
    quotes,
    settings,
    timeline,
    uploads,
)
from app.domain.agents import Refused
from app.domain.choices import Choice, Choices
from app.domain.members import Member
from app.domain.timeline import Changes
from app.models import Agent, Attachment, Case, Draft, Identity, Label, Message
from app.rows import picture_of

OLDER = timeline.PAGE
MOST_RENAMED = 1_000
NAMING_EVENTS = frozenset({"contact.named", "contact.pictured"})
# These change the bubbles, what is under them and what the next reply costs.
SLIGHT_EVENTS = frozenset(
    {"message.received", "message.queued", "message.sent", "message.delayed", "note.added"}
)


@dataclass(frozen=True)
class Regions:
    """What stands around the bubbles; each part is looked up when it is shown."""

    case: Case

    @property
    def title(self) -> str:
        return contacts.title_of(self.case)

    @property
    def picture(self) -> str | None:
        return picture_of(self.case)

    @property
    def kind_label(self) -> str:
        return self._adapter.label

    @property
    def can_send(self) -> bool:
        return self._adapter.can_send

    @cached_property
    def cost(self) -> costs.Cost | None:
        return None if self.refusal or self.going_on else costs.of(self.case)

    @cached_property
    def identity(self) -> Identity | None:
        return contacts.identity_of(self.case)

    @cached_property
    def deadline(self) -> chats.Deadline | None:
        return chats.deadline(self.case) if self.case.is_active_chat else None

    @cached_property
    def going_on(self) -> Case | None:
        """The chat in which this conversation goes on meanwhile (S26a), if it is another case."""
        if self.case.chat_state != "ended":
            return None
        active = cases.active_in(self.case.conversation_id)
        is_shown = active and active.id != self.case.id and access.may_see(g.agent, active)
        return active if is_shown else None

    @property
    def people(self) -> Sequence[Agent]:
        """Whom a chat can be handed over to."""
        return agents.who_may_have(self.case)

    @cached_property
    def choices(self) -> Choices:
        return choices.beside(self.case)

    @property
    def assignees(self) -> list[Choice]:
        """Ids and names to choose from; whoever has the case is among them, whatever became of them."""
        able = self.choices.agents
        own = self.case.assignee
        return able if own is None or (own.id, own.name) in able else [(own.id, own.name), *able]

    @property
    def groups(self) -> list[Choice]:
        return self.choices.groups

    @cached_property
    def labels(self) -> Sequence[Label]:
        return labels.of_case(self.case)

    @property
    def other_labels(self) -> list[str]:
        own = {label.id for label in self.labels}
        return [name for id_, name in self.choices.labels if id_ not in own]

    @property
    def history(self) -> Sequence[Row]:
        audience = access.audience_of(g.agent)
        return contacts.history(self.case.contact, audience) if self.case.contact else []

    @property
    def members(self) -> list[Member]:
        return members.who_wrote(self.case) if self.is_group else []

    @cached_property
    def candidate(self) -> str | None:
        """Who becomes the author of a group's chat when an agent selects it (S31)."""
        id_ = self.case.author_candidate_id
        return contacts.named([id_], self.case.channel)[id_].name if id_ else None

    @cached_property
    def refusal(self) -> str:
        return chats.unreachable(self.case)

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

    @property
    def _adapter(self) -> Adapter:
        return registry.adapter(self.case.channel.kind)


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


def open_(case: Case, before: int | None = None) -> Conversation:
    """The newest messages; for browsers without scripts, those before one."""
    foresight.of_conversation(g.agent, case)
    # The cursor first: what happens between the two queries is then fetched twice, never lost.
    cursor = timeline.cursor_of(case)
    found = timeline.newest(case, limit=OLDER + 1, before=before)
    return Conversation(
        regions=Regions(case),
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
        largest_mb=settings.get(settings.LARGEST_FILE),
        shows_typing=shows_typing(case),
        friend_link=registry.adapter(case.channel.kind).friend_link(case.channel),
    )


def since(case: Case, event_id: int, oldest: int | None = None) -> Changes:
    """Bubbles that changed after this event. A new name changes those that show the old one.

    `oldest` is the first bubble of the page, which may have more than a fresh page shows (S33).
    """
    changes = timeline.changed_since(case, event_id)
    if changes.types.isdisjoint(NAMING_EVENTS):
        return changes
    limit = OLDER if oldest is None else MOST_RENAMED
    shown = timeline.newest(case, limit=limit, since=oldest or 0)
    renamed = {message.id: message for message in (*shown, *changes.messages)}
    return replace(changes, messages=[renamed[id_] for id_ in sorted(renamed)])


def are_slight(case: Case, changes: Changes, event_id: int) -> bool:
    """Whether head and panel say what they said before: nothing but messages of these two people."""
    return (
        bool(changes.types)
        and changes.types <= SLIGHT_EVENTS
        and not case.conversation.is_group
        and not events.are_beside_cases(after=event_id)
    )


def older(case: Case, before: int) -> tuple[list[Message], bool]:
    """The bubbles before this one, and whether there are more."""
    found = timeline.newest(case, limit=OLDER + 1, before=before)
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


def shows_typing(case: Case) -> bool:
    """Whether the contact is shown that an agent writes (L10)."""
    adapter = registry.adapter(case.channel.kind)
    return adapter.shows_typing(case.channel, case.conversation.kind)

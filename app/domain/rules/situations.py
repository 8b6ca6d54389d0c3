"""What a rule looks at: one case as it is now, and what has just happened to it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from sqlalchemy import select

from app.domain.events import Fresh
from app.extensions import db
from app.models import Agent, Case, Contact, Message, case_labels

# Enough for any talk; a case of ten thousand messages must not hold intake up.
MOST_TEXTS = 500

_HAPPENED = {
    "message.received": "contact_replied",
    "message.queued": "agent_replied",
    "note.added": "note_added",
    "case.status_changed": "status_changed",
    "case.assigned": "assigned",
    "case.label_changed": "label_changed",
    "chat.reactivated_by_contact": "chat_reactivated_by_contact",
    "chat.reactivated_by_agent": "chat_reactivated_by_agent",
}
_ENDED = {"agent", "inactivity", "rule"}
# The events that say so.
TELLING = (*_HAPPENED, "chat.ended")
HAPPENED = (*_HAPPENED.values(), *(f"chat_ended_by_{cause}" for cause in sorted(_ENDED)))


@dataclass(frozen=True)
class Happened:
    """What happened to a case in one commit, in the rules' words."""

    names: frozenset[str] = frozenset()
    status_from: str | None = None
    status_to: str | None = None

    @classmethod
    def of(cls, fresh: Iterable[Fresh]) -> "Happened":
        """Of the facts that were recorded; a reply that is tried again was no new one."""
        return cls().and_then(fresh)

    def and_then(self, fresh: Iterable[Fresh]) -> "Happened":
        """With what happened after it."""
        happened = self
        for event in fresh:
            happened = happened._and(event)
        return happened

    def _and(self, event: Fresh) -> "Happened":
        name = _name_of(event)
        if name is None:
            return self
        added = replace(self, names=self.names | {name})
        if name != "status_changed":
            return added
        came_from = self.status_from or event.data.get("old")
        return replace(added, status_from=came_from, status_to=event.data.get("new"))


class Situation:
    """A case with what happened; what only some conditions ask for is read when they do.

    Actions also learn who orders them: a rule, or an agent whose macro it is. `last_seen` is the
    newest message that the agent's page had shown.
    """

    def __init__(
        self,
        case: Case,
        happened: Happened,
        at: datetime,
        *,
        rule_id: int | None = None,
        by: Agent | None = None,
        last_seen: int | None = None,
    ) -> None:
        self.case, self.happened, self.at, self.rule_id = case, happened, at, rule_id
        self.by, self.last_seen = by, last_seen

    @property
    def cause(self) -> str:
        """Whose doing a change is, as events tell it."""
        return "agent" if self.by else "rule"

    @cached_property
    def latest(self) -> Message | None:
        """The newest message of a contact or an agent, if it did not fail."""
        message_id = self.case.last_word_id
        return db.session.get(Message, message_id) if message_id else None

    @cached_property
    def texts(self) -> list[str]:
        """What was written in this case by either side, newest first."""
        written = select(Message.text).where(
            Message.case_id == self.case.id, Message.direction.in_(("in", "out"))
        )
        return list(db.session.scalars(written.order_by(Message.id.desc()).limit(MOST_TEXTS)))

    @cached_property
    def label_ids(self) -> list[int]:
        on_case = select(case_labels.c.label_id).where(case_labels.c.case_id == self.case.id)
        return sorted(db.session.scalars(on_case))

    @cached_property
    def author(self) -> Contact | None:
        contact_id = self.case.contact_id
        return db.session.get(Contact, contact_id) if contact_id else None

    @cached_property
    def author_is_new(self) -> bool:
        """Whether this is the author's first case."""
        earlier = select(Case.id).where(
            Case.contact_id == self.case.contact_id, Case.id < self.case.id
        )
        return db.session.scalar(earlier.limit(1)) is None


def _name_of(event: Fresh) -> str | None:
    if event.type == "chat.ended":
        cause = event.data.get("cause")
        return f"chat_ended_by_{cause}" if cause in _ENDED else None
    if event.type == "message.queued" and event.data.keys() & {"again", "automatic"}:
        return None
    return _HAPPENED.get(event.type)

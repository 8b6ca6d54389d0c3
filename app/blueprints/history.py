"""A case's events as sentences that people read. An event without words is not shown."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.domain import contacts
from app.extensions import db
from app.language import gettext as _
from app.models import Agent, Channel, Event, Group

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Sentence:
    """One line of the history."""

    at: datetime
    who: str
    text: str
    icon: str


@dataclass(frozen=True)
class Names:
    """Names of the agents, groups and contacts that events speak of by id."""

    agents: Mapping[int, str]
    groups: Mapping[int, str]
    contacts: Mapping[int, contacts.Named]
    nobody: str

    def agent(self, id_: int | None) -> str:
        return self.agents.get(id_ or 0, _("nobody"))

    def group(self, id_: int | None) -> str:
        return self.groups.get(id_ or 0, _("no group"))

    def contact(self, id_: int | None) -> str:
        """Who wrote without an id is called what the channel calls such people."""
        found = self.contacts.get(id_ or 0)
        return found.name if found else self.nobody


Words = Callable[[Facts, Names], str]

WORDS: dict[str, tuple[str, Words]] = {
    "channel.connected": ("plug", lambda f, n: _("The channel was connected.")),
    "channel.changed": ("pencil", lambda f, n: _("Changed: %(what)s.", what=_fields(f))),
    "channel.disabled": ("ban", lambda f, n: _("Disabled the channel.")),
    "channel.enabled": ("check", lambda f, n: _("Enabled the channel.")),
    "channel.broken": ("circle-alert", lambda f, n: str(f.get("reason") or _("It broke."))),
    "channel.mended": ("circle-check", lambda f, n: _("A call was accepted again.")),
    "case.created": ("circle-dot", lambda f, n: _("The case began.")),
    "case.status_changed": (
        "circle-dashed",
        lambda f, n: _(
            "Status: %(old)s → %(new)s.", old=_status(f.get("old")), new=_status(f.get("new"))
        ),
    ),
    "case.assigned": (
        "user-check",
        lambda f, n: _(
            "Assignee: %(old)s → %(new)s.", old=n.agent(f.get("old")), new=n.agent(f.get("new"))
        ),
    ),
    "case.group_changed": (
        "users",
        lambda f, n: _(
            "Group: %(old)s → %(new)s.", old=n.group(f.get("old")), new=n.group(f.get("new"))
        ),
    ),
    "case.subject_changed": (
        "pencil",
        lambda f, n: _("Subject: “%(old)s” → “%(new)s”.", old=f.get("old"), new=f.get("new")),
    ),
    "case.priority_changed": (
        "circle-alert",
        lambda f, n: _(
            "Priority: %(old)s → %(new)s.", old=_priority(f.get("old")), new=_priority(f.get("new"))
        ),
    ),
    "case.label_changed": (
        "tag",
        lambda f, n: (
            _("Label added: %(name)s.", name=f["new"])
            if f.get("new")
            else _("Label removed: %(name)s.", name=f.get("old"))
        ),
    ),
    "case.marked_spam": ("ban", lambda f, n: _("Marked as spam.")),
    "case.unmarked_spam": ("undo-2", lambda f, n: _("Said that this is no spam.")),
    "case.trashed": ("trash-2", lambda f, n: _("Moved to the trash.")),
    "case.restored": ("undo-2", lambda f, n: _("Taken out of the trash.")),
    "notification.added": (
        "bell",
        lambda f, n: _("Notified %(names)s.", names=", ".join(map(n.agent, f.get("agents", ())))),
    ),
    "webhook.queued": ("plug", lambda f, n: _("Called a webhook.")),
    "webhook.failed": (
        "circle-alert",
        lambda f, n: _("A webhook call was given up: %(error)s", error=f.get("error") or ""),
    ),
    "rule.failed": (
        "circle-alert",
        lambda f, n: _("A rule failed, and did nothing: %(error)s", error=f.get("error") or ""),
    ),
    "case.author_changed": (
        "contact",
        lambda f, n: _(
            "Author: %(old)s → %(new)s.",
            old=n.contact(f.get("old")),
            new=n.contact(f.get("new")),
        ),
    ),
    "chat.taken": ("user-plus", lambda f, n: _("Took the chat.")),
    "chat.taken_over": (
        "user-plus",
        lambda f, n: _("Took the chat over from %(name)s.", name=n.agent(f.get("old"))),
    ),
    "chat.handed_over": (
        "arrow-right-left",
        lambda f, n: _(
            "Handed the chat over: %(old)s → %(new)s.",
            old=n.agent(f.get("old")),
            new=n.agent(f.get("new")),
        ),
    ),
    "chat.given_out": ("user-check", lambda f, n: _given_out(f, n)),
    "chat.put_back": (
        "undo-2",
        lambda f, n: (
            _("Put the chat back to New (%(reason)s).", reason=f["reason"])
            if f.get("reason")
            else _("Put the chat back to New.")
        ),
    ),
    "chat.kept_open": ("timer", lambda f, n: _("Kept the chat open for 5 more minutes.")),
    "chat.ended": ("circle-check-big", lambda f, n: _ended(f)),
    "chat.reactivated_by_contact": (
        "message-circle",
        lambda f, n: _("The contact wrote again: the chat is active again."),
    ),
    "chat.reactivated_by_agent": (
        "message-circle",
        lambda f, n: _("Replied: the chat is active again."),
    ),
    "contact.named": (
        "contact",
        lambda f, n: (
            _("The group's name became known or changed.")
            if f.get("conversation")
            else _("A contact's name became known or changed.")
        ),
    ),
    "channel.joined_group": (
        "plus",
        lambda f, n: _("Was added to the group “%(name)s”.", name=f.get("name") or f.get("group")),
    ),
    "channel.left_group": (
        "log-out",
        lambda f, n: _("Is out of the group “%(name)s”.", name=f.get("name") or f.get("group")),
    ),
    "contact.blocked": ("ban", lambda f, n: _("The contact blocked the channel.")),
    "contact.followed": ("check", lambda f, n: _("The contact added the channel.")),
    "message.received": ("message-circle", lambda f, n: _("A message came in.")),
    "message.edited": ("pencil", lambda f, n: _("The contact changed a message.")),
    "message.unsent": ("undo-2", lambda f, n: _("The contact unsent a message.")),
    "message.queued": ("reply", lambda f, n: _("Wrote a reply.")),
    "message.failed": (
        "circle-alert",
        lambda f, n: _("A reply was not sent: %(error)s", error=f.get("error") or ""),
    ),
    "message.unconfirmed": (
        "circle-help",
        lambda f, n: _("Whether a reply was sent is not known."),
    ),
    "attachment.revoked": (
        "ban",
        lambda f, n: _("Revoked the public link of %(name)s.", name=f.get("name") or ""),
    ),
    "macro.applied": (
        "square-slash",
        lambda f, n: _("Used the macro “%(name)s”.", name=f.get("name") or ""),
    ),
    "note.added": ("sticky-note", lambda f, n: _("Wrote an internal note.")),
}


def sentences(events: Iterable[Event], channel: Channel) -> list[Sentence]:
    """What happened to a channel or to one of its cases; names are looked up once for all of it."""
    told = [(event, json.loads(event.data)) for event in events if event.type in WORDS]
    nobody = contacts.shown_name(None, channel.kind, None)
    names = Names(_names(Agent), _names(Group), _authors(told, channel), nobody)
    return [_sentence(event, facts, names) for event, facts in told]


def _sentence(event: Event, facts: Facts, names: Names) -> Sentence:
    icon, words = WORDS[event.type]
    who = event.agent.name if event.agent else ""
    return Sentence(event.occurred_at, who, words(facts, names), icon)


def _authors(
    told: Iterable[tuple[Event, Facts]], channel: Channel
) -> Mapping[int, contacts.Named]:
    changes = [facts for event, facts in told if event.type == "case.author_changed"]
    ids = {facts.get(side) for facts in changes for side in ("old", "new")}
    return contacts.named((id_ for id_ in ids if id_), channel)


def _names(model: type[Agent] | type[Group]) -> dict[int, str]:
    return {row.id: row.name for row in db.session.execute(select(model.id, model.name))}


def _given_out(facts: Facts, names: Names) -> str:
    name = names.agent(facts.get("new"))
    if facts.get("cause") == "assignee":
        return _("The chat was given to %(name)s, its assignee.", name=name)
    return _("The chat was given to %(name)s: least busy.", name=name)


def _fields(facts: Facts) -> str:
    words = {
        "name": _("name"),
        "group_id": _("default group"),
        "inactivity_minutes": _("minutes until a quiet chat ends"),
        "reactivates_closed": _("closed cases reactivate"),
        "credentials": _("token or secret"),
        "friend_link": _("add-friend link"),
        "show_typing": _("showing that an agent writes"),
        "mark_as_read": _("marking as read"),
        "ask_member_names": _("names of group members"),
        "sticker_pictures": _("pictures of stickers"),
        "previous_secret": _("the previous secret, forgotten"),
        "webhook": _("the webhook, at the provider"),
    }
    return ", ".join(words.get(name, name) for name in facts.get("fields", ()))


def _status(value: str | None) -> str:
    words = {"open": _("open"), "pending": _("pending"), "closed": _("closed")}
    return words.get(value or "", value or "")


def _priority(value: str | None) -> str:
    words = {"low": _("low"), "normal": _("normal"), "high": _("high"), "urgent": _("urgent")}
    return words.get(value or "", value or "")


def _ended(facts: Facts) -> str:
    if facts.get("cause") == "inactivity":
        return _("The chat ended by itself: nobody wrote.")
    if facts.get("cause") == "rule":
        return _("A rule ended the chat.")
    return _("Ended the chat.")

"""Every condition in words: its name, what it means, its operators, and how it stands in a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _l

from app.blueprints.rule_words.values import PRIORITIES, STATUSES, YES_OR_NO

# A phrase completes "When a new case arrives and …". It is a text; a pair of texts for one label
# and for several; or texts by choice, with "" for nobody and None for all else.
Phrase = Any
CHANNEL, CASE, PEOPLE = _l("Chat and channel"), _l("Case"), _l("People")
TEXT, HAPPENED, TIME = _l("Text"), _l("What happened"), _l("Time")
NOBODY = ""  # the key of phrases about no agent and no group

OPERATORS = {
    "is": _l("is"),
    "is_not": _l("is not"),
    "contains": _l("contains"),
    "contains_not": _l("does not contain"),
    "starts_with": _l("starts with"),
    "has_any_word": _l("contains any of the words"),
    "contain_all": _l("include all of"),
    "contain_any": _l("include any of"),
    "contain_none": _l("include none of"),
    "at_least": _l("at least"),
    "less_than": _l("less than"),
}
EXACTLY = {"is": _l("is exactly")}
TEXT_PHRASES = {
    "contains": _l("%(what)s contains %(value)s"),
    "contains_not": _l("%(what)s does not contain %(value)s"),
    "is": _l("%(what)s is exactly %(value)s"),
    "starts_with": _l("%(what)s starts with %(value)s"),
    "has_any_word": _l("%(what)s contains any of the words %(value)s"),
}


@dataclass(frozen=True)
class Words:
    """A condition as people read it. `phrases` are by operator, `operators` replace the usual words."""

    label: Any
    hint: Any
    group: Any
    phrases: Mapping[str, Phrase]
    choices: Mapping[str, Any] = field(default_factory=dict)
    operators: Mapping[str, Any] = field(default_factory=dict)
    what: Any = ""


def _text(label: Any, hint: Any, group: Any, what: Any, **phrases: Any) -> Words:
    return Words(label, hint, group, TEXT_PHRASES | phrases, operators=EXACTLY, what=what)


def _minutes(label: Any, hint: Any, at_least: Any, less_than: Any) -> Words:
    return Words(label, hint, TIME, {"at_least": at_least, "less_than": less_than})


CONDITIONS: dict[str, Words] = {
    "channel_kind": Words(
        _l("Kind of channel"),
        _l("Chats want an answer within minutes; mail may wait for hours."),
        CHANNEL,
        {
            "is": {
                "chat": _l("it is in a chat channel"),
                "mail_like": _l("it is in a mail-like channel"),
            },
            "is_not": {
                "chat": _l("it is not in a chat channel"),
                "mail_like": _l("it is not in a mail-like channel"),
            },
        },
        {"chat": _l("Chat"), "mail_like": _l("Mail-like")},
    ),
    "channel": Words(
        _l("Channel"),
        _l("One of your connected accounts."),
        CHANNEL,
        {
            "is": _l("it is in the channel %(value)s"),
            "is_not": _l("it is not in the channel %(value)s"),
        },
    ),
    "conversation_kind": Words(
        _l("Kind of conversation"),
        _l("With one person, or a group in which several people write."),
        CHANNEL,
        {
            "is": {
                "one_to_one": _l("it is a conversation with one person"),
                "group": _l("it is a group conversation"),
            },
            "is_not": {
                "one_to_one": _l("it is not a conversation with one person"),
                "group": _l("it is not a group conversation"),
            },
        },
        {"one_to_one": _l("With one person"), "group": _l("Group conversation")},
    ),
    "chat_state": Words(
        _l("State of the chat"),
        _l("Whether the chat is going on, has ended, or the case never was one."),
        CHANNEL,
        {
            "is": {
                "active": _l("it is an active chat"),
                "ended": _l("it is an ended chat"),
                "none": _l("it is no chat"),
            },
            "is_not": {
                "active": _l("it is not an active chat"),
                "ended": _l("it is not an ended chat"),
                "none": _l("it is a chat"),
            },
        },
        {"active": _l("Active"), "ended": _l("Ended"), "none": _l("No chat")},
    ),
    "taken": Words(
        _l("Taken"),
        _l("Whether an agent has taken the chat."),
        CHANNEL,
        {"is": {"yes": _l("an agent has taken it"), "no": _l("no agent has taken it")}},
        YES_OR_NO,
    ),
    "status": Words(
        _l("Status"),
        _l("Open, pending or closed."),
        CASE,
        {"is": _l("its status is %(value)s"), "is_not": _l("its status is not %(value)s")},
        STATUSES,
    ),
    "priority": Words(
        _l("Priority"),
        _l("Low, normal, high or urgent."),
        CASE,
        {
            "is": _l("its priority is %(value)s"),
            "is_not": _l("its priority is not %(value)s"),
            "at_least": _l("its priority is at least %(value)s"),
        },
        PRIORITIES,
        {"at_least": _l("is at least")},
    ),
    "labels": Words(
        _l("Labels"),
        _l("The words that the case is sorted by."),
        CASE,
        {
            "contain_all": (_l("it has the label %(value)s"), _l("it has the labels %(value)s")),
            "contain_any": (_l("it has the label %(value)s"), _l("it has any of the labels %(value)s")),
            "contain_none": (
                _l("it does not have the label %(value)s"),
                _l("it has none of the labels %(value)s"),
            ),
        },
    ),
    "group": Words(
        _l("Group"),
        _l("The team of agents that the case belongs to."),
        PEOPLE,
        {
            "is": {NOBODY: _l("it belongs to no group"), None: _l("it belongs to the group %(value)s")},
            "is_not": {
                NOBODY: _l("it belongs to a group"),
                None: _l("it does not belong to the group %(value)s"),
            },
        },
    ),
    "assignee": Words(
        _l("Assignee"),
        _l("The agent whom the case is assigned to."),
        PEOPLE,
        {
            "is": {NOBODY: _l("it is assigned to nobody"), None: _l("it is assigned to %(value)s")},
            "is_not": {
                NOBODY: _l("it is assigned to somebody"),
                None: _l("it is not assigned to %(value)s"),
            },
        },
    ),
    "author": Words(
        _l("Author"),
        _l("The contact to whom the case belongs."),
        PEOPLE,
        {"is": _l("its author is %(value)s"), "is_not": _l("its author is not %(value)s")},
    ),
    "author_name": _text(
        _l("Name of the author"),
        _l("The contact's name, as far as it is known."),
        PEOPLE,
        _l("the author's name"),
    ),
    "author_language": Words(
        _l("Language of the author"),
        _l("As the channel tells it: en, ja, th, zh-TW."),
        PEOPLE,
        {
            "is": _l("the author's language is %(value)s"),
            "starts_with": _l("the author's language starts with %(value)s"),
        },
    ),
    "author_is_new": Words(
        _l("New contact"),
        _l("Whether this is the author's first case."),
        PEOPLE,
        {
            "is": {
                "yes": _l("it is its author's first case"),
                "no": _l("its author has written before"),
            }
        },
        YES_OR_NO,
    ),
    "subject": _text(
        _l("Subject"), _l("The line that stands for the case in lists."), TEXT, _l("the subject")
    ),
    "latest_text": _text(
        _l("Latest message"),
        _l("The text of the newest message, whoever wrote it."),
        TEXT,
        _l("the latest message"),
    ),
    "any_text": _text(
        _l("Any message"),
        _l("The text of any message of the case."),
        TEXT,
        _l("any message"),
        contains_not=_l("no message contains %(value)s"),
    ),
    "latest_sender": Words(
        _l("Sender of the latest message"),
        _l("Who wrote last: the contact, or an agent."),
        HAPPENED,
        {"is": {"contact": _l("the contact wrote last"), "agent": _l("an agent wrote last")}},
        {"contact": _l("The contact"), "agent": _l("An agent")},
    ),
    "happened": Words(
        _l("What happened"),
        _l("What has just been done to the case, or by whom."),
        HAPPENED,
        {
            "is": {
                "contact_replied": _l("the contact replied"),
                "agent_replied": _l("an agent replied"),
                "note_added": _l("a note was added"),
                "status_changed": _l("its status changed"),
                "assigned": _l("it was assigned"),
                "label_changed": _l("a label was added or removed"),
                "chat_reactivated_by_contact": _l("the contact reactivated the chat"),
                "chat_reactivated_by_agent": _l("an agent reactivated the chat"),
                "chat_ended_by_agent": _l("an agent ended the chat"),
                "chat_ended_by_inactivity": _l("the chat ended because nobody wrote"),
                "chat_ended_by_rule": _l("a rule ended the chat"),
            }
        },
        {
            "contact_replied": _l("Contact replied"),
            "agent_replied": _l("Agent replied"),
            "note_added": _l("Note added"),
            "status_changed": _l("Status changed"),
            "assigned": _l("Assigned"),
            "label_changed": _l("Label added or removed"),
            "chat_reactivated_by_contact": _l("Chat reactivated by the contact"),
            "chat_reactivated_by_agent": _l("Chat reactivated by an agent"),
            "chat_ended_by_agent": _l("Chat ended by an agent"),
            "chat_ended_by_inactivity": _l("Chat ended by inactivity"),
            "chat_ended_by_rule": _l("Chat ended by a rule"),
        },
    ),
    "status_changed_from": Words(
        _l("Status changed from"),
        _l("Which status the case had before it was changed just now."),
        HAPPENED,
        {"is": _l("its status changed from %(value)s")},
        STATUSES,
    ),
    "status_changed_to": Words(
        _l("Status changed to"),
        _l("Which status the case was given just now."),
        HAPPENED,
        {"is": _l("its status changed to %(value)s")},
        STATUSES,
    ),
    "working_hours": Words(
        _l("Working hours"),
        _l("Whether the team is at work at that moment."),
        TIME,
        {
            "is": {
                "inside": _l("it is inside working hours"),
                "outside": _l("it is outside working hours"),
            }
        },
        {"inside": _l("Inside"), "outside": _l("Outside")},
    ),
    "minutes_since_created": _minutes(
        _l("Minutes since the case was created"),
        _l("How long ago the case came into being."),
        _l("it was created at least %(value)s ago"),
        _l("it was created less than %(value)s ago"),
    ),
    "minutes_since_contact_message": _minutes(
        _l("Minutes since the contact's last message"),
        _l("How long the contact has written nothing."),
        _l("the contact wrote last at least %(value)s ago"),
        _l("the contact wrote less than %(value)s ago"),
    ),
    "minutes_since_agent_message": _minutes(
        _l("Minutes since an agent's last message"),
        _l("How long no agent has replied."),
        _l("an agent replied last at least %(value)s ago"),
        _l("an agent replied less than %(value)s ago"),
    ),
    "minutes_since_status_change": _minutes(
        _l("Minutes since the status changed"),
        _l("How long the case has had its status."),
        _l("its status has not changed for %(value)s"),
        _l("its status changed less than %(value)s ago"),
    ),
}

"""Every action in words: its name, what it does, and how it stands in a sentence.

A new action gets its line here; when its value is of a new kind, that gets a line in `values.SAY`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _l

from app.blueprints.rule_words import values
from app.blueprints.rule_words.phrases import Grouped, grouped
from app.blueprints.rule_words.values import PRIORITIES, STATUSES, Names
from app.domain.rules import actions as known
from app.domain.rules.definitions import Step
from app.language import gettext as _

CASE, PEOPLE, MESSAGES, RULES = _l("Case"), _l("People"), _l("Messages"), _l("Rules")


@dataclass(frozen=True)
class Words:
    """An action as people read it. `phrase` goes on after "When … :"; a pair is for one and several."""

    label: Any
    hint: Any
    group: Any
    phrase: Any
    choices: Mapping[str, Any] = field(default_factory=dict)


ACTIONS: dict[str, Words] = {
    "end_chat_and_set_status": Words(
        _l("End chat and set status"),
        _l("The chat leaves Chats and is in All cases. On anything but an active chat nothing is done."),
        CASE,
        _l("end the chat and set status %(value)s"),
        STATUSES,
    ),
    "set_status": Words(
        _l("Set status"),
        _l("Open, pending or closed. It ends no chat."),
        CASE,
        _l("set status %(value)s"),
        STATUSES,
    ),
    "set_priority": Words(
        _l("Set priority"),
        _l("Shown in lists, and All cases can be filtered by it."),
        CASE,
        _l("set priority %(value)s"),
        PRIORITIES,
    ),
    "add_labels": Words(
        _l("Add labels"),
        _l("Labels that the case already has stay."),
        CASE,
        (_l("add label %(value)s"), _l("add labels %(value)s")),
    ),
    "remove_labels": Words(
        _l("Remove labels"),
        _l("Labels that the case does not have are left out."),
        CASE,
        (_l("remove label %(value)s"), _l("remove labels %(value)s")),
    ),
    "set_subject": Words(
        _l("Set subject"),
        _l("The line that stands for the case in lists. Names at the channel no longer change it."),
        CASE,
        _l("set the subject to %(value)s"),
    ),
    "mark_spam": Words(
        _l("Mark spam"),
        _l("An active chat is ended and closed. The case leaves all lists but Spam."),
        CASE,
        _l("mark it as spam"),
    ),
    "assign_to": Words(
        _l("Assign to"),
        _l("An agent, a group, nobody, or whoever has least to do and a page open."),
        PEOPLE,
        _l("assign it to %(value)s"),
    ),
    "take_for": Words(
        _l("Take for"),
        _l("The chat is in Mine for this agent and in Others for everybody else."),
        PEOPLE,
        _l("take the chat for %(value)s"),
    ),
    "send_message": Words(
        _l("Send message to contact"),
        _l("It is queued like an agent's reply. Where a reply would be refused, nothing is sent."),
        MESSAGES,
        _l("send the contact %(value)s"),
    ),
    "add_note": Words(
        _l("Add note"),
        _l("Only your team reads it."),
        MESSAGES,
        _l("add the note %(value)s"),
    ),
    "notify_agents": Words(
        _l("Notify agents"),
        _l("In Mado, by email or both. Only who may see the case is told, at most every ten minutes."),
        PEOPLE,
        _l("notify %(value)s"),
    ),
    "call_webhook": Words(
        _l("Call webhook"),
        _l("Tells another program's address about the case, signed, and tries again when it fails."),
        RULES,
        _l("call the webhook %(value)s"),
    ),
    "stop_further_rules": Words(
        _l("Stop further rules"),
        _l("Rules of this type that come later in the list are not asked for this case."),
        RULES,
        _l("stop further rules"),
    ),
}


def action_choices() -> Grouped:
    """Actions for a select box, by group: [("Case", [("set_status", "Set status"), ...]), ...]."""
    return grouped([(str(words.group), name, str(words.label)) for name, words in ACTIONS.items()])


def step(one: Step, names: Names) -> str:
    """One action, as it goes on after the colon: "set status Open"."""
    words = ACTIONS.get(one.action)
    if words is None:
        return _("… (choose an action)")
    kind = known.ACTIONS[one.action].value
    said = values.say(kind, one.value, names, words.choices) if kind else ""
    phrase = words.phrase
    if isinstance(phrase, tuple):
        phrase = phrase[len(values.label_names(one.value, names)) > 1]
    return str(phrase) % {"value": said}

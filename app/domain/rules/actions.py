"""Every action a rule or macro may order, one small function each (R3).

Each gets the situation and its value, and returns why it did nothing where that is the case; what
it raises undoes the whole rule. Nothing is sent from here: replies are queued like anybody's. What
a macro orders is done by its agent, with the same verbs and in the agent's name.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.domain import (
    agents,
    cases,
    chats,
    labels,
    messages,
    notifications,
    presence,
    webhook_calls,
)
from app.domain.agents import Refused
from app.domain.rules import values as v
from app.domain.rules.situations import Situation
from app.extensions import db
from app.models import PRIORITIES, STATUSES, Group

STOP = "stop_further_rules"
_PLACEHOLDER = re.compile(r"\{(contact\.name|agent\.name|case\.number)\}")


@dataclass(frozen=True)
class Action:
    """`act` does it; `value` is what it must be told, None where there is nothing to tell.

    What `is_for_admins` nobody does by hand: a macro may order it only where an admin wrote it.
    """

    act: Callable[[Situation, Any], str | None]
    value: v.Kind | None = None
    is_for_admins: bool = False


def _end_chat(situation: Situation, status: str) -> str | None:
    """S21: ends an active chat; on anything else it is left out, and the run says so."""
    if not situation.case.is_active_chat:
        return "This is no active chat, so nothing was ended."
    _end(situation, status)
    return None


def _set_status(situation: Situation, status: str) -> str | None:
    cases.set_status(situation.case, status, by=situation.by, cause=situation.cause)
    return None


def _set_priority(situation: Situation, priority: str) -> str | None:
    cases.set_priority(situation.case, priority, by=situation.by)
    return None


def _assign_to(situation: Situation, whom: str) -> str | None:
    case, by = situation.case, situation.by
    kind, _, number = whom.partition(":")
    if kind == "group":
        cases.move(case, db.session.get_one(Group, int(number)), by=by)
    elif kind == "agent":
        cases.assign(case, agents.find(int(number)), by=by)
    elif kind == "least_busy":
        free = presence.least_busy(case)
        if free is None:
            return "Nobody who may have this case is online, so it was not assigned."
        cases.assign(case, free, by=by)
    else:
        cases.assign(case, None, by=by)
    return None


def _take_for(situation: Situation, agent_id: int) -> str | None:
    agent = agents.find(agent_id)
    if agent is None or not situation.case.is_active_chat:
        return "This is no active chat, so nobody took it."
    chats.take_for(situation.case, agent, by=situation.by)
    return None


def _add_labels(situation: Situation, ids: list[int]) -> str | None:
    labels.add(situation.case, v.label_rows(ids), by=situation.by)
    return None


def _remove_labels(situation: Situation, ids: list[int]) -> str | None:
    labels.remove(situation.case, v.label_rows(ids), by=situation.by)
    return None


def _set_subject(situation: Situation, text: str) -> str | None:
    cases.set_subject(situation.case, filled_in(text, situation), by=situation.by)
    return None


def _send_message(situation: Situation, text: str) -> str | None:
    """Left out where an agent's reply would be refused, and where rules have said enough (T22)."""
    case, filled = situation.case, filled_in(text, situation)
    try:
        if situation.by:
            chats.reply(case, filled, by=situation.by)
            return None
        messages.check_automatic(case, situation.latest)
        chats.check_reply(case, filled)
    except Refused as problem:
        return f"Not sent: {problem}"
    messages.add_automatic(case, filled)
    return None


def _add_note(situation: Situation, text: str) -> str | None:
    filled = filled_in(text, situation)
    if situation.by:
        chats.note(situation.case, filled, by=situation.by)
    else:
        messages.add_automatic_note(situation.case, filled)
    return None


def _notify_agents(situation: Situation, told: dict[str, Any]) -> str | None:
    text = filled_in(told["text"], situation)
    whom = {"to": told["to"], "by": told["by"], "rule_id": situation.rule_id}
    return notifications.notify(situation.case, text, **whom, author=situation.by)


def _call_webhook(situation: Situation, url: str) -> str | None:
    webhook_calls.queue(situation.case, url, rule_id=situation.rule_id, by=situation.by)
    return None


def _mark_spam(situation: Situation, _value: None) -> str | None:
    if situation.case.is_active_chat:
        _end(situation, "closed")
    cases.set_spam(situation.case, is_spam=True, by=situation.by)
    return None


def _end(situation: Situation, status: str) -> None:
    seen = situation.last_seen
    chats.end(situation.case, status, by=situation.by, cause=situation.cause, last_seen=seen)


def _nothing(_situation: Situation, _value: None) -> str | None:
    return None


ACTIONS: dict[str, Action] = {
    "end_chat_and_set_status": Action(_end_chat, v.choice(*STATUSES)),
    "set_status": Action(_set_status, v.choice(*STATUSES)),
    "set_priority": Action(_set_priority, v.choice(*PRIORITIES)),
    "assign_to": Action(_assign_to, v.ASSIGNEE),
    "take_for": Action(_take_for, v.AGENT),
    "add_labels": Action(_add_labels, v.LABELS),
    "remove_labels": Action(_remove_labels, v.LABELS),
    "set_subject": Action(_set_subject, v.TEXT),
    "send_message": Action(_send_message, v.MESSAGE),
    "add_note": Action(_add_note, v.MESSAGE),
    "notify_agents": Action(_notify_agents, v.NOTIFICATION),
    "call_webhook": Action(_call_webhook, v.URL, is_for_admins=True),
    "mark_spam": Action(_mark_spam),
    STOP: Action(_nothing),
}


def filled_in(text: str, situation: Situation) -> str:
    """The text with what is known put in; braces that name anything else stay as they are (T21)."""
    known = {
        "contact.name": (situation.author.name or "") if situation.author else "",
        "agent.name": situation.by.name if situation.by else "",
        "case.number": str(situation.case.number),
    }
    return _PLACEHOLDER.sub(lambda found: known[found[1]], text)

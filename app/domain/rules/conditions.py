"""Every condition a rule may have: what it sees of a case, and how that may be compared (R2)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.channels import registry
from app.domain import hours
from app.domain.rules import comparisons as c
from app.domain.rules import values as v
from app.domain.rules.comparisons import Comparison
from app.domain.rules.situations import HAPPENED, Situation
from app.models import PRIORITIES, STATUSES

MINUTES_SINCE = "minutes_since_"


@dataclass(frozen=True)
class Condition:
    """`see` reads it off a situation; `operators` compare what was seen with the rule's value.

    What `holds_words` sees is a customer's: looked up when it is explained, never stored.
    """

    see: Callable[[Situation], Any]
    operators: Mapping[str, Comparison]
    value: v.Kind
    holds_words: bool = False


EQUALITY = {"is": c.equals, "is_not": c.differs}
ONLY_IS = {"is": c.equals}
TEXT = {
    "contains": c.text_contains,
    "contains_not": c.text_lacks,
    "is": c.text_is,
    "starts_with": c.text_starts,
    "has_any_word": c.has_any_word,
}
ANY_TEXT = {name: c.of_any(TEXT[name]) for name in TEXT if name != "contains_not"} | {
    "contains_not": lambda seen, value: not any(c.text_contains(one, value) for one in seen)
}
MINUTES = {"at_least": c.at_least, "less_than": c.less_than}
LABELS = {
    "contain_all": c.contains_all,
    "contain_any": c.contains_any,
    "contain_none": c.contains_none,
}


def _channel_kind(situation: Situation) -> str:
    return "chat" if registry.adapter(situation.case.channel.kind).is_chat else "mail_like"


def _conversation_kind(situation: Situation) -> str:
    is_group = situation.case.conversation.is_group
    return "group" if is_group else "one_to_one"


def _latest_text(situation: Situation) -> str:
    return situation.latest.text if situation.latest else ""


def _latest_sender(situation: Situation) -> str | None:
    if situation.latest is None:
        return None
    return "contact" if situation.latest.direction == "in" else "agent"


def _author_name(situation: Situation) -> str:
    return (situation.author.name or "") if situation.author else ""


def _author_language(situation: Situation) -> str:
    return (situation.author.language or "") if situation.author else ""


def _yes_or_no(fact: bool) -> str:
    return "yes" if fact else "no"


def _minutes(since: Callable[[Situation], datetime | None]) -> Condition:
    """Whole minutes since a moment; nothing before there is one."""

    def see(situation: Situation) -> int | None:
        moment = since(situation)
        return int((situation.at - moment).total_seconds() // 60) if moment else None

    return Condition(see, MINUTES, v.MINUTES)


CONDITIONS: dict[str, Condition] = {
    "channel_kind": Condition(_channel_kind, EQUALITY, v.choice("chat", "mail_like")),
    "channel": Condition(lambda s: s.case.channel_id, EQUALITY, v.CHANNEL),
    "conversation_kind": Condition(
        _conversation_kind, EQUALITY, v.choice("one_to_one", "group")
    ),
    "group": Condition(lambda s: s.case.group_id, EQUALITY, v.GROUP_OR_NONE),
    "assignee": Condition(lambda s: s.case.assignee_id, EQUALITY, v.AGENT_OR_NOBODY),
    "taken": Condition(lambda s: _yes_or_no(s.case.taken_by_id is not None), ONLY_IS, v.YES_OR_NO),
    "status": Condition(lambda s: s.case.status, EQUALITY, v.choice(*STATUSES)),
    "priority": Condition(
        lambda s: s.case.priority, EQUALITY | {"at_least": c.as_urgent}, v.choice(*PRIORITIES)
    ),
    "labels": Condition(lambda s: s.label_ids, LABELS, v.LABELS),
    "author": Condition(lambda s: s.case.contact_id, EQUALITY, v.CONTACT),
    "author_name": Condition(_author_name, TEXT, v.TEXT, holds_words=True),
    "author_language": Condition(
        _author_language, {"is": c.text_is, "starts_with": c.text_starts}, v.TEXT
    ),
    "author_is_new": Condition(lambda s: _yes_or_no(s.author_is_new), ONLY_IS, v.YES_OR_NO),
    "subject": Condition(lambda s: s.case.subject, TEXT, v.TEXT, holds_words=True),
    "latest_text": Condition(_latest_text, TEXT, v.TEXT, holds_words=True),
    "any_text": Condition(lambda s: s.texts, ANY_TEXT, v.TEXT, holds_words=True),
    "latest_sender": Condition(_latest_sender, ONLY_IS, v.choice("contact", "agent")),
    "happened": Condition(
        lambda s: sorted(s.happened.names), {"is": c.includes}, v.choice(*HAPPENED)
    ),
    "status_changed_from": Condition(
        lambda s: s.happened.status_from, ONLY_IS, v.choice(*STATUSES)
    ),
    "status_changed_to": Condition(lambda s: s.happened.status_to, ONLY_IS, v.choice(*STATUSES)),
    "working_hours": Condition(
        lambda s: "inside" if hours.are_on(s.at) else "outside",
        ONLY_IS,
        v.choice("inside", "outside"),
    ),
    f"{MINUTES_SINCE}created": _minutes(lambda s: s.case.created_at),
    f"{MINUTES_SINCE}contact_message": _minutes(lambda s: s.case.last_contact_at),
    f"{MINUTES_SINCE}agent_message": _minutes(lambda s: s.case.last_agent_at),
    f"{MINUTES_SINCE}status_change": _minutes(
        lambda s: s.case.status_changed_at or s.case.created_at
    ),
    "chat_state": Condition(
        lambda s: s.case.chat_state, EQUALITY, v.choice("active", "ended", "none")
    ),
}

"""Ready-made rules: sets that people use as they are, or with a few values of their own (R7).

Each is data in the words of the API; what people choose stands in it as `Asked`. Nothing here
saves anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from app.domain.agents import Refused
from app.domain.rules import definitions
from app.domain.rules import values as v
from app.domain.rules.definitions import Definition

DAY = 1440
LONGEST_DAYS = 365


@dataclass(frozen=True)
class Asked:
    """Where a template has a value of one's own, and what that is unless one says otherwise.

    `name` is no other template's. `kind` is `text`, `message`, `minutes`, `days` or `label`; a label is
    made where there is none.
    """

    name: str
    label: Any
    kind: str
    default: Any

    def read(self, typed: str) -> Any:
        """The value in a rule, but a label as its name. Raise Refused with what to type instead."""
        return _READ[self.kind](typed)


@dataclass(frozen=True)
class Template:
    """Rules that belong together; `needs_hours` where they ask for the team's working hours."""

    key: str
    name: Any
    purpose: Any
    rules: tuple[Mapping[str, Any], ...]
    asked: tuple[Asked, ...] = ()
    needs_hours: bool = False

    def defaults(self) -> dict[str, str]:
        """What its form holds at first."""
        return {one.name: str(one.default) for one in self.asked}

    def told(self, values: Mapping[str, Any]) -> list[Definition]:
        """Its rules with these values, to be read by people; labels may be names."""
        return [definitions.unchecked(_filled(rule, values)) for rule in self.rules]

    def definitions(self, values: Mapping[str, Any]) -> list[Definition]:
        """Its rules with these values, as they are saved. Raise Invalid."""
        return [definitions.read(_filled(rule, values)) for rule in self.rules]


def find(key: str) -> Template | None:
    return next((one for one in TEMPLATES if one.key == key), None)


def _days(typed: str) -> int:
    text = typed.strip()
    is_number = text.isascii() and text.isdigit() and len(text) <= 6
    if not (is_number and 1 <= int(text) <= LONGEST_DAYS):
        raise Refused(f"Days must be a whole number from 1 to {LONGEST_DAYS}.")
    return int(text) * DAY


_READ = {
    "text": v.TEXT.parse,
    "message": v.MESSAGE.parse,
    "minutes": lambda typed: v.MINUTES.parse(typed.strip()),
    "days": _days,
    "label": v.TEXT.parse,
}


def _filled(part: Any, values: Mapping[str, Any]) -> Any:
    """The data with what was asked put in, and every text in the reader's language."""
    if isinstance(part, Asked):
        return values[part.name]
    if isinstance(part, Mapping):
        return {name: _filled(value, values) for name, value in part.items()}
    if isinstance(part, tuple | list):
        return [_filled(value, values) for value in part]
    return part if isinstance(part, str | int) else str(part)


def _rule(
    type_: str, name: Any, *conditions: tuple[str, str, Any], then: tuple[tuple[str, Any], ...]
) -> Mapping[str, Any]:
    """A rule whose conditions must all hold."""
    clauses = [{"condition": one, "operator": how, "value": what} for one, how, what in conditions]
    return {
        "type": type_,
        "name": name,
        "join": "and",
        "blocks": [{"match": "all", "conditions": clauses}],
        "actions": [{"action": action, "value": value} for action, value in then],
    }


IN_A_CHAT = ("channel_kind", "is", "chat")
CLOSED_NOW = Asked(
    "closed_now",
    _l("Message"),
    "message",
    _l("Thank you for writing. We are closed at the moment and will answer as soon as we are back."),
)
SILENT_DAYS = Asked("days", _l("Days without an answer"), "days", 3)
GOODBYE = Asked(
    "goodbye",
    _l("Message"),
    "message",
    _l("We have not heard from you for some days, so we are closing this for now. Just write again if there is anything else. Thank you!"),
)
URGENT_WORDS = Asked("words", _l("Words, separated by commas"), "text", _l("urgent, asap, emergency, immediately"))
URGENT_LABEL = Asked("label", _l("Label"), "label", _l("urgent"))
IS_URGENT = ("latest_text", "has_any_word", URGENT_WORDS)
MARK_URGENT = (("set_priority", "urgent"), ("add_labels", [URGENT_LABEL]))
WAITED_MINUTES = Asked("minutes", _l("Minutes a customer may wait"), "minutes", 30)
WAITS = (
    ("minutes_since_contact_message", "at_least", WAITED_MINUTES),
    ("latest_sender", "is", "contact"),
    ("status", "is", "open"),
)
TELL_ALL = {"to": ["all"], "by": ["app"], "text": _l("{contact.name} is waiting for an answer.")}

TEMPLATES = (
    Template(
        "chats-as-cases",
        _l("Handle chats as cases"),
        _l("For teams who answer within hours, not minutes. No chat lights the icon: each is in All cases at once, open when the customer wrote and pending when you did."),
        (
            _rule("new_case", _l("New chats become cases"), IN_A_CHAT, then=(("end_chat_and_set_status", "open"),)),
            _rule(
                "updated_case",
                _l("Customers' answers become cases"),
                ("happened", "is", "chat_reactivated_by_contact"),
                then=(("end_chat_and_set_status", "open"),),
            ),
            _rule(
                "updated_case",
                _l("Our answers wait as cases"),
                ("happened", "is", "chat_reactivated_by_agent"),
                then=(("end_chat_and_set_status", "pending"),),
            ),
        ),
    ),
    Template(
        "night-reply",
        _l("Answer at night"),
        _l("Who begins a chat outside your working hours is told at once that you will be back."),
        (
            _rule(
                "new_case",
                _l("Answer at night"),
                IN_A_CHAT,
                ("working_hours", "is", "outside"),
                then=(("send_message", CLOSED_NOW),),
            ),
        ),
        (CLOSED_NOW,),
        needs_hours=True,
    ),
    Template(
        "close-after-silence",
        _l("Thank and close after silence"),
        _l("When a customer has not come back to your answer for some days, say goodbye and close the case."),
        (
            _rule(
                "existing_case",
                _l("Thank and close after silence"),
                ("minutes_since_agent_message", "at_least", SILENT_DAYS),
                ("latest_sender", "is", "agent"),
                ("status", "is", "pending"),
                ("chat_state", "is_not", "active"),
                then=(("send_message", GOODBYE), ("set_status", "closed")),
            ),
        ),
        (SILENT_DAYS, GOODBYE),
    ),
    Template(
        "urgent-words",
        _l("Urgent words first"),
        _l("Messages that sound urgent get the highest priority and a label to find them by."),
        (
            _rule("new_case", _l("Urgent words in a new case"), IS_URGENT, then=MARK_URGENT),
            _rule(
                "updated_case",
                _l("Urgent words in an answer"),
                ("happened", "is", "contact_replied"),
                IS_URGENT,
                then=MARK_URGENT,
            ),
        ),
        (URGENT_WORDS, URGENT_LABEL),
    ),
    Template(
        "least-busy",
        _l("Share new chats out"),
        _l("Each new chat is assigned to the agent who has the least to do. Everybody still sees it and may take it."),
        (_rule("new_case", _l("Share new chats out"), IN_A_CHAT, then=(("assign_to", "least_busy"),)),),
    ),
    Template(
        "nobody-waits",
        _l("Nobody waits too long"),
        _l("When a customer has waited for a while, everybody who may see the case is notified and its priority rises."),
        (
            _rule("existing_case", _l("Tell everybody who waits"), *WAITS, then=(("notify_agents", TELL_ALL),)),
            _rule(
                "existing_case",
                _l("Raise what waits"),
                *WAITS,
                ("priority", "is_not", "urgent"),
                then=(("set_priority", "high"),),
            ),
        ),
        (WAITED_MINUTES,),
    ),
)

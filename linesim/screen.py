"""What the page shows, worked out from the state: rows of talks, bubbles, who waits. Decides and sends nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from linesim import received
from linesim.calls import FROM_LINE, CallLog
from linesim.received import Received
from linesim.state import Customer, Group, Message, Sim

# How a message without words is told in a list.
NAMES_OF_KINDS = {
    "sticker": "a sticker", "image": "a photo", "video": "a video", "audio": "a voice message", "file": "a file",
    "location": "a place", "imagemap": "a picture", "template": "a template", "flex": "a flex message",
}
WAITING, ANSWERED, QUIET = "waiting", "answered", "quiet"
LANGUAGES = {"th": "Thai", "ja": "Japanese", "zh-TW": "Taiwanese", "en": "English"}


@dataclass
class Row:
    """One line of the list on the left. `state`: waits for the account, was answered, or nothing yet."""

    talk_id: str
    name: str
    language: str
    snippet: str
    at: datetime | None
    state: str
    mark: str


@dataclass
class Bubble:
    """One message as the viewer's phone shows it. `taken` is None until its webhook was answered."""

    message: Message
    author: str
    is_mine: bool
    starts_run: bool
    words: str
    quoted: str
    taken: bool | None
    received: Received


def customer_rows(sim: Sim) -> list[Row]:
    """Who came last stands first; the order never changes under the pointer."""
    return [_row(sim, c.user_id, c.name, c.language, _mark(c)) for c in reversed(sim.customers.values())]


def group_rows(sim: Sim) -> list[Row]:
    return [_row(sim, g.group_id, g.name, "", _group_mark(g)) for g in reversed(sim.groups.values())]


def bubbles(sim: Sim, calls: CallLog, talk_id: str, viewer: Customer) -> list[Bubble]:
    statuses, shown, before = _webhook_statuses(calls), [], ""
    for message in sim.talk(talk_id):
        shown.append(Bubble(
            message, author_name(sim, message), message.sender == viewer.user_id, message.sender != before,
            words_of(message), _quoted_words(sim, message), statuses.get(message.id), received.of(message.body),
        ))
        before = message.sender
    return shown


def author_name(sim: Sim, message: Message) -> str:
    if message.is_from_account:
        return message.body.get("sender", {}).get("name") or sim.account.name
    writer = sim.customers.get(message.sender)
    return writer.name if writer else ""


def words_of(message: Message) -> str:
    if message.is_unsent:
        return "Message unsent"
    body: dict[str, Any] = message.body
    said = body.get("text") or body.get("altText") or body.get("fileName") or body.get("title")
    return str(said or f"[{NAMES_OF_KINDS.get(message.kind, message.kind)}]")


def _row(sim: Sim, talk_id: str, name: str, language: str, mark: str) -> Row:
    last = next((m for m in reversed(sim.messages) if m.talk == talk_id and m.kind != "system"), None)
    if last is None:
        return Row(talk_id, name, language, "No messages yet", None, QUIET, mark)
    by_account = f"{sim.account.name}: " if last.is_from_account else ""
    state = ANSWERED if last.is_from_account else WAITING
    return Row(talk_id, name, language, by_account + words_of(last), last.sent_at, state, mark)


def _mark(customer: Customer) -> str:
    if customer.has_blocked:
        return "blocked"
    return "" if customer.is_friend else "not a friend"


def _group_mark(group: Group) -> str:
    return "" if group.has_account else "account left"


def _quoted_words(sim: Sim, message: Message) -> str:
    token, message_id = message.body.get("quoteToken", ""), message.body.get("quotedMessageId", "")
    quoted = sim.message(message_id or sim.quote_tokens.get(token, ""))
    return f"{author_name(sim, quoted)}: {words_of(quoted)}" if quoted else ""


def _webhook_statuses(calls: CallLog) -> dict[str, bool]:
    """Message id -> whether the bot server took the (last) webhook about it."""
    return {
        event["message"]["id"]: call.went_well
        for call in calls.entries() if call.direction == FROM_LINE
        for event in call.request["events"] if isinstance(event.get("message"), dict) and "id" in event["message"]
    }

"""A message in a few words: its text, or what it was where it has none (L1).

The same words stand in lists, search hits and quotes, so nothing is ever an empty line.
"""

from collections.abc import Callable

from app.language import gettext
from app.models import Message


def statuses() -> dict[str, str]:
    """Fetch these once a page: gettext in a loop is slow."""
    return {"open": gettext("Open"), "pending": gettext("Pending"), "closed": gettext("Closed")}


def presence() -> dict[str, str]:
    """Whether an agent is there, and takes chats (H2)."""
    return {
        "online": gettext("Online"),
        "no_chats": gettext("No chats"),
        "offline": gettext("Offline"),
    }


def priorities() -> dict[str, str]:
    """From the least to the most pressing."""
    return {
        "low": gettext("Low"),
        "normal": gettext("Normal"),
        "high": gettext("High"),
        "urgent": gettext("Urgent"),
    }


def of(message: Message) -> str:
    """What to say of a message in one line: never empty."""
    if message.unsent_at:
        return gettext("Message unsent by the contact")
    if message.direction == "system":
        tell = _LINES.get(message.kind)
        return tell(message) if tell else message.text or f"[{message.kind}]"
    if message.direction != "in":
        return message.text or gettext("File")
    return of_kind(message.kind, message.text)


def of_kind(kind: str, text: str) -> str:
    """The same of a contact's message whose kind and text are all that is known."""
    tell = _KINDS.get(kind)
    return tell(text) if tell else unknown(kind)


def unknown(kind: str) -> str:
    """A type of message that nobody taught us."""
    return gettext("A kind of message that Mado can't show: %(kind)s", kind=kind)


def sticker(text: str) -> str:
    return gettext("Sticker: %(words)s", words=text) if text else gettext("Sticker")


def _place(text: str) -> str:
    where = " · ".join(line for line in text.splitlines() if line.strip())
    return gettext("Place: %(where)s", where=where) if where else gettext("Place")


def _file(text: str) -> str:
    return gettext("File: %(name)s", name=text) if text else gettext("File")


_KINDS: dict[str, Callable[[str], str]] = {
    "text": lambda text: text if text.strip() else gettext("A message without text"),
    "image": lambda text: gettext("Photo"),
    "video": lambda text: gettext("Video"),
    "audio": lambda text: gettext("Voice message"),
    "file": _file,
    "sticker": sticker,
    "location": _place,
}


def _whom(message: Message) -> str:
    """Whom a line tells of: by name, by the channel's id until it is known, or not at all (S33)."""
    known = message.contact.name if message.contact else None
    return known or message.text or gettext("Somebody")


_LINES: dict[str, Callable[[Message], str]] = {
    "join": lambda _: gettext("The channel was added to the group."),
    "leave": lambda _: gettext("The channel left the group."),
    "member_joined": lambda line: gettext("%(name)s joined the group.", name=_whom(line)),
    "member_left": lambda line: gettext("%(name)s left the group.", name=_whom(line)),
    "postback": lambda line: gettext("Chose: %(choice)s", choice=line.text or "–"),
    "unknown": lambda line: gettext(
        "The channel reported something else: %(what)s", what=line.text
    ),
}

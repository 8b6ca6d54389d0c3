"""The one interface to providers: what comes in, what goes out, and what a kind must answer.

A kind's adapter translates; it never touches cases, never commits and never decides.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from flask import Blueprint, Request

from app.models import Channel  # re-exported for the kinds

# What a webhook call is answered: a JSON object, and the status.
Answer = tuple[dict[str, str], int]


@dataclass(frozen=True, slots=True)
class InboundFile:
    """One file of a contact's message, to be fetched after the commit.

    `kind` is image, video, audio or file. `url` is set where the provider does not hold the bytes
    itself: somebody else's address, never to be trusted.
    """

    kind: str
    filename: str = ""
    size: int | None = None
    duration_ms: int | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Inbound:
    """One provider event, in our words.

    `kind` is `message`, `activity` (counts as the contact's doing, shows as a line: a postback),
    `line` (a system line in an existing chat), `edited` or `unsent` (about the message of
    `message_id`), `followed`, `unfollowed`, `joined`, `left` or `ignored`. `key` makes the event one
    however often it comes. `conversation_kind` is user, group, room or thread; None where the event
    names no source. `text` is what can be read of the message, whatever its kind; empty where there
    is nothing. `quoted_id` is the provider's id of the message that this one quotes, `quote_token` what
    it asks for when we quote this one. Messages with one `album_key` are one set of pictures in the
    order of `album_place`. `member_ids` are the people whom a system line tells of: one line each.
    """

    key: str
    kind: str
    occurred_at: datetime
    conversation_kind: str | None = None
    conversation_id: str | None = None
    sender_id: str | None = None
    message_id: str | None = None
    message_kind: str = "text"
    text: str = ""
    payload: dict[str, Any] | None = None
    reply_token: str | None = None
    is_redelivered: bool = False
    sender_name: str | None = None
    subject: str | None = None
    quoted_id: str | None = None
    quote_token: str | None = None
    album_key: str | None = None
    album_place: int | None = None
    files: tuple[InboundFile, ...] = ()
    member_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An event whose parsing raised; it is kept back with its raw bytes and retried."""

    key: str
    raw: bytes
    error: str


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """One attachment of a reply as a provider and its users can fetch it: long-lived addresses.

    `preview_url` is a picture of it, None where there is none. Sizes in bytes, `duration_ms` None
    where it is not known.
    """

    kind: str
    url: str
    preview_url: str | None
    filename: str
    content_type: str
    size: int
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What one reply says: its text, its files, and the provider's token of the message it quotes."""

    text: str = ""
    files: tuple[OutgoingFile, ...] = ()
    quote_token: str | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One call to a provider: to whom, the exact stored body, and by which of its ways.

    With `reply_token` the call is a free reply; else it is a push guarded by `retry_key`.
    """

    channel: Channel
    to: str
    body: str
    reply_token: str | None
    retry_key: str


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider accepted the message; the ids are its own, empty when it did not tell.

    `quote_token` is what it asks for when we quote this message later.
    """

    external_ids: tuple[str, ...] = ()
    quote_token: str | None = None


@dataclass(frozen=True, slots=True)
class FailedCall:
    """Which call failed and how, as a provider's support asks for it. Never a token or a text."""

    call: str
    status: int | None = None
    request_id: str | None = None


class NotSent(Exception):
    """A try that did not succeed; its class is the decision the caller must take."""

    def __init__(self, reason: str, *, failed: FailedCall | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.failed = failed


class TemporaryError(NotSent):
    """Certainly not accepted; another try may be. `retry_after` in seconds, None for backoff.

    `breaks_channel` tells admins that the channel itself needs them; `spends_quota` that the
    provider says the month's quota is used up.
    """

    def __init__(
        self,
        reason: str,
        *,
        retry_after: float | None = None,
        breaks_channel: bool = False,
        spends_quota: bool = False,
        failed: FailedCall | None = None,
    ) -> None:
        super().__init__(reason, failed=failed)
        self.retry_after = retry_after
        self.breaks_channel = breaks_channel
        self.spends_quota = spends_quota


class TokenRefused(TemporaryError):
    """The free reply's token was used or too old; certainly not accepted, so push is safe."""


class PermanentError(NotSent):
    """Certainly not accepted, and no repetition will change it."""


class UnknownOutcome(NotSent):
    """The provider may or may not have accepted it: a timeout, a 5xx, a cut connection."""


class Gone(PermanentError):
    """What was asked for is not there any more, or never will be."""


class NotReady(TemporaryError):
    """The provider is still preparing it: ask again soon, and then less often."""


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A contact's file that the provider holds: the `place`-th of its message `message_id`."""

    channel: Channel
    message_id: str
    kind: str
    place: int


@dataclass(frozen=True, slots=True)
class Download:
    """A file on its way: its size where that is told, and its bytes piece by piece."""

    size: int | None
    chunks: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Profile:
    """What a provider tells of a person or a group. None where it does not say."""

    name: str | None
    language: str | None = None
    picture_url: str | None = None
    member_count: int | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """What one question to the provider about the channel itself last came to.

    `name` is a word for programs (token, webhook); `is_good` is None while nobody could say.
    """

    name: str
    is_good: bool | None
    words: str
    checked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """How many people this month's paid messages may reach, None without a limit, and did reach."""

    limit: int | None
    used: int


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text; `kind` is text, emoji (a picture of the provider's, in a word) or mention.

    `is_self` is a mention of the channel itself.
    """

    text: str
    kind: str = "text"
    is_self: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A place that a contact sent. `map_url` leads to it on a public map, None without coordinates."""

    title: str
    address: str
    map_url: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as a page shows it, whatever its provider: what is set is shown, in this order.

    `sticker` is what is written on a sticker, empty when nobody knows. Files are no part of it:
    they are attachments. `unknown` names a type that nobody taught us. `is_quoting` says that it
    quotes a message, which need not be one we have.
    """

    runs: tuple[Run, ...] = ()
    place: Place | None = None
    sticker: str | None = None
    unknown: str = ""
    is_quoting: bool = False


class Adapter(Protocol):
    """What a folder under `channels/` registers; what has a body here is not for every kind."""

    kind: str
    label: str
    is_chat: bool
    can_send: bool
    text_limit: int
    free_reply_seconds: float
    has_quota: bool = False

    def compose(self, content: Content) -> str:
        """The exact body to be stored and sent for this reply."""

    def problem_with(self, content: Content) -> str:
        """Why this reply can't be sent as it is, and what to do; empty when it can. Asked first."""
        return ""

    def send(self, outgoing: Outgoing) -> Sent:
        """One call, with a timeout. Raise a NotSent; anything else counts as UnknownOutcome."""

    def person(self, channel: Channel, external_id: str) -> Profile | None:
        """The profile of a person, None when the provider will not tell. Raise TemporaryError."""

    def group(self, channel: Channel, kind: str, external_id: str) -> Profile | None:
        """The name and size of a group or room, None when the provider will not tell."""

    def member(
        self, channel: Channel, kind: str, group_id: str, external_id: str
    ) -> Profile | None:
        """The profile of somebody in a group or room whom `person` knows nothing of (S33)."""
        return None

    def quota(self, channel: Channel) -> Quota | None:
        """The month's quota and its use, None where there is none. Raise TemporaryError."""
        return None

    def unnamed(self, kind: str, external_id: str | None) -> str:
        """What to call a person, group or room whose name is not known."""

    def checks(self, channel: Channel) -> list[Check]:
        """How the channel stood with its provider when it was last asked; it asks nobody."""
        return []

    def friend_link(self, channel: Channel) -> str:
        """The address by which people add the account, to be put into replies; empty for none."""
        return ""

    def shows_typing(self, channel: Channel, conversation_kind: str) -> bool:
        """Whether contacts of such conversations are shown that an agent writes."""
        return False

    def show_typing(self, channel: Channel, external_id: str) -> None:
        """Tell the provider that an agent writes. Raise TemporaryError when it did not listen."""

    def marks_read(self, channel: Channel) -> bool:
        """Whether the provider shall be told what an agent has opened."""
        return False

    def read_token(self, payload: dict[str, Any]) -> str | None:
        """What marks this message as read at the provider; None where nothing can."""
        return None

    def mark_read(self, channel: Channel, token: str) -> None:
        """Mark a message and those before it as read. Raise TemporaryError or PermanentError."""

    def download(self, file: WantedFile) -> AbstractContextManager[Download]:
        """A contact's file, open while it is read; never in memory as a whole.

        Raise Gone, NotReady or TemporaryError, also from the chunks: what stops before its end
        must raise, so that no half of a file is kept.
        """
        raise Gone("This kind of channel keeps no files.")

    def show(self, kind: str, text: str, payload: dict[str, Any]) -> Shown:
        """A stored message of a contact's, taken apart. Never raises, whatever the payload holds."""
        return Shown(runs=(Run(text),) if kind == "text" and text else ())


@dataclass
class Kind:
    """A registered kind: its adapter, and the blueprints its folder brings (webhooks, forms).

    `webhook` answers `POST /<kind>/webhook/<key>`, for a kind that takes such calls the short way
    (app/webhooks.py). `retry` parses kept-back raw bytes of one event again. `has_counted` and `write_counts` are
    for what the kind counts in memory, written every 10 seconds in a writing transaction.
    """

    adapter: Adapter
    blueprints: list[Blueprint] = field(default_factory=list)
    webhook: Callable[[str, Request], Answer] | None = None
    retry: Callable[[Channel, bytes], list[Inbound | Unreadable]] | None = None
    has_counted: Callable[[], bool] = lambda: False
    write_counts: Callable[[], None] = lambda: None

"""What the simulated LINE knows: one account, its customers, their groups and talks.

Plain rows behind one lock (`sim.lock`). It decides who may receive what, and refuses to send or render.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from linesim import clock, ids

STRANGER, FRIEND, BLOCKED = "stranger", "friend", "blocked"
GROUP, ROOM = "group", "room"

# LINE: a non-friend who wrote 1:1 can be pushed to for seven days.
WRITER_WINDOW = timedelta(days=7)
# LINE: a retry key is remembered for 24 hours, a stateless token lives for 15 minutes,
# and a redelivered reply token works until 20 minutes after its event.
RETRY_KEY_LIFE = timedelta(hours=24)
STATELESS_TOKEN_LIFE = timedelta(minutes=15)
REPLY_TOKEN_LAST_REDELIVERY = timedelta(minutes=20)


@dataclass
class Account:
    """The Official Account: what LINE's console would show of it."""

    name: str = "Mado Demo"
    channel_id: str = "1650000001"
    channel_secret: str = "0123456789abcdef0123456789abcdef"
    access_token: str = "linesim-channel-access-token"
    basic_id: str = "@madodemo"
    user_id: str = ids.user_id("the account")
    webhook_url: str = ""
    use_webhook: bool = True
    redelivery: bool = False
    late_seconds: float = 0.0
    reversed: bool = False
    twice: bool = False
    redelivery_seconds: list[float] = field(default_factory=lambda: [2.0, 5.0, 15.0, 30.0, 60.0])
    chat_mode: str = "chat"
    mark_as_read_mode: str = "manual"
    monthly_limit: int | None = 5000
    used_this_month: int = 0
    reply_token_seconds: float = 60.0


@dataclass
class Customer:
    user_id: str
    name: str
    language: str = "en"
    status_message: str = ""
    relation: str = STRANGER
    has_picture: bool = True
    wrote_at: datetime | None = None

    @property
    def is_friend(self) -> bool:
        return self.relation == FRIEND

    @property
    def has_blocked(self) -> bool:
        return self.relation == BLOCKED

    def shows_profile(self) -> bool:
        """LINE's /profile: friends, and non-friends who wrote 1:1; never who blocked the account."""
        return self.is_friend or (not self.has_blocked and self.wrote_at is not None)

    def receives(self, moment: datetime) -> bool:
        """Whether a message to this customer arrives; LINE answers 200 in either case."""
        wrote_lately = self.wrote_at is not None and moment - self.wrote_at < WRITER_WINDOW
        return self.is_friend or (not self.has_blocked and wrote_lately)


@dataclass
class Group:
    """A LINE group, or an old-style room, which has no name at LINE."""

    group_id: str
    name: str
    kind: str = GROUP
    member_ids: list[str] = field(default_factory=list)
    has_account: bool = True


@dataclass
class Message:
    """One line of a talk. `sender` is a user id, "account" or, for a system line, ""."""

    id: str
    talk: str
    sender: str
    kind: str
    body: dict[str, Any]
    sent_at: datetime
    via: str = "customer"
    quote_token: str | None = None
    read_token: str | None = None
    content: bytes | None = None
    content_type: str | None = None
    least_size: int = 0
    preparing: int = 0
    is_read: bool = False
    is_unsent: bool = False
    is_edited: bool = False

    @property
    def is_from_account(self) -> bool:
        return self.sender == "account"


@dataclass
class ReplyToken:
    token: str
    talk: str
    event_at: datetime
    issued_at: datetime
    used: bool = False


@dataclass
class AcceptedPush:
    request_id: str
    sent: list[dict[str, str]]
    at: datetime


@dataclass
class Sim:
    """The whole world. Take `lock` around every read of several fields and every change."""

    account: Account = field(default_factory=Account)
    customers: dict[str, Customer] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    reply_tokens: dict[str, ReplyToken] = field(default_factory=dict)
    accepted_pushes: dict[str, AcceptedPush] = field(default_factory=dict)
    stateless_tokens: dict[str, datetime] = field(default_factory=dict)
    quote_tokens: dict[str, str] = field(default_factory=dict)
    typing_until: dict[str, datetime] = field(default_factory=dict)
    version: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def touch(self) -> None:
        """Says that something a page shows has changed."""
        self.version += 1

    def clear(self) -> None:
        """Empties everything but the account, whose counters start anew."""
        for store in (self.customers, self.groups, self.messages, self.reply_tokens, self.accepted_pushes,
                      self.stateless_tokens, self.quote_tokens, self.typing_until):
            store.clear()
        self.account.used_this_month = 0
        self.touch()

    def talk(self, talk_id: str) -> Iterator[Message]:
        return (message for message in self.messages if message.talk == talk_id)

    def message(self, message_id: str) -> Message | None:
        return next((m for m in reversed(self.messages) if m.id == message_id), None)

    def add_message(self, message: Message) -> Message:
        self.messages.append(message)
        self.touch()
        return message

    def add_system_line(self, talk_id: str, text: str) -> None:
        line = Message(ids.message_id(), talk_id, "", "system", {"text": text}, clock.now(), "system")
        self.add_message(line)

    def new_reply_token(self, talk_id: str) -> str:
        moment = clock.now()
        token = ReplyToken(ids.reply_token(), talk_id, moment, moment)
        self.reply_tokens[token.token] = token
        return token.token

    def usable_reply_token(self, token: str) -> ReplyToken | None:
        """None for unknown, used and expired alike: LINE doesn't tell them apart either."""
        found = self.reply_tokens.get(token)
        if found is None or found.used:
            return None
        life = timedelta(seconds=self.account.reply_token_seconds)
        return found if clock.now() - found.issued_at < life else None

    def new_quote_token(self, message: Message) -> str:
        """A token by which this message can be quoted in its own talk; it never expires."""
        token = ids.opaque_token()
        self.quote_tokens[token] = message.id
        return token

    def is_quotable_in(self, token: str, talk_id: str) -> bool:
        message = self.message(self.quote_tokens.get(token, ""))
        return message is not None and message.talk == talk_id

    def renew_reply_token(self, token: str) -> None:
        """A redelivered event's token counts from its redelivery, within 20 minutes of the event."""
        found = self.reply_tokens.get(token)
        if found and clock.now() - found.event_at < REPLY_TOKEN_LAST_REDELIVERY:
            found.issued_at = clock.now()

    def accepted_push(self, retry_key: str) -> AcceptedPush | None:
        found = self.accepted_pushes.get(retry_key)
        return found if found and clock.now() - found.at < RETRY_KEY_LIFE else None

    def has_token(self, token: str) -> bool:
        """The long-lived token, or a stateless one that is not too old."""
        issued_at = self.stateless_tokens.get(token)
        is_fresh = issued_at is not None and clock.now() - issued_at < STATELESS_TOKEN_LIFE
        return is_fresh or (bool(token) and token == self.account.access_token)

    def people_in(self, talk_id: str) -> list[Customer]:
        """Who sees a talk: the customer, or the members of the group."""
        if talk_id in self.groups:
            return [self.customers[member] for member in self.groups[talk_id].member_ids]
        return [self.customers[talk_id]] if talk_id in self.customers else []

    def recipients(self, talk_id: str) -> list[Customer]:
        """Whom a message into the talk really reaches (and, pushed, is counted for)."""
        group = self.groups.get(talk_id)
        if group is not None:
            return self.people_in(talk_id) if group.has_account else []
        return [person for person in self.people_in(talk_id) if person.receives(clock.now())]

    def has_quota_for(self, count: int) -> bool:
        limit = self.account.monthly_limit
        return limit is None or self.account.used_this_month + count <= limit

    def age(self, seconds: float) -> None:
        """Makes every token, retry key and 1:1 message so much older, instead of waiting."""
        step = timedelta(seconds=seconds)
        for token in self.reply_tokens.values():
            token.issued_at -= step
            token.event_at -= step
        for push in self.accepted_pushes.values():
            push.at -= step
        for token_text in self.stateless_tokens:
            self.stateless_tokens[token_text] -= step
        for customer in self.customers.values():
            customer.wrote_at = customer.wrote_at and customer.wrote_at - step

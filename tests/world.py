"""Short ways to a world with something in it: a channel, what a contact said, a provider we play."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from app import intake, transaction
from app.channels import registry
from app.channels.base import (
    Adapter,
    Content,
    Download,
    Gone,
    Inbound,
    Kind,
    NotSent,
    Outgoing,
    Profile,
    Sent,
    WantedFile,
)
from app.clock import now
from app.domain import inbox
from app.extensions import db
from app.models import Case, Channel, Group, Message
from tests.conftest import fresh_id


def connected(kind: str = "line", *, group: Group | None = None, **fields: Any) -> Channel:
    """A connected channel."""
    with transaction.writing():
        group_id = group.id if group else None
        channel = Channel(kind=kind, name="Shop", state="connected", group_id=group_id, **fields)
        db.session.add(channel)
    return channel


def said(text: str = "hello", *, who: str = "Usomchai", **fields: Any) -> Inbound:
    """A contact's text message in a 1:1 conversation unless told otherwise."""
    values = {
        "key": fresh_id(),
        "kind": "message",
        "occurred_at": now(),
        "conversation_kind": "user",
        "conversation_id": who,
        "sender_id": who,
        "message_id": fresh_id(),
        "text": text,
        "reply_token": fresh_id(),
    }
    return Inbound(**values | fields)


def receive(channel: Channel, *batch: Inbound) -> None:
    """Take events in and commit, as the webhook does."""
    raw = [b"{}" for _ in batch]
    intake.store(intake.Call(inbox.Source.of(channel), batch, raw=lambda: raw))
    db.session.expire_all()


def chat_of(channel: Channel, text: str = "hello", *, who: str = "Usomchai") -> Case:
    """A fresh incoming chat."""
    receive(channel, said(text, who=who))
    return db.session.scalars(select(Case).order_by(Case.id.desc()).limit(1)).one()


def count(model: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def texts(case: Case) -> list[str]:
    query = select(Message.text).where(Message.case_id == case.id).order_by(Message.id)
    return list(db.session.scalars(query))


@dataclass
class ToyAdapter(Adapter):
    """A provider we play: it answers with what `outcomes` holds, then accepts everything."""

    kind: str = "toy"
    label: str = "Toy"
    is_chat: bool = True
    can_send: bool = True
    text_limit: int = 1000
    free_reply_seconds: float = 50.0
    outcomes: list[Sent | NotSent | Exception] = field(default_factory=list)
    sent: list[Outgoing] = field(default_factory=list)
    profiles: dict[str, Profile | NotSent | None] = field(default_factory=dict)
    members: dict[tuple[str, str], Profile] = field(default_factory=dict)
    members_asked: list[tuple[str, str, str]] = field(default_factory=list)
    files: dict[str, list[list[bytes] | NotSent]] = field(default_factory=dict)
    wanted: list[str] = field(default_factory=list)

    def compose(self, content: Content) -> str:
        return content.text

    def send(self, outgoing: Outgoing) -> Sent:
        self.sent.append(outgoing)
        outcome = self.outcomes.pop(0) if self.outcomes else Sent(("id-1",))
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def person(self, channel: Channel, external_id: str) -> Profile | None:
        return self._told(external_id)

    def group(self, channel: Channel, kind: str, external_id: str) -> Profile | None:
        return self._told(external_id)

    def member(
        self, channel: Channel, kind: str, group_id: str, external_id: str
    ) -> Profile | None:
        self.members_asked.append((kind, group_id, external_id))
        return self.members.get((group_id, external_id))

    def unnamed(self, kind: str, external_id: str | None) -> str:
        return external_id or "Somebody"

    @contextmanager
    def download(self, file: WantedFile) -> Iterator[Download]:
        """The next of this message's outcomes; pieces may be exceptions, too."""
        self.wanted.append(file.message_id)
        outcomes = self.files.get(file.message_id) or [Gone("It is gone.")]
        outcome = outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]
        if isinstance(outcome, NotSent):
            raise outcome
        yield Download(None, _raised_or_given(outcome))

    def _told(self, external_id: str) -> Profile | None:
        found = self.profiles.get(external_id)
        if isinstance(found, NotSent):
            raise found
        return found


def _raised_or_given(pieces: list[Any]) -> Iterator[bytes]:
    for piece in pieces:
        if isinstance(piece, Exception):
            raise piece
        yield piece


def play(adapter: ToyAdapter) -> ToyAdapter:
    """Register a played provider, replacing an earlier one."""
    registry._kinds[adapter.kind] = Kind(adapter=adapter)
    return adapter

"""Cases to be searched, and the search as its callers see it: page after page."""

import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, true

from app.domain import search
from app.extensions import db
from app.models import Case, Channel, Contact, Conversation, Group, Message

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class World:
    """A channel, and cases with messages in it, undone after the test."""

    def __init__(self) -> None:
        channel = Channel(kind="manual", name="By hand")
        db.session.add(channel)
        db.session.flush()
        self.channel_id = channel.id
        self.minutes = 0
        self.texts: dict[int, list[str]] = {}

    def case(
        self, *texts: str, subject: str = "", name: str = "", group: Group | None = None
    ) -> int:
        """A case with these messages; a later one is newer."""
        self.minutes += 1
        contact = Contact(name=name or None)
        conversation = Conversation(
            channel_id=self.channel_id, kind="thread", external_id=secrets.token_hex(8)
        )
        db.session.add_all([contact, conversation])
        db.session.flush()
        case = Case(
            channel_id=self.channel_id,
            conversation_id=conversation.id,
            contact_id=contact.id,
            subject=subject,
            group_id=group.id if group else None,
            last_message_at=START + timedelta(minutes=self.minutes),
        )
        db.session.add(case)
        db.session.flush()
        search.put_case(case.id, subject, name)
        self.texts[case.id] = [f"{subject} \n {name}"]
        for body in texts:
            self.message(case.id, body)
        return case.id

    def message(self, case_id: int, body: str) -> int:
        stored = body.replace("\0", "").encode("utf-8", "replace").decode()
        message_id = db.session.execute(
            insert(Message)
            .values(case_id=case_id, channel_id=self.channel_id, direction="in", text=stored)
            .returning(Message.id)
        ).scalar_one()
        search.add_message(message_id, case_id, body)
        self.texts[case_id].append(body)
        return message_id

    def cases(self, corpus: list[list[str]]) -> None:
        """Many cases at once."""
        for texts in corpus:
            self.case(*texts)


def found(q: str, **options) -> list[int]:
    """All pages of a search, one after another."""
    options = {"condition": true(), **options}
    page = search.find_cases(q, **options)
    ids = page.case_ids
    while page.next:
        page = search.find_cases(q, **{**options, "before": page.next})
        ids = ids + page.case_ids
    return ids

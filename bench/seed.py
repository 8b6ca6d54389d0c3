"""A database with a history: N ended cases of people who write Japanese, Thai, Chinese and English.

`DATA_DIR=... python -m bench.seed --cases 100000` fills an empty database, search index included,
by bulk inserts, and prints what a caller must know as JSON: cookies of signed-in agents, an API token
and the numbers of the long cases. The LINE channel has the key and secret of bench/posts.py, and the first
`--active` people have an active chat. It refuses a database that has cases already.
"""

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import func, insert, select, text

from app import create_app, schema, transaction
from app.channels.line.credentials import Credentials
from app.channels.line.webhook import key_hash
from app.clock import now
from app.domain import agents, search, sessions, tokens
from app.extensions import db
from app.models import (
    Agent,
    Case,
    Channel,
    Contact,
    Conversation,
    Event,
    Identity,
    Message,
    Receipt,
)
from bench import posts, words

PORTION = 2000
MESSAGES_OF_A_CASE = 3
CASES_OF_A_PERSON = 3
STATUSES = ("closed",) * 7 + ("open", "pending", "pending")
TABLES = (Contact, Identity, Conversation, Case, Message, Receipt, Event)

Rows = dict[Any, list[dict[str, Any]]]


class Seeder:
    """Hands out ids and moments in order, and writes rows in portions."""

    def __init__(self, channel: Channel, staff: list[Agent], cases: int) -> None:
        self.channel_id, self.staff = channel.id, [agent.id for agent in staff]
        self.groups = [None, *(group.id for agent in staff for group in agent.groups)]
        self.rng = random.Random(7)
        self.moment = now() - timedelta(minutes=cases + 10)
        self.rows: Rows = defaultdict(list)
        self.ids = {model: db.session.scalar(select(func.max(model.id))) or 0 for model in TABLES}
        self.words: list[tuple[int, int, str]] = []
        self.subjects: list[tuple[int, str]] = []

    def add(self, model: Any, **values: Any) -> int:
        self.ids[model] += 1
        self.rows[model].append({"id": self.ids[model], **values})
        return self.ids[model]

    def add_people(self, count: int) -> None:
        for number in range(1, count + 1):
            name = f"{words.NAMES[number % len(words.NAMES)]} {number}"
            where = {"channel_id": self.channel_id, "external_id": posts.user_id(number)}
            self.add(Contact, name=name, created_at=self.moment)
            self.add(Identity, **where, contact_id=number, looked_up_at=self.moment)
            self.add(Conversation, **where, kind="user", identity_id=number, created_at=self.moment)

    def add_case(self, person: int, *, is_active: bool, messages: int = MESSAGES_OF_A_CASE) -> int:
        began = self.moment
        case_id = self.ids[Case] + 1
        last = {"in": None, "out": None}
        subject = ""
        for turn in range(messages):
            direction = "out" if turn % 2 else "in"
            said = self._say(case_id, person, direction)
            last[direction] = self.ids[Message]
            subject = subject or said[:60]
        status = "open" if is_active else self.rng.choice(STATUSES)
        self.add(
            Case,
            channel_id=self.channel_id,
            conversation_id=person,
            contact_id=person,
            subject=subject,
            status=status,
            chat_state="active" if is_active else "ended",
            group_id=self.rng.choice(self.groups),
            assignee_id=None if is_active else self.rng.choice((None, *self.staff)),
            created_at=began,
            last_message_at=self.moment,
            last_activity_at=self.moment,
            last_message_id=self.ids[Message],
            last_contact_message_id=last["in"],
            last_agent_message_id=last["out"],
            unanswered_since=self.moment if is_active else None,
            ended_at=None if is_active else self.moment,
        )
        self.subjects.append((case_id, subject))
        self.add_event("case.created", case_id, None, began)
        self.moment = began + timedelta(minutes=1)
        return case_id

    def _say(self, case_id: int, person: int, direction: str) -> str:
        self.moment += timedelta(milliseconds=5)
        is_in = direction == "in"
        said = words.question(self.rng, case_id) if is_in else words.answer(self.rng)
        message_id = self.add(
            Message,
            case_id=case_id,
            channel_id=self.channel_id,
            direction=direction,
            text=said,
            contact_id=person if is_in else None,
            agent_id=None if is_in else self.staff[0],
            external_id=f"m{self.ids[Message]:017d}",
            sent_at=self.moment,
            received_at=self.moment,
            state=None if is_in else "sent",
        )
        self.words.append((message_id, case_id, said))
        kind = "message.received" if is_in else "message.sent"
        self.add_event(kind, case_id, message_id, self.moment)
        if is_in:
            self._acknowledge(message_id, person)
        return said

    def add_event(self, kind: str, case_id: int, message_id: int | None, at: datetime) -> None:
        about = {"case_id": case_id, "message_id": message_id}
        self.add(Event, type=kind, **about, occurred_at=at, data="{}")

    def _acknowledge(self, message_id: int, person: int) -> None:
        self.add(
            Receipt,
            channel_id=self.channel_id,
            event_key=f"{message_id:032x}",
            conversation_id=person,
            received_at=self.moment,
            reply_token=f"{message_id:032x}",
        )

    def write(self) -> None:
        """Everything collected so far, in one transaction."""
        with transaction.writing():
            for model in TABLES:
                if rows := self.rows.pop(model, None):
                    db.session.connection().execute(insert(model), rows)
            for message_id, case_id, said in self.words:
                search.add_message(message_id, case_id, said)
            for case_id, subject in self.subjects:
                search.put_case(case_id, subject)
            self.words.clear(), self.subjects.clear()


def seed(cases: int, *, active: int = 200, long: Iterable[int] = ()) -> dict[str, Any]:
    """Fill the current application's database; what the caller must know of it."""
    if db.session.scalar(select(func.count()).select_from(Case)):
        raise SystemExit("This database has cases already; the bench fills empty ones only.")
    with transaction.writing():
        channel, staff = _channel(), _staff()
        signed_in = [sessions.start(agent) for agent in staff]
        api_token = tokens.create(staff[0])
    seeder = Seeder(channel, staff, cases)
    people = max(active, cases // CASES_OF_A_PERSON, 1)
    seeder.add_people(people)
    for number in range(cases):
        seeder.add_case(number % people + 1, is_active=False)
        if number % PORTION == PORTION - 1:
            seeder.write()
    numbers = [seeder.add_case(1, is_active=False, messages=count) for count in long]
    seeder.moment = now()
    for person in range(1, active + 1):
        seeder.add_case(person, is_active=True)
    seeder.write()
    _tell_planner()
    told = {"sessions": signed_in, "api_token": api_token, "long_cases": numbers}
    return told | {"active": active, "people": people}


def _channel() -> Channel:
    values = {"name": "Shop", "kind": "line", "key_hash": key_hash(posts.KEY), "key": posts.KEY}
    channel = Channel(**values, state="connected", display_name="Shop", external_id="U" + "d" * 32)
    Credentials(token=posts.TOKEN, secret=posts.SECRET, channel_id="1").keep(channel)
    db.session.add(channel)
    db.session.flush()
    return channel


def _staff() -> list[Agent]:
    """An admin, who sees everything, and an agent each of two groups: three audiences."""
    return [
        agents.create("admin@example.com", name="Alice", role="admin"),
        *(
            agents.create(f"{name}@example.com", name=name.title(), access="own_groups",
                          groups=[agents.create_group(group)])
            for name, group in (("bob", "Sales"), ("charlie", "Support"))
        ),
    ]  # fmt: skip


def _tell_planner() -> None:
    """On PostgreSQL: go on counting ids after ours, and know the tables' sizes."""
    if db.engine.dialect.name != "postgresql":
        return
    with transaction.writing():
        for model in TABLES:
            name = model.__tablename__
            db.session.execute(
                text(
                    f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"
                )
            )
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def cookies(app: Flask, signed_in: Iterable[str]) -> list[str]:
    """Cookie headers of signed-in browsers."""
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    name = app.config["SESSION_COOKIE_NAME"]
    return [f"{name}={serializer.dumps({'token': token})}" for token in signed_in]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--active", type=int, default=200)
    parser.add_argument("--long", type=int, action="append", default=[], metavar="MESSAGES")
    asked = parser.parse_args()
    app = create_app()
    schema.bring_up_to_date(app)
    with app.app_context():
        known = seed(asked.cases, active=asked.active, long=asked.long)
        print(json.dumps(known | {"cookies": cookies(app, known.pop("sessions"))}))


if __name__ == "__main__":
    main()

"""A database with a history: N ended cases of people who write Japanese, Thai, Chinese and English.

`DATA_DIR=... python -m bench.seed --cases 100000` fills an empty database, search index included,
by bulk inserts, and prints what a caller must know as JSON: cookies of signed-in agents, an API token
and the numbers of the long cases. The LINE channel has the key and secret of bench/posts.py, and the first
`--active` people have an active chat. It refuses a database that has cases already.
"""

import argparse
import itertools
import json
import random
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import func, select, text, update

from app import create_app, schema, transaction
from app.channels.line.credentials import Credentials
from app.channels.line.webhook import key_hash
from app.clock import now
from app.domain import agents, labels, sessions, tokens
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
    case_labels,
)
from bench import bulk, posts, words

PORTION = 10_000
MESSAGES_OF_A_CASE = 3
CASES_OF_A_PERSON = 3
SESSIONS = 2  # of an agent: each may have 200 pages
STATUSES = ("closed",) * 7 + ("open", "pending", "pending")
SELDOM_AGENT = 3
NEVER_PENDING = ("closed",) * 8 + ("open", "open")
# In an order that foreign keys allow; what isn't named here has the model's default.
COLUMNS: dict[Any, tuple[str, ...]] = {
    Contact: ("id", "name", "created_at"),
    Identity: ("id", "channel_id", "external_id", "contact_id", "looked_up_at"),
    Conversation: ("id", "channel_id", "external_id", "kind", "identity_id", "created_at"),
    Case: (
        *("id", "channel_id", "conversation_id", "contact_id", "subject", "status", "chat_state"),
        *("group_id", "assignee_id", "created_at", "last_message_at", "last_activity_at"),
        *("last_message_id", "last_contact_message_id", "last_agent_message_id"),
        *("last_contact_at", "last_agent_at", "unanswered_since", "ended_at"),
    ),
    Message: (
        *("id", "case_id", "channel_id", "direction", "text", "contact_id", "agent_id"),
        *("external_id", "sent_at", "received_at", "state"),
    ),
    Receipt: ("id", "channel_id", "event_key", "conversation_id", "received_at", "reply_token"),
    Event: ("id", "type", "case_id", "message_id", "occurred_at"),
}
PHRASES = 3000


class Seeder:
    """Hands out ids and moments in order, and writes rows in portions."""

    def __init__(self, channel: Channel, staff: list[Agent], cases: int, seldom: int) -> None:
        self.statuses = NEVER_PENDING if seldom else STATUSES
        self.seldom_cases: list[int] = []
        self.channel_id, self.staff = channel.id, [agent.id for agent in staff]
        self.groups = [None, *(group.id for agent in staff for group in agent.groups)]
        self.rng = random.Random(7)
        self.phrases = [words.phrase(self.rng) for _ in range(PHRASES)]
        self.moment = _naive(now()) - timedelta(minutes=cases + 10)
        self.rows: dict[Any, list[tuple[Any, ...]]] = {model: [] for model in COLUMNS}
        self.ids = {model: db.session.scalar(select(func.max(model.id))) or 0 for model in COLUMNS}
        self.words: list[tuple[int, int, str]] = []
        self.subjects: list[tuple[int, str]] = []

    def add(self, model: Any, *values: Any) -> int:
        """A row of `values`, as COLUMNS names them behind the id."""
        self.ids[model] = row_id = self.ids[model] + 1
        self.rows[model].append((row_id, *values))
        return row_id

    def add_people(self, count: int) -> None:
        moment = self._now()
        for number in range(1, count + 1):
            where = self.channel_id, posts.user_id(number)
            self.add(Contact, f"{words.NAMES[number % len(words.NAMES)]} {number}", moment)
            self.add(Identity, *where, number, moment)
            self.add(Conversation, *where, "user", number, moment)

    def add_case(
        self, person: int, *, is_active: bool, messages: int, is_seldom: bool = False
    ) -> int:
        began, case_id = self.moment, self.ids[Case] + 1
        began_at = self._now()
        last: dict[str, tuple[int | None, str | None]] = {"in": (None, None), "out": (None, None)}
        subject = ""
        for turn in range(messages):
            direction = "out" if turn % 2 else "in"
            said = self._say(case_id, person, direction, words.SELDOM if is_seldom and not turn else "")
            last[direction] = self.ids[Message], self._now()
            subject = subject or said[:60]
        (contact_message, contact_at), (agent_message, agent_at) = last["in"], last["out"]
        at = self._now()
        status, assignee = self.rng.choice(self.statuses), self.rng.choice((None, *self.staff[:SELDOM_AGENT]))
        if is_active:
            status, assignee = "open", None
        elif is_seldom:
            status, assignee = "pending", self.staff[SELDOM_AGENT]
            self.seldom_cases.append(case_id)
        group = self.rng.choice(self.groups)
        self.add(
            Case,
            *(self.channel_id, person, person, subject, status, "active" if is_active else "ended"),
            *(group, assignee, began_at, at, at),
            *(self.ids[Message], contact_message, agent_message),
            *(contact_at, agent_at, at if is_active else None, None if is_active else at),
        )
        self.subjects.append((case_id, subject))
        self.add(Event, "case.created", case_id, None, began_at)
        self.moment = began + timedelta(minutes=1)
        return case_id

    def _say(self, case_id: int, person: int, direction: str, said: str) -> str:
        """A message, of these words where they are given."""
        self.moment += timedelta(milliseconds=5)
        at, is_in = self._now(), direction == "in"
        said = said or (self._question(case_id) if is_in else words.answer(self.rng))
        message_id = self.add(
            Message,
            *(case_id, self.channel_id, direction, said),
            *((person, None) if is_in else (None, self.staff[0])),
            *(f"m{self.ids[Message]:017d}", at, at, None if is_in else "sent"),
        )
        self.words.append((message_id, case_id, said))
        self.add(Event, "message.received" if is_in else "message.sent", case_id, message_id, at)
        if is_in:
            key = f"{message_id:032x}"
            self.add(Receipt, self.channel_id, key, person, at, key)
        return said

    def _question(self, case_id: int) -> str:
        return words.with_order(self.rng, self.rng.choice(self.phrases), case_id)

    def _now(self) -> str:
        """The moment as both databases read it."""
        return self.moment.isoformat(" ", "microseconds")

    def write(self) -> None:
        """Everything collected so far, in one transaction."""
        with transaction.writing():
            for model, rows in self.rows.items():
                bulk.insert(model, COLUMNS[model], rows)
                rows.clear()
            bulk.index_messages(self.words)
            bulk.index_cases(self.subjects)
            self.words.clear(), self.subjects.clear()


def seed(
    cases: int,
    *,
    messages: int = MESSAGES_OF_A_CASE,
    active: int = 200,
    long: Iterable[int] = (),
    seldom: int = 0,
    colleagues: int = 0,
) -> dict[str, Any]:
    """Fill the current application's database; what the caller must know of it.

    The active chats wait, or are taken by so many `colleagues`, who see everything.

    So many `seldom` cases, spread over all of them, are alone in being pending, in their label,
    in being Dana's and in what they ask for.
    """
    if db.session.scalar(select(func.count()).select_from(Case)):
        raise SystemExit("This database has cases already; the bench fills empty ones only.")
    with transaction.writing():
        channel, staff, takers = _channel(), _staff(), _colleagues(colleagues)
        audiences = staff[:SELDOM_AGENT] * SESSIONS
        signed_in = [sessions.start(agent) for agent in (*audiences, *takers)]
        api_token = tokens.create(staff[0])
    seeder = Seeder(channel, staff, cases, seldom)
    people = max(active, cases // CASES_OF_A_PERSON, 1)
    with bulk.without_indexes(COLUMNS):
        seeder.add_people(people)
        for number in range(cases):
            is_seldom = bool(seldom) and number % (cases // seldom) == 0
            person = number % people + 1
            seeder.add_case(person, is_active=False, messages=messages, is_seldom=is_seldom)
            if number % PORTION == PORTION - 1:
                seeder.write()
        numbers = [seeder.add_case(1, is_active=False, messages=count) for count in long]
        seeder.moment = _naive(now())
        chats = [
            seeder.add_case(person, is_active=True, messages=messages) for person in range(1, active + 1)
        ]
        seeder.write()
    _take(chats, takers)
    _tell_planner()
    label_id = _label(seeder.seldom_cases) if seldom else None
    rare = {"seldom_label": label_id, "seldom_agent": staff[SELDOM_AGENT].id}
    told = {"sessions": signed_in, "api_token": api_token, "long_cases": numbers}
    return told | rare | {"active": active, "people": people, "chats": chats, "colleagues": colleagues}


def _naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def _channel() -> Channel:
    values = {"name": "Shop", "kind": "line", "key_hash": key_hash(posts.KEY), "key": posts.KEY}
    channel = Channel(**values, state="connected", display_name="Shop", external_id="U" + "d" * 32)
    Credentials(token=posts.TOKEN, secret=posts.SECRET, channel_id="1").keep(channel)
    db.session.add(channel)
    db.session.flush()
    return channel


def _staff() -> list[Agent]:
    """An admin, who sees everything, and an agent each of two groups: three audiences. Dana has few cases."""
    return [
        agents.create("admin@example.com", name="Alice", role="admin"),
        *(
            agents.create(f"{name}@example.com", name=name.title(), access="own_groups",
                          groups=[agents.create_group(group)])
            for name, group in (("bob", "Sales"), ("charlie", "Support"))
        ),
        agents.create("dana@example.com", name="Dana"),
    ]  # fmt: skip


def _label(cases: Iterable[int]) -> int:
    with transaction.writing():
        label = labels.create("Repair", by=None)
        rows = [{"case_id": case_id, "label_id": label.id} for case_id in cases]
        db.session.execute(case_labels.insert(), rows)
        return label.id


def _colleagues(count: int) -> list[Agent]:
    return [
        agents.create(f"colleague{number}@example.com", name=f"Colleague {number}")
        for number in range(1, count + 1)
    ]


def _take(chats: list[int], takers: list[Agent]) -> None:
    """Each chat is taken by the next of them."""
    with transaction.writing():
        for chat, taker in zip(chats, itertools.cycle([agent.id for agent in takers])):
            db.session.execute(update(Case).where(Case.id == chat).values(taken_by_id=taker))


def _tell_planner() -> None:
    """On PostgreSQL: go on counting ids after ours, and know the tables' sizes."""
    if db.engine.dialect.name != "postgresql":
        return
    with transaction.writing():
        for model in COLUMNS:
            name = model.__tablename__
            db.session.execute(
                text(
                    f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"
                )
            )
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def cookies(app: Flask, signed_in: Iterable[str]) -> list[str]:
    """Cookie headers of signed-in browsers that have had a page already, and its forms' token."""
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    name = app.config["SESSION_COOKIE_NAME"]
    kept = [{"token": token, "csrf_token": secrets.token_hex(20)} for token in signed_in]
    return [f"{name}={serializer.dumps(one)}" for one in kept]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=MESSAGES_OF_A_CASE, help="of a case")
    parser.add_argument("--active", type=int, default=200)
    parser.add_argument("--seldom", type=int, default=0, metavar="CASES", help="see seed()")
    parser.add_argument("--colleagues", type=int, default=0, help="who have taken the active chats")
    parser.add_argument("--long", type=int, action="append", default=[], metavar="MESSAGES")
    asked = parser.parse_args()
    app = create_app()
    schema.bring_up_to_date(app)
    with app.app_context():
        known = seed(**vars(asked))
        print(json.dumps(known | {"cookies": cookies(app, known.pop("sessions"))}))


if __name__ == "__main__":
    main()

"""A case that somebody writes down leaves the same rows on both databases, and is found."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import event, select, text

from app import transaction
from app.domain import access, agents, cases
from app.extensions import db
from app.models import Agent, Base, Case

#: Where `clock` stands.
THEN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
BESIDE = ("channel", "contact", "conversation", "assignee", "taken_by", "labels")
FILLED = ("contacts", "identities", "conversations", "cases", "messages", "events")
pytestmark = pytest.mark.usefixtures("clock")


def rows(table: str) -> list[dict]:
    """All rows of a table without what is empty in them."""
    query = Base.metadata.tables[table].select().order_by(text("id"))
    found = [dict(row._mapping) for row in db.session.execute(query)]
    return [{name: value for name, value in row.items() if value is not None} for row in found]


def written(by: Agent | None, **changes) -> dict[str, list[dict]]:
    """What writing a case down added to the tables."""
    before = {name: len(rows(name)) for name in FILLED}
    values = {"subject": "", "text_": "注文はどこですか", "contact_name": " 田中 恵 "} | changes
    with transaction.writing():
        made = cases.open_by_hand(**values, by=by and db.session.get_one(Agent, by.id))
        number = made.number
    assert number == rows("cases")[-1]["id"]
    return {name: rows(name)[before[name] :] for name in FILLED}


def test_every_table_has_what_belongs_to_it(alice):
    found = written(alice)
    contact, identity, conversation, case, message = (
        found[name][0]["id"] for name in FILLED[:5]
    )
    channel = found["cases"][0]["channel_id"]
    fact = {"occurred_at": THEN, "case_id": case, "agent_id": alice.id, "data": "{}"}
    facts = found["events"]

    assert found["contacts"] == [{"id": contact, "name": "田中 恵", "created_at": THEN}]
    assert found["identities"] == [
        {
            "id": identity,
            "channel_id": channel,
            "external_id": str(contact),
            "contact_id": contact,
            "lookup_attempts": 0,
        }
    ]
    assert found["conversations"] == [
        {
            "id": conversation,
            "channel_id": channel,
            "kind": "thread",
            "external_id": str(contact),
            "identity_id": identity,
            "lookup_attempts": 0,
            "created_at": THEN,
        }
    ]
    assert found["cases"] == [
        {
            "id": case,
            "channel_id": channel,
            "conversation_id": conversation,
            "contact_id": contact,
            "subject": "注文はどこですか",
            "subject_is_edited": False,
            "status": "open",
            "priority": "normal",
            "chat_state": "none",
            "is_spam": False,
            "last_message_id": message,
            "last_contact_message_id": message,
            **dict.fromkeys(
                ("created_at", "last_message_at", "last_activity_at", "last_contact_at", "unanswered_since"),
                THEN,
            ),
        }
    ]
    assert found["messages"] == [
        {
            "id": message,
            "case_id": case,
            "channel_id": channel,
            "direction": "in",
            "kind": "text",
            "text": "注文はどこですか",
            "contact_id": contact,
            "is_automatic": False,
            "received_at": THEN,
            "is_late": False,
        }
    ]
    assert facts == [
        {"id": facts[0]["id"], "type": "case.created", **fact},
        {"id": facts[1]["id"], "type": "message.received", "message_id": message, **fact},
    ]
    assert facts[0]["id"] < facts[1]["id"]


@pytest.mark.parametrize("contact_name", ["田中 恵", ""])
def test_what_is_returned_is_what_would_be_read_and_nobody_reads_it(contact_name, asked):
    written(None)
    with transaction.writing():
        sales = agents.create_group("Sales")
        asked.clear()
        made = cases.open_by_hand(subject="", text_="x", contact_name=contact_name, by=None, group=sales)
        before = len(asked)
        rows = (made, made.contact, made.conversation)
        told = [columns(row) for row in rows]
        beside = [getattr(made, name) for name in BESIDE]
        assert made.conversation.channel is made.channel
        assert not asked[before:]
        assert not [said for said in asked if "FROM cases" in said and said.startswith("SELECT")]
        db.session.expire_all()

    assert told == [columns(row) for row in rows]
    assert beside == [getattr(made, name) for name in BESIDE]
    assert made.group_id == sales.id
    assert made in db.session.scalars(select(Case)).all()


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_case_may_have_the_number_of_one_that_was_rolled_back(alice):
    """PostgreSQL gives none twice."""
    written(None)
    with transaction.writing():
        lost = cases.open_by_hand(subject="lost", text_="x", contact_name="Nobody", by=None)
        number = lost.number
        transaction.start_writing()
        made = cases.open_by_hand(subject="made", text_="x", contact_name="Yuki", by=None)
    assert made.number == number
    assert (made.subject, made.contact.name) == ("made", "Yuki")


@pytest.fixture
def asked():
    """What SQLAlchemy has said to the database, as it goes on."""
    said: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        said.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield said
    event.remove(db.engine, "before_cursor_execute", note)


def columns(row: Base) -> dict[str, object]:
    return {name: getattr(row, name) for name in row.__table__.columns.keys()}


def test_it_belongs_to_the_channels_group_or_to_the_one_that_is_named(alice):
    with transaction.writing():
        sales, night = (agents.create_group(name).id for name in ("Sales", "Night"))
    written(alice)
    channel = db.session.scalars(select(Case)).first().channel
    with transaction.writing():
        db.session.get_one(type(channel), channel.id).group_id = sales

    assert written(alice)["cases"][0]["group_id"] == sales
    with transaction.writing():
        group = agents.groups_of([night])[0]
        cases.open_by_hand(subject="", text_="x", contact_name="y", by=None, group=group)
    assert rows("cases")[-1]["group_id"] == night


@pytest.mark.parametrize("text_", ["", "!?", "いつ届きますか 50%"])
def test_a_text_is_found_and_nothing_to_find_is_no_fault(text_, alice):
    number = written(None, text_=text_, subject="急ぎ")["cases"][0]["id"]

    for q in ("急ぎ", "田中", *(["届きま"] if "届" in text_ else [])):
        found = cases.listed(access.EVERYTHING, chat="all", q=q).cases
        assert [case.number for case in found] == [number]


def test_who_has_no_name_is_found_by_what_the_channel_calls_them():
    written(None)
    nameless = written(None, contact_name="  ")
    number, called = nameless["cases"][0]["id"], nameless["identities"][0]["external_id"]

    assert "name" not in nameless["contacts"][0]
    assert number in [case.number for case in cases.listed(access.EVERYTHING, chat="all", q=called).cases]


def test_a_message_that_comes_after_it_has_the_next_number(alice):
    first = written(alice)["messages"][0]["id"]

    assert written(alice)["messages"][0]["id"] == first + 1

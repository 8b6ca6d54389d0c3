"""What tests of chats and cases share: a world with a chat, and words for requests and answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from app import transaction
from app.domain import agents, chats, sessions
from app.extensions import db
from app.models import Agent, Case, Channel, Contact, Group, Identity, Message
from tests import world

HTMX = {"HX-Request": "true"}


def fragment(client: FlaskClient, path: str, **options: Any) -> TestResponse:
    """GET as a page's script does."""
    return client.get(path, headers=HTMX | options.pop("headers", {}), **options)


def act(client: FlaskClient, path: str, **fields: Any) -> TestResponse:
    """POST as a page's script does."""
    return client.post(path, data=fields, headers=HTMX)


def chat_in(app: Flask, text: str = "My order is late", *, who: str = "Usomchai", name: str = "") -> int:
    """An incoming chat on the one channel; its number."""
    with app.app_context():
        known = db.session.scalar(select(Channel).where(Channel.kind == "toy"))
        known = known or world.connected("toy")
        transaction.release()
        case = world.chat_of(known, text, who=who)
        if name:
            call(case.id, name)
        return case.id


def call(number: int, name: str) -> None:
    """Give the contact of a case a name."""
    with transaction.writing():
        contact = db.session.get_one(Contact, db.session.get_one(Case, number).contact_id)
        contact.name = name


def says(app: Flask, number: int, text: str) -> int:
    """The contact of this case writes again; the message's id."""
    with app.app_context():
        case = db.session.get_one(Case, number)
        channel, who = case.channel, case.conversation.external_id
        transaction.release()
        world.receive(channel, world.said(text, who=who))
        return db.session.get_one(Case, number).last_message_id


def taken(app: Flask, number: int, agent: Agent) -> None:
    with app.app_context(), transaction.writing():
        chats.take(db.session.get_one(Case, number), by=db.session.get_one(Agent, agent.id))


def ended(app: Flask, number: int, status: str = "closed") -> None:
    with app.app_context(), transaction.writing():
        chats.end(db.session.get_one(Case, number), status, by=None)


def replied(app: Flask, number: int, text: str, agent: Agent) -> int:
    with app.app_context(), transaction.writing():
        case = db.session.get_one(Case, number)
        return chats.reply(case, text, by=db.session.get_one(Agent, agent.id)).id


def sessions_ended(app: Flask, agent: Agent) -> None:
    """Sign an agent out everywhere."""
    with app.app_context(), transaction.writing():
        sessions.end_all(db.session.get_one(Agent, agent.id))


def grouped(app: Flask, number: int, name: str) -> int:
    """Move a case to a group, made when it is not there; the group's id."""
    with app.app_context(), transaction.writing():
        group = db.session.scalar(select(Group).where(Group.name == name))
        group = group or agents.create_group(name)
        db.session.get_one(Case, number).group_id = group.id
        return group.id


def messages_of(app: Flask, number: int) -> list[tuple[str, str]]:
    """Direction and text of each message."""
    with app.app_context():
        query = select(Message.direction, Message.text).where(Message.case_id == number)
        return [tuple(row) for row in db.session.execute(query.order_by(Message.id))]


def case_of(app: Flask, number: int) -> Case:
    with app.app_context():
        case = db.session.get_one(Case, number)
        db.session.expunge(case)
        return case


def identity_of(app: Flask, number: int) -> Identity:
    with app.app_context():
        case = db.session.get_one(Case, number)
        return db.session.scalars(
            select(Identity).where(Identity.contact_id == case.contact_id)
        ).one()


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """The statements that requests send meanwhile."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)

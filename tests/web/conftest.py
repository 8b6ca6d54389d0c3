"""Browsers for the tests of pages: forms are sent as a page would send them."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.test import TestResponse

from app import password_mails, transaction
from app.domain import passwords
from app.extensions import db
from app.models import Agent

PASSWORD = "four unrelated quiet words"
Send = Callable[..., TestResponse]


@pytest.fixture(scope="session")
def password_hash() -> str:
    return passwords.hashed(PASSWORD)


@pytest.fixture
def with_password(app, password_hash) -> Callable[[Agent], Agent]:
    """A function that gives an agent PASSWORD."""

    def give(agent: Agent) -> Agent:
        with app.app_context(), transaction.writing():
            db.session.get_one(Agent, agent.id).password_hash = password_hash
        return agent

    return give


@pytest.fixture
def send() -> Send:
    """A function that opens a page and sends its form with the token that stands in it."""

    def do(client: FlaskClient, path: str, fields: dict, *, page: str = "", **options) -> TestResponse:
        found = re.search(r'name="csrf-token" content="([^"]+)"', client.get(page or path).text)
        token = {"csrf_token": found[1]} if found else {}
        return client.post(path, data={**fields, **token}, **options)

    return do


@pytest.fixture
def mail_all(app: Flask) -> Callable[[], None]:
    """A function that mails links for passwords until nothing is due, as the mail worker does."""

    def do() -> None:
        with app.app_context():
            while password_mails.mail_one():
                pass

    return do


def link_in(mail: EmailMessage) -> str:
    """The path of the link for a password in this mail."""
    return re.search(r"http://localhost(/invitations/\S+)", mail.get_content())[1]


@contextmanager
def statements_of(app: Flask) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    made: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        made.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield made
    event.remove(engine, "before_cursor_execute", note)

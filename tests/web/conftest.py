"""Browsers for the tests of pages: forms are sent as a page would send them."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import transaction
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

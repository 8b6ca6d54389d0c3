"""A simulated LINE beside Mado, and short ways through the connection form."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.channels.line.credentials import Credentials
from app.extensions import db
from app.models import Agent, Channel
from linesim import create_app as create_line
from linesim.faults import Fault
from linesim.serving import Running
from tests.channels import line_posts

TOKEN = "CANARY-token-of-the-account-TOK4"
SECRET = "CANARY-secret-of-the-account-SEC4"
ACCOUNT = "Sakura Store さくら"
LINE_CHANNEL_ID = "1650000042"
FORM = "/settings/channels/line"


class Line:
    """The simulated LINE, on a port of its own."""

    def __init__(self) -> None:
        app = create_line(
            token=TOKEN, secret=SECRET, channel_id=LINE_CHANNEL_ID, name=ACCOUNT, webhook=""
        )
        self._running = Running(app)
        self.url = self._running.url
        self.world = app.extensions["linesim"]

    @property
    def account(self) -> Any:
        return self.world.sim.account

    def spoil(self, call: str, what: str, **more: Any) -> None:
        """Order a fault for the next call of this name."""
        self.world.faults.order(Fault(call, what, **more))

    def calls(self) -> list[str]:
        """Names of the calls that came, oldest first."""
        return [call.name for call in self.world.calls.entries()]

    def stop(self) -> None:
        self._running.stop()


@pytest.fixture
def line(app: Flask, tmp_path: Path) -> Iterator[Line]:
    """LINE for this app, which may reach this machine and keeps pictures in tmp_path."""
    running, config = Line(), app.extensions["mado"]
    app.extensions["mado"] = replace(
        config,
        line_api_url=running.url,
        data_dir=tmp_path,
        allow_private_hosts=frozenset({"127.0.0.1"}),
    )
    yield running
    app.extensions["mado"] = config
    running.stop()


@pytest.fixture
def admin(client: FlaskClient, alice: Agent, sign_in) -> FlaskClient:
    """Alice's browser."""
    return sign_in(client, alice)


def begin(client: FlaskClient) -> str:
    """Press "Connect LINE"; the address of the form."""
    answer = client.post(FORM)
    assert answer.status_code == 303
    return answer.location


def webhook_url(page: str) -> str:
    """What stands in the form's field "Webhook URL"."""
    found = re.search(
        r'<label for="([^"]+)">Webhook URL</label>.*?id="\1" value="([^"]+)"', page, re.S
    )
    assert found, "no field Webhook URL"
    return found[2]


def connect(client: FlaskClient, form: str, **fields: str) -> TestResponse:
    """Fill in the form and press "Connect"."""
    right = {"name": "Shop", "token": TOKEN, "secret": SECRET}
    return client.post(f"{form}/connection", data=right | fields)


def connected(client: FlaskClient, **fields: str) -> str:
    """A connected channel; the address of its page."""
    form = begin(client)
    answer = connect(client, form, **fields)
    assert answer.status_code == 303, answer.text
    return form


def channel_of(app: Flask, form: str) -> Channel:
    """The row behind a form's address, as it is in the database now."""
    with app.app_context():
        return db.session.get_one(Channel, int(form.rsplit("/", 1)[1]))


def credentials_of(app: Flask, form: str) -> Credentials:
    return Credentials.of(channel_of(app, form))


def key_of(page: str) -> str:
    return webhook_url(page).rsplit("/", 1)[1]


def call(client: FlaskClient, key: str, body: object, secret: str = SECRET) -> int:
    """LINE calls; the status it gets."""
    raw = json.dumps(body).encode()
    signed = line_posts.signature(raw, secret)
    return client.post(
        f"/line/webhook/{key}", data=raw, headers={"x-line-signature": signed}
    ).status_code


def error_at(page: str, field: str) -> str:
    found = re.search(rf'id="{field}-error">.*?<span>(.*?)</span>', page, re.S)
    return found[1] if found else ""


def value_of(page: str, field: str) -> str:
    tag = re.search(rf'<input[^>]*id="{field}"[^>]*>', page)
    assert tag, f"no input {field}"
    found = re.search(r'value="([^"]*)"', tag[0])
    return found[1] if found else ""


def edit(admin: FlaskClient, shop: str, **fields: str) -> TestResponse:
    """Change a connected channel; every field that is not given is left empty."""
    return admin.post(shop, data={"name": "Shop"} | fields)


@pytest.fixture
def shop(admin: FlaskClient, line: Line) -> Iterator[str]:
    """The page of a connected channel."""
    yield connected(admin)

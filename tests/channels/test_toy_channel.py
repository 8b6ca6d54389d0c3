"""A channel is one folder: a new kind comes in from a temporary package, and no core file knows it."""

import sys
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

import app.channels as channels
from app import create_app, delivery, schema, transaction
from app.channels import registry
from app.domain import chats
from app.extensions import db
from app.models import Agent, Case, Channel, Message
from tests.conftest import config_for

PAPER = '''
"""Paper planes: one folder that brings its adapter and its way in."""

from flask import Blueprint, request

from app import transaction
from app.channels.base import Adapter, Inbound, Kind, Sent
from app.clock import now
from app.domain import inbox
from app.extensions import csrf, db
from app.models import Channel

blueprint = Blueprint("paper", __name__)
thrown = []


@blueprint.post("/paper/webhook/<int:channel_id>")
def land(channel_id):
    transaction.start_writing()
    said = request.get_json()
    event = Inbound(
        key=said["id"], kind="message", occurred_at=now(), conversation_kind="user",
        conversation_id=said["from"], sender_id=said["from"], message_id=said["id"],
        text=said["text"], sender_name=said["from"].title(),
    )
    inbox.receive(inbox.Source.of(db.session.get_one(Channel, channel_id)), [event])
    transaction.commit()
    return {}


land._own_transaction = True
csrf.exempt(blueprint)


class Paper(Adapter):
    kind, label, is_chat, can_send = "paper", "Paper", True, True
    text_limit, free_reply_seconds = 100, 0.0

    def compose(self, content):
        return content.text.upper()

    def send(self, outgoing):
        thrown.append((outgoing.to, outgoing.body))
        return Sent(("plane-1",))

    def person(self, channel, external_id):
        return None

    def group(self, channel, kind, external_id):
        return None

    def unnamed(self, kind, external_id):
        return external_id or "Somebody"


def register():
    return Kind(adapter=Paper(), blueprints=[blueprint])
'''


@pytest.fixture
def paper_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    folder = tmp_path / "kinds" / "paper"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(PAPER)
    monkeypatch.setattr(channels, "__path__", [*channels.__path__, str(folder.parent)])
    monkeypatch.setattr(registry, "_kinds", {})
    monkeypatch.delitem(sys.modules, "app.channels.paper", raising=False)
    app = create_app(config_for(f"sqlite:///{tmp_path / 'mado.sqlite3'}", tmp_path))
    schema.bring_up_to_date(app)
    return app


def test_channel_from_a_temporary_package_goes_inbound_reply_sent(paper_app: Flask):
    with paper_app.app_context(), transaction.writing():
        channel = Channel(kind="paper", name="Roof", state="connected")
        agent = Agent(email="bob@example.com", name="Bob")
        db.session.add_all([channel, agent])

    said = {"id": "1", "from": "yuki", "text": "Anybody up there?"}
    answer = paper_app.test_client().post(f"/paper/webhook/{channel.id}", json=said)
    assert answer.status_code == 200

    with paper_app.app_context():
        case = db.session.scalars(select(Case)).one()
        with transaction.writing():
            chats.reply(case, "Yes!", by=db.session.get_one(Agent, agent.id))
        delivery.deliver_due()
        db.session.expire_all()

        assert case.contact.name == "Yuki"
        assert db.session.scalars(select(Message.state).order_by(Message.id)).all() == [None, "sent"]
        assert sys.modules["app.channels.paper"].thrown == [("yuki", "YES!")]

"""Rules that order a call of another program: nothing leaves before the commit."""

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models import WebhookCall
from tests.domain.rules.conftest import rule
from tests.world import chat_of

pytestmark = pytest.mark.usefixtures("channel")
URL = "https://example.com/mado"


def test_call_is_queued_with_its_rule_and_case(channel):
    ordered = rule("new_case", then=[("call_webhook", URL)])
    case = chat_of(channel)
    call = db.session.scalars(select(WebhookCall)).one()
    assert (call.url, call.rule_id, call.case_id) == (URL, ordered.id, case.id)
    assert (call.state, call.attempts) == ("queued", 0)
    assert call.due_at is not None

"""How a channel stands, for programs of admins (S9b)."""

import pytest

from app import transaction
from app.channels.line.checks import Checks
from app.clock import now
from app.extensions import db
from app.models import CallFailure, Channel
from tests.channels import line_posts


@pytest.fixture
def channel(app) -> int:
    """A LINE channel whose token was checked, with one refused call."""
    with app.app_context():
        made = line_posts.connected_line()
        with transaction.writing():
            kept = db.session.get_one(Channel, made.id)
            Checks().with_credentials(token_fits=True, secret_fits=True).keep(kept)
            kept.quota_limit, kept.quota_used, kept.quota_asked_at = 5000, 123, now()
            db.session.add(
                CallFailure(channel_id=made.id, call="push", status=429, request_id="r-1", reason="Slower.")
            )
        return made.id


def test_health_tells_what_line_last_said(api, channel):  # S9b
    told = api.get(f"/channels/{channel}/health").json
    assert told["state"] == "connected"
    found = {check["name"]: check["is_good"] for check in told["checks"]}
    assert found == {"token": True, "webhook_url": None}
    assert told["quota"]["used"] == 123
    assert told["failures"][0]["request_id"] == "r-1"
    assert line_posts.SECRET not in str(told)


def test_health_is_for_admins_tokens(program, bob, channel):  # S9b
    answer = program(bob).get(f"/channels/{channel}/health")
    assert answer.status_code == 403
    assert "admin" in answer.json["detail"]


def test_health_without_a_token_is_refused(program, channel):
    assert program().get(f"/channels/{channel}/health").status_code == 401


@pytest.mark.parametrize("number", [999, 2**31, 2**70])
def test_health_of_no_channel_is_not_found(api, number):
    assert api.get(f"/channels/{number}/health").status_code == 404


def test_health_of_a_deleted_channel_is_not_found(app, api, channel):
    with app.app_context(), transaction.writing():
        db.session.get_one(Channel, channel).state = "deleted"
    assert api.get(f"/channels/{channel}/health").status_code == 404

"""What an admin sees of an agent's API tokens, and revoking one: T18."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from app import transaction
from app.domain import tokens
from app.domain.agents import Refused
from app.extensions import db
from app.models import Agent, Event
from tests.web.conftest import statements_of


@pytest.fixture
def admin(client, alice, sign_in):
    """Alice's browser."""
    return sign_in(client, alice)


@pytest.fixture
def token(app, bob) -> str:
    """Bob's."""
    with app.app_context(), transaction.writing():
        return tokens.create(db.session.get_one(Agent, bob.id), expires_days=2)


@pytest.fixture
def path(app, token, bob) -> str:
    """The page that asks whether it is to be revoked."""
    with app.app_context():
        return f"/settings/agents/{bob.id}/tokens/{tokens.find(token).id}/revocation"


def is_living(app, token: str) -> bool:
    with app.app_context():
        return tokens.is_living(token)


def test_an_agents_page_lists_tokens_by_their_last_four_characters(admin, bob, token, path):
    page = admin.get(f"/settings/agents/{bob.id}").text
    assert re.search(rf"<code>…{token[-4:]}</code>.*never.*{re.escape(path)}", page, re.DOTALL)
    assert token[:-4] not in page
    assert tokens.hashed(token) not in page


def test_without_tokens_the_page_says_so(admin, alice):
    assert "No program acts as Alice." in admin.get(f"/settings/agents/{alice.id}").text


def test_an_expired_token_is_marked(clock, admin, alice, bob, token, sign_in):
    assert "expired" not in admin.get(f"/settings/agents/{bob.id}").text
    clock.shift(timedelta(days=2))
    assert "expired" in sign_in(admin, alice).get(f"/settings/agents/{bob.id}").text


def test_it_says_what_revoking_does_and_does_it(admin, app, alice, bob, token, path):
    page = admin.get(path).text
    assert token[-4:] in page and "can't be undone" in page
    assert is_living(app, token)
    answer = admin.post(path)
    assert (answer.status_code, answer.location) == (303, f"/settings/agents/{bob.id}")
    page = admin.get(answer.location).text
    assert f"The token that ends in {token[-4:]} is revoked." in page
    assert "No program acts as Bob." in page
    assert not is_living(app, token)
    with app.app_context():
        revoked = db.session.scalars(select(Event).where(Event.type == "token.revoked")).one()
        assert revoked.agent_id == alice.id


def test_other_tokens_live_on(admin, app, bob, token, path):
    with app.app_context(), transaction.writing():
        other = tokens.create(db.session.get_one(Agent, bob.id))
    admin.post(path)
    assert is_living(app, other)


def test_a_token_is_revoked_at_its_own_agents_page_only(admin, app, charlie, token, path):
    elsewhere = re.sub(r"/agents/\d+/", f"/agents/{charlie.id}/", path)
    assert admin.get(elsewhere).status_code == admin.post(elsewhere).status_code == 404
    assert is_living(app, token)


def test_a_token_that_is_gone_is_404(admin, path):
    admin.post(path)
    assert admin.get(path).status_code == admin.post(path).status_code == 404


@pytest.mark.parametrize("number", ["0", "999", "2147483648", "9" * 40, "x", "-1"])
def test_a_token_that_is_not_there_is_404(admin, bob, number):
    where = f"/settings/agents/{bob.id}/tokens/{number}/revocation"
    assert admin.get(where).status_code == 404
    # Werkzeug's own number limit answers 405 where another method has the same path.
    assert admin.post(where).status_code in (404, 405)


def test_who_revokes_second_is_told_that_it_is_gone(admin, bob, path, monkeypatch):
    monkeypatch.setattr(tokens, "revoke", _too_late)
    answer = admin.post(path)
    assert (answer.status_code, answer.location) == (303, f"/settings/agents/{bob.id}")
    assert "This token is gone already." in admin.get(answer.location).text


def _too_late(_token, *, by) -> None:
    raise Refused("This token is gone already.")


def test_agents_revoke_no_token(app, bob, token, path, sign_in):
    bobs = sign_in(app.test_client(), bob)
    assert bobs.get(path).status_code == bobs.post(path).status_code == 403
    assert is_living(app, token)


def test_many_tokens_cost_the_page_no_more_queries_than_one(admin, app, bob, token):
    where = f"/settings/agents/{bob.id}"
    with statements_of(app) as for_one:
        assert admin.get(where).text.count("/revocation") == 1
    with app.app_context(), transaction.writing():
        him = db.session.get_one(Agent, bob.id)
        assert tokens.create(him) != tokens.create(him)
    with statements_of(app) as for_three:
        assert admin.get(where).text.count("/revocation") == 3
    assert len(for_one) == len(for_three) > 0

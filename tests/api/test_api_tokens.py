"""Who is let in: bearer tokens only, and wrong ones tell nothing."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import event, select

from app import extensions, transaction
from app.background import Housekeeping
from app.domain import agents, limits, tokens
from app.domain.throttle import Throttle
from app.extensions import db
from app.models import Agent, ApiToken
from tests.api.conftest import BASE, Program


def deactivate(app: Flask, agent: Agent) -> None:
    with app.app_context(), transaction.writing():
        db.session.get_one(Agent, agent.id).is_active = False


def used_at(app: Flask):
    with app.app_context():
        return db.session.scalar(select(ApiToken.used_at))


def test_a_token_acts_as_its_agent(program, bob):
    made = program(bob).post("/cases", {"text": "hello", "contact": "Yuki"})
    events = program(bob).items(f"/cases/{made.json['number']}/events")
    assert {fact["agent"]["name"] for fact in events} == {"Bob"}


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic YTpi", "bearer wrong", "Bearer mado_ü", "Bearer " + "x" * 5000,
     "Token mado_x", "Bearer null", "Bearer ' OR 1=1 --"],
)  # fmt: skip
def test_anything_but_a_living_token_is_401(client, header):
    stranger = Program(client)
    response = stranger.call("GET", "/cases", headers={"Authorization": header.encode()})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith('Bearer realm="Mado"')


def test_a_cookie_without_a_token_is_401(app, alice, sign_in):
    browser = sign_in(app.test_client(), alice)
    assert browser.get("/cases").status_code == 200
    assert browser.get(f"{BASE}/cases").status_code == 401
    sent = browser.post(f"{BASE}/cases", json={"text": "hello", "contact": "Yuki"})
    assert sent.status_code == 401


def test_a_page_of_another_site_changes_nothing(app, alice, sign_in):  # T14
    browser = sign_in(app.test_client(), alice)
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    sent = browser.post(f"{BASE}/cases", data='{"text":"x","contact":"y"}', headers=headers)
    assert sent.status_code == 401


def test_an_expired_token_is_401(program, bob, clock):
    caller = program()
    with caller.client.application.app_context(), transaction.writing():
        token = tokens.create(db.session.get_one(Agent, bob.id), expires_days=1)
    caller.headers = {"Authorization": f"Bearer {token}"}
    assert caller.get("/cases").status_code == 200
    clock.shift(timedelta(days=1, seconds=1))
    assert caller.get("/cases").status_code == 401


def test_tokens_die_with_their_agent(app, program, bob):
    caller = program(bob)
    assert caller.get("/cases").status_code == 200
    deactivate(app, bob)
    assert caller.get("/cases").status_code == 401
    assert caller.post("/cases", {"text": "hello", "contact": "Yuki"}).status_code == 401


def test_a_revoked_token_is_401_at_once_and_others_live_on(app, program, bob):
    caller, other = program(bob), program(bob)
    assert caller.get("/cases").status_code == 200
    with app.app_context(), transaction.writing():
        tokens.revoke(tokens.of_agent(db.session.get_one(Agent, bob.id))[0], by=None)
    assert caller.get("/cases").status_code == 401
    assert caller.post("/cases", {"text": "hello", "contact": "Yuki"}).status_code == 401
    assert other.get("/cases").status_code == 200


def test_a_new_password_leaves_tokens_alive(app, program, bob):
    caller = program(bob)
    with app.app_context(), transaction.writing():
        agents.set_password(db.session.get_one(Agent, bob.id), "hash")
    assert caller.get("/cases").status_code == 200


def test_a_token_revoked_twice_at_once_is_revoked_once(app, program, bob):
    program(bob)
    with app.app_context(), transaction.writing():
        (token,) = tokens.of_agent(db.session.get_one(Agent, bob.id))
        tokens.revoke(token, by=None)
        with pytest.raises(agents.Refused, match="gone already"):
            tokens.revoke(token, by=None)


def test_all_wrong_tokens_are_answered_alike(app, client, program, bob):
    dead = program(bob)
    deactivate(app, bob)
    unknown = Program(client, tokens.API_PREFIX + tokens.fresh())
    first, second = dead.get("/cases"), unknown.get("/cases")
    assert first.status_code == second.status_code == 401
    assert (first.data, first.headers["WWW-Authenticate"]) == (
        second.data, second.headers["WWW-Authenticate"]
    )  # fmt: skip


def test_a_token_that_dies_while_the_body_is_read_changes_nothing(app, program, bob, monkeypatch):
    caller = program(bob)
    real = transaction.start_writing

    def dies_first() -> None:
        monkeypatch.setattr(transaction, "start_writing", real)
        real()
        agents.end_access(db.session.get_one(Agent, bob.id))
        transaction.commit()
        real()

    monkeypatch.setattr(transaction, "start_writing", dies_first)
    assert caller.post("/cases", {"text": "hello", "contact": "Yuki"}).status_code == 401


def test_many_wrong_tokens_slow_down_and_good_ones_do_not_notice(program, client, bob, monkeypatch):
    monkeypatch.setattr(limits, "WRONG_TOKENS_FROM", Throttle("wrong token from", 2, 60))
    good, wrong = program(bob), Program(client, "mado_wrong")
    tried = [wrong.get("/cases").status_code for _ in range(4)]
    assert tried == [401, 401, 429, 429]
    assert int(wrong.get("/cases").headers["Retry-After"]) > 0
    assert good.get("/cases").status_code == 200


def test_wrong_tokens_of_an_ipv6_network_are_counted_together(client, monkeypatch):
    monkeypatch.setattr(limits, "WRONG_TOKENS_FROM", Throttle("wrong token from", 2, 60))
    wrong = Program(client, "mado_wrong")
    addresses = [f"2001:db8:1:2::{number}" for number in range(3)] + ["2001:db8:1:3::1"]
    tried = [wrong.call("GET", "/cases", environ_overrides={"REMOTE_ADDR": one}) for one in addresses]
    assert [answer.status_code for answer in tried] == [401, 401, 429, 401]


def test_wrong_tokens_that_can_not_be_counted_are_503_and_too_many_ask_no_writer(client, monkeypatch):  # T29
    monkeypatch.setattr(limits, "WRONG_TOKENS_FROM", Throttle("wrong token from", 1, 60))
    monkeypatch.setattr(extensions, "BUSY_SECONDS", 0.05)
    wrong = Program(client, "mado_wrong")
    with extensions._writer:
        assert wrong.get("/cases").status_code == 503
    assert wrong.get("/cases").status_code == 401
    with extensions._writer:
        assert wrong.get("/cases").status_code == 429


def test_reading_writes_nothing_and_use_is_written_by_housekeeping(app, program, bob, clock):
    caller = program(bob)
    written = []
    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", lambda *call: written.append(call[2]))
    caller.get("/cases")
    assert written
    assert all(statement.startswith("SELECT") for statement in written)
    assert used_at(app) is None
    housekeeping = Housekeeping(app)
    clock.shift(11)
    with app.app_context():
        housekeeping()
        transaction.release()
    assert used_at(app) is not None


def test_use_is_written_once_a_minute_at_most(app, program, bob, clock):
    caller = program(bob)
    caller.get("/cases")
    with app.app_context(), transaction.writing():
        tokens.flush_touches()
    caller.get("/cases")
    assert not tokens.has_touches()
    clock.shift(61)
    caller.get("/cases")
    assert tokens.has_touches()


def test_the_database_holds_hashes_only(app, token_of, bob):  # T18
    made = {token_of(bob) for _ in range(20)}
    with app.app_context():
        kept = set(db.session.scalars(select(ApiToken.token_hash)))
    assert len(made) == len(kept) == 20
    assert not made & kept
    assert {len(token) for token in made} == {48}

"""Signing in and out, sessions, invitations, throttles: T16-T18, T29, T30, ASVS 6 and 7."""

import re
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import func, select

from app import extensions, transaction
from app.clock import now
from app.domain import agents, invitations, passwords, sessions, tokens
from app.extensions import db
from app.models import Agent, Invitation, Session
from tests.web.conftest import PASSWORD

NEW = "another handful of quiet words"
WRONG = "Email or password is wrong."


@pytest.fixture
def alice(alice, with_password):
    return with_password(alice)


def signed_in_as(client) -> str | None:
    """The address on the account page, None when it leads to the sign-in."""
    page = client.get("/account")
    return page.text if page.status_code == 200 else None


def test_the_right_password_signs_in(client, alice, send):
    answer = send(client, "/sign-in", {"email": " Alice@Example.com ", "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, "/")
    assert "alice@example.com" in signed_in_as(client)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("alice@example.com", "not the password at all"),
        ("nobody@example.com", PASSWORD),
        ("alice@example.com", PASSWORD + "x" * 300),
        ("alice@example.com'--", PASSWORD),
        ("日本@example.com", PASSWORD),
    ],
)
def test_everything_else_gets_one_answer_and_keeps_the_email(client, alice, send, email, password):
    answer = send(client, "/sign-in", {"email": email, "password": password})
    assert answer.status_code == 422
    assert WRONG in answer.text
    assert f'value="{email}"'.replace("'", "&#39;") in answer.text
    assert password not in answer.text
    assert signed_in_as(client) is None


@pytest.mark.parametrize("email", ["", " ", "a\0b@example.com", "x" * 300])
def test_an_empty_or_impossible_email_says_what_to_type(client, alice, send, email):
    answer = send(client, "/sign-in", {"email": email, "password": PASSWORD})
    assert answer.status_code == 422
    assert "Type the email address you sign in with." in answer.text


def test_a_password_differing_after_72_bytes_is_wrong(client, alice, app, send):
    long = "quiet words " * 8
    with app.app_context(), transaction.writing():
        agents.set_password(db.session.get_one(Agent, alice.id), passwords.hashed(long + "a"))
    answer = send(client, "/sign-in", {"email": alice.email, "password": long + "b"})
    assert WRONG in answer.text
    answer = send(client, "/sign-in", {"email": alice.email, "password": long + "a"})
    assert answer.status_code == 303


def test_a_deactivated_agent_can_not_sign_in(client, alice, app, send):
    with app.app_context(), transaction.writing():
        db.session.get_one(Agent, alice.id).is_active = False
    answer = send(client, "/sign-in", {"email": alice.email, "password": PASSWORD})
    assert WRONG in answer.text


def test_an_invited_agent_without_password_can_not_sign_in(client, bob, send):
    answer = send(client, "/sign-in", {"email": bob.email, "password": ""})
    assert answer.status_code == 422
    answer = send(client, "/sign-in", {"email": bob.email, "password": "nobody has this password"})
    assert WRONG in answer.text


def test_an_old_hash_is_renewed(client, alice, app, send):
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    with app.app_context(), transaction.writing():
        db.session.get_one(Agent, alice.id).password_hash = old
    assert send(client, "/sign-in", {"email": alice.email, "password": PASSWORD}).status_code == 303
    with app.app_context():
        assert not passwords.is_outdated(db.session.get_one(Agent, alice.id).password_hash)


# ── Throttles (T29) ─────────────────────────────────────────────────────────────────────────


def test_the_sixth_try_of_an_account_waits_even_with_the_right_password(client, alice, send):
    for _ in range(5):
        send(client, "/sign-in", {"email": alice.email, "password": "wrong wrong wrong"})
    answer = send(client, "/sign-in", {"email": "ALICE@example.com ", "password": PASSWORD})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 1700
    assert "Too many tries" in answer.text


def test_a_throttled_account_is_no_proof_that_it_exists(client, alice, send):
    for _ in range(6):
        known = send(client, "/sign-in", {"email": alice.email, "password": "wrong"})
    for _ in range(6):
        unknown = send(client, "/sign-in", {"email": "nobody@example.com", "password": "wrong"})
    assert known.status_code == unknown.status_code == 429


def test_a_machine_out_of_memory_calls_no_password_wrong(client, alice, send, monkeypatch):
    def fail(*_given):
        raise VerificationError("Memory allocation error")

    monkeypatch.setattr(PasswordHasher, "verify", fail)
    answer = send(client, "/sign-in", {"email": alice.email, "password": PASSWORD})
    assert answer.status_code == 503


def test_throttling_comes_before_hashing(client, alice, send, monkeypatch):
    for _ in range(5):
        send(client, "/sign-in", {"email": alice.email, "password": "wrong wrong wrong"})
    calls = []
    monkeypatch.setattr(passwords, "is_right", lambda *given: calls.append(given))
    send(client, "/sign-in", {"email": alice.email, "password": PASSWORD})
    assert calls == []


def test_a_try_that_can_not_be_counted_is_none(client, alice, send, monkeypatch):
    monkeypatch.setattr(extensions, "BUSY_SECONDS", 0.05)
    calls = []
    monkeypatch.setattr(passwords, "is_right", lambda *given: calls.append(given))
    with extensions._writer:
        answer = send(client, "/sign-in", {"email": alice.email, "password": PASSWORD})
    assert answer.status_code == 503
    assert calls == []


def test_a_flood_of_refused_tries_waits_for_no_writer(client, alice, send):
    for _ in range(5):
        send(client, "/sign-in", {"email": alice.email, "password": "wrong wrong wrong"})
    with extensions._writer:
        answer = send(client, "/sign-in", {"email": alice.email, "password": PASSWORD})
    assert answer.status_code == 429


def test_hashing_keeps_no_writer_waiting(client, alice, send, monkeypatch):
    free = []

    def look(*_given) -> bool:
        free.append(not extensions._writer.locked())
        return False

    monkeypatch.setattr(passwords, "is_right", look)
    send(client, "/sign-in", {"email": alice.email, "password": "wrong wrong wrong"})
    assert free == [True]


def test_an_address_has_twenty_tries_over_all_accounts(client, alice, send, monkeypatch):
    monkeypatch.setattr(passwords, "is_right", lambda *_: False)
    statuses = [
        send(client, "/sign-in", {"email": f"a{n}@example.com", "password": "x"}).status_code
        for n in range(21)
    ]
    assert statuses == [422] * 20 + [429]


def test_a_throttled_account_stays_signed_in_where_it_is(client, app, alice, sign_in, send):
    here = sign_in(app.test_client(), alice)
    for _ in range(6):
        send(client, "/sign-in", {"email": alice.email, "password": "wrong"})
    assert signed_in_as(here)


def test_a_success_starts_the_account_again(client, app, alice, send):
    for _ in range(4):
        send(client, "/sign-in", {"email": alice.email, "password": "wrong"})
    send(client, "/sign-in", {"email": alice.email, "password": PASSWORD})
    other = app.test_client()
    assert send(other, "/sign-in", {"email": alice.email, "password": "wrong"}).status_code == 422
    assert send(other, "/sign-in", {"email": alice.email, "password": PASSWORD}).status_code == 303


# ── Where it leads (T30) ────────────────────────────────────────────────────────────────────


def test_a_page_leads_to_the_sign_in_and_back(client, alice, send):
    away = client.get("/cases?status=open&q=a%20b")
    assert away.status_code == 303
    page = client.get(away.location)
    carried = re.search(r'name="next" value="([^"]+)"', page.text)[1].replace("&amp;", "&")
    fields = {"email": alice.email, "password": PASSWORD, "next": carried}
    answer = send(client, "/sign-in", fields)
    assert answer.location == "/cases?status=open&q=a%20b"


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https:evil.example", "%2f%2fevil.example",
     "javascript:alert(1)", "https://evil.example/", "\\\\evil", "/\t/evil.example", "evil", ""],
)  # fmt: skip
def test_next_leads_nowhere_else(client, alice, send, target):
    fields = {"email": alice.email, "password": PASSWORD, "next": target}
    assert send(client, "/sign-in", fields).location == "/"
    assert client.get("/sign-in", query_string={"next": target}).location == "/"


def test_a_fragment_says_401_and_leaves_the_page_alone(client, alice):
    answer = client.get("/live/responses", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert "Location" not in answer.headers
    assert "HX-Redirect" not in answer.headers


# ── Sessions (T16) ──────────────────────────────────────────────────────────────────────────


def test_signing_in_changes_the_session_and_the_csrf_token(client, alice, send):
    client.get("/sign-in")
    with client.session_transaction() as before:
        csrf_before = before["csrf_token"]
    send(client, "/sign-in", {"email": alice.email, "password": PASSWORD})
    with client.session_transaction() as first:
        token, csrf_after = first["token"], first.get("csrf_token")
    assert csrf_after != csrf_before
    client.delete_cookie("mado")
    send(client, "/sign-in", {"email": alice.email, "password": PASSWORD})
    with client.session_transaction() as second:
        assert second["token"] != token


def test_the_cookie_is_for_the_server_alone(client, alice, send):
    answer = send(client, "/sign-in", {"email": alice.email, "password": PASSWORD})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("mado=")
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


def test_sign_out_ends_the_session_on_the_server(client, app, alice, send):
    send(client, "/sign-in", {"email": alice.email, "password": PASSWORD})
    stolen = app.test_client()
    stolen.set_cookie("mado", client.get_cookie("mado").value)
    assert signed_in_as(stolen)
    answer = send(client, "/sign-out", {}, page="/account")
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert signed_in_as(client) is None
    assert signed_in_as(stolen) is None


def test_a_get_does_not_sign_out(client, alice, sign_in):
    sign_in(client, alice)
    assert client.get("/sign-out").status_code == 405
    assert signed_in_as(client)


def test_a_deactivated_agents_session_is_dead(client, app, alice, sign_in):
    sign_in(client, alice)
    with app.app_context(), transaction.writing():
        db.session.get_one(Agent, alice.id).is_active = False
    assert signed_in_as(client) is None


def test_twelve_hours_without_use_end_a_session(client, alice, sign_in, clock):
    sign_in(client, alice)
    clock.shift(timedelta(hours=11, minutes=59))
    assert signed_in_as(client)
    clock.shift(timedelta(hours=11, minutes=59))
    assert signed_in_as(client)
    clock.shift(timedelta(hours=12, minutes=1))
    assert signed_in_as(client) is None


def test_fourteen_days_end_it_in_any_case(client, alice, sign_in, clock):
    sign_in(client, alice)
    for _ in range(30):
        clock.shift(timedelta(hours=11))
        assert signed_in_as(client)
    clock.shift(timedelta(hours=5, minutes=59))
    assert signed_in_as(client)
    clock.shift(timedelta(minutes=1))
    assert signed_in_as(client) is None


def test_an_open_live_page_counts_as_use(client, app, alice, sign_in, clock):
    sign_in(client, alice)
    with app.app_context():
        session_id = db.session.scalar(select(Session.id))
    clock.shift(timedelta(hours=11))
    sessions.touch(session_id)
    with app.app_context(), transaction.writing():
        sessions.flush_touches()
    sessions._used.clear()
    clock.shift(timedelta(hours=11))
    assert signed_in_as(client)


def test_reading_writes_nothing_and_the_flush_does(client, app, alice, sign_in, clock):
    sign_in(client, alice)
    clock.shift(timedelta(hours=1))
    client.get("/account")
    with app.app_context():
        before = db.session.scalar(select(Session.used_at))
    assert sessions.has_touches()
    with app.app_context(), transaction.writing():
        sessions.flush_touches()
    with app.app_context():
        after = db.session.scalar(select(Session.used_at))
    assert after - before == timedelta(hours=1)
    client.get("/account")
    assert not sessions.has_touches()


def test_ended_sessions_are_forgotten(client, app, alice, sign_in, clock):
    sign_in(client, alice)
    clock.shift(timedelta(hours=14))
    sign_in(client, alice)
    with app.app_context(), transaction.writing():
        sessions.forget_ended()
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Session)) == 1


@pytest.mark.parametrize("value", ["", "x", "eyJ0b2tlbiI6IjEifQ.ZZ.ZZ", "\xff" * 20])
def test_a_forged_cookie_is_nobody(client, alice, value):
    client.set_cookie("mado", value)
    assert signed_in_as(client) is None


def test_sessions_of_an_open_page_are_found_with_their_agents(app, alice, client, sign_in):
    sign_in(client, alice)
    with app.app_context():
        session_id = db.session.scalar(select(Session.id))
        found = sessions.agents_by_session([session_id, 999])
        assert {key: agent.id for key, agent in found.items()} == {session_id: alice.id}


# ── Invitations (T17) and tokens (T18) ──────────────────────────────────────────────────────


@pytest.fixture
def link(app, bob) -> str:
    """The path of Bob's invitation."""
    with app.app_context(), transaction.writing():
        return f"/invitations/{invitations.create(db.session.get_one(Agent, bob.id), by=None)}"


def test_an_invitation_sets_a_password_and_signs_in(client, bob, link, send):
    assert "Welcome, Bob" in client.get(link).text
    answer = send(client, link, {"password": NEW, "again": NEW})
    assert (answer.status_code, answer.location) == (303, "/")
    assert "bob@example.com" in signed_in_as(client)


def test_an_invitation_works_once(client, app, link, send):
    send(client, link, {"password": NEW, "again": NEW})
    other = app.test_client()
    assert other.get(link).status_code == 404
    answer = send(other, link, {"password": NEW, "again": NEW}, page="/sign-in")
    assert answer.status_code == 404
    assert signed_in_as(other) is None


def test_an_invitation_expires_after_seven_days_on_get_and_post(client, link, send, app, clock):
    clock.move_to(now() + timedelta(days=7, seconds=1))
    with app.app_context(), transaction.writing():
        db.session.execute(db.update(Invitation).values(expires_at=now() - timedelta(seconds=1)))
    assert client.get(link).status_code == 404
    answer = send(client, link, {"password": NEW, "again": NEW}, page="/sign-in")
    assert answer.status_code == 404
    assert signed_in_as(client) is None


def test_a_new_password_ends_links_that_are_still_out(client, app, bob, link, with_password, send):
    browser = client
    with_password(bob)
    send(browser, "/sign-in", {"email": "bob@example.com", "password": PASSWORD})
    fields = {"current": PASSWORD, "password": NEW, "again": NEW}
    assert send(browser, "/account/password", fields, page="/account").status_code == 303
    assert app.test_client().get(link).status_code == 404


def test_deactivation_ends_links_for_good(client, alice, bob, link, sign_in):
    admin = sign_in(client, alice)
    for act in ("deactivation", "activation"):
        assert admin.post(f"/settings/agents/{bob.id}/{act}").status_code == 303
    assert admin.get(link).status_code == 404


@pytest.mark.parametrize("token", ["%20", "null", "0", "None", "%00", "x" * 500, "%ff", "a%2fb"])
def test_other_tokens_are_404_with_one_body(client, link, token):
    answer = client.get(f"/invitations/{token}")
    assert answer.status_code == 404


def test_an_empty_token_is_404(client, link):
    assert client.get("/invitations/").status_code == 404


def test_a_newer_link_makes_the_older_useless(client, app, bob, link):
    with app.app_context(), transaction.writing():
        invitations.create(db.session.get_one(Agent, bob.id), by=None)
    assert client.get(link).status_code == 404


def test_a_link_dies_with_its_agent(client, app, bob, link):
    with app.app_context(), transaction.writing():
        db.session.get_one(Agent, bob.id).is_active = False
    assert client.get(link).status_code == 404


def test_taking_up_a_link_ends_the_agents_sessions_and_mine(client, app, bob, link, sign_in, send):
    elsewhere = sign_in(app.test_client(), bob)
    sign_in(client, bob)
    del client.environ_base["HTTP_X_CSRFTOKEN"]
    assert send(client, link, {"password": NEW, "again": NEW}).status_code == 303
    assert signed_in_as(client)
    assert signed_in_as(elsewhere) is None


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        ("short", "short", "12 characters or more"),
        ("q" * 257, "q" * 257, "256 characters or fewer"),
        ("aaaaaaaaaaaa", "aaaaaaaaaaaa", "same few characters"),
        ("password1234", "password1234", "lists that attackers try"),
        ("Sunshine2024!!", "Sunshine2024!!", "lists that attackers try"),
        ("Bob-Mado-2024", "Bob-Mado-2024", "Add unrelated words"),
        (NEW, NEW + "x", "differ"),
    ],
)
def test_an_easy_password_is_refused_with_what_to_do(client, link, send, password, again, said):
    answer = send(client, link, {"password": password, "again": again})
    assert answer.status_code == 422
    assert said in answer.text
    assert password not in answer.text.replace("12 characters", "")
    assert client.get(link).status_code == 200


def test_any_characters_and_256_of_them_make_a_password(client, link, bob, app, send):
    long = ("ฉันชอบกินข้าว ผัดไทย 窓口 🙂 " * 20)[:256]
    assert send(client, link, {"password": long, "again": long}).status_code == 303
    other = app.test_client()
    assert send(other, "/sign-in", {"email": bob.email, "password": long}).status_code == 303


def test_tokens_are_random_and_only_hashes_are_kept(app, alice):
    made = {tokens.fresh() for _ in range(1000)}
    assert len(made) == 1000
    assert min(map(len, made)) >= 43
    with app.app_context(), transaction.writing():
        agent = db.session.get_one(Agent, alice.id)
        kept = [sessions.start(agent), invitations.create(agent, by=None), tokens.create(agent)]
    data = app.extensions["mado"].data_dir
    on_disk = b"".join(path.read_bytes() for path in data.glob("mado.sqlite3*"))
    assert [token for token in kept if token.encode() in on_disk] == []
    assert tokens.hashed(kept[0]).encode() in on_disk


def test_argon2_has_the_parameters_that_were_chosen(password_hash):
    assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_too_many_at_once_are_asked_to_come_again(client, alice, send, monkeypatch):
    monkeypatch.setattr(passwords, "LONGEST_WAIT_SECONDS", 0)
    for _ in range(passwords.AT_ONCE):
        assert passwords._seats.acquire()
    answer = send(client, "/sign-in", {"email": alice.email, "password": PASSWORD})
    for _ in range(passwords.AT_ONCE):
        passwords._seats.release()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"

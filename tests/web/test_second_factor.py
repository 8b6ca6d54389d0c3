"""The second factor: set up, asked for, used up, lost, demanded. T16, T17, ASVS 6.3.3, 6.3.4, 6.4.3, 6.5."""

import base64
import hashlib
import hmac
import re
import time
from datetime import timedelta

import pytest
from sqlalchemy import select

from app import encryption, transaction
from app.domain import agents, invitations, second_factors, sessions, settings
from app.extensions import db
from app.models import Agent, RecoveryCode, Session
from tests.web.conftest import PASSWORD

SEED = base64.b32encode(b"12345678901234567890").decode()
RECOVERY = "abcde-fghjk"
WRONG = "This code is wrong or was used already."


def code_of(seed: str, *, steps: int = 0) -> str:
    """What an app shows now, made by RFC 6238 itself."""
    counter = (int(time.time()) // 30 + steps).to_bytes(8, "big")
    digest = hmac.new(base64.b32decode(seed), counter, hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


@pytest.fixture(autouse=True)
def _still(clock):
    """A code must not run out in the middle of a test."""


@pytest.fixture
def bob(app, bob, with_password):
    return with_password(bob)


@pytest.fixture
def guarded(app, bob):
    """Bob, who has a second factor and one recovery code."""
    from app.domain import passwords

    with app.app_context(), transaction.writing():
        found = db.session.get_one(Agent, bob.id)
        kept = passwords.hashed(second_factors.normal_recovery_code(RECOVERY))
        second_factors.switch_on(found, seed=SEED, step=0, code_hashes=[kept])
    return bob


@pytest.fixture
def half(client, guarded, send):
    """Bob's browser after the first step."""
    answer = send(client, "/sign-in", {"email": guarded.email, "password": PASSWORD, "next": "/cases"})
    assert (answer.status_code, answer.location) == (303, "/sign-in/code")
    return client


@pytest.fixture
def own(app, bob, sign_in):
    """Bob's browser, signed in before any of this."""
    return sign_in(app.test_client(), bob)


@pytest.fixture
def demanded(app):
    """A function that sets who must have a second factor."""

    def demand(who: str) -> None:
        with app.app_context(), transaction.writing():
            settings.put(settings.SECOND_FACTOR, who)

    return demand


def stored(app, agent) -> Agent:
    with app.app_context():
        return db.session.get_one(Agent, agent.id)


def seed_on(page: str) -> str:
    return re.search(r'id="seed"[^>]*>([A-Z2-7 ]+)<', page)[1].replace(" ", "")


def codes_on(page: str) -> list[str]:
    return re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)[1].split()


def types(client, send, code: str):
    return send(client, "/sign-in/code", {"code": code}, page="/sign-in")


# ── Codes ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("moment", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_are_those_of_rfc_6238(clock, moment, code):
    clock.move_to(moment)
    assert second_factors.step_of(SEED, code) == moment // 30


@pytest.mark.parametrize(("steps", "is_taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_may_be_one_step_early_or_late(steps, is_taken):
    assert (second_factors.step_of(SEED, code_of(SEED, steps=steps)) is not None) == is_taken


@pytest.mark.parametrize("code", ["", " ", "1", "1234567", "abcdef", "１２３４５６", "\ud800", "12345\0"])
def test_anything_else_is_no_code(code):
    assert second_factors.step_of(SEED, code) is None


def test_seeds_and_recovery_codes_are_random_and_long_enough():
    """T18"""
    seeds = {second_factors.new_seed() for _ in range(1000)}
    assert len(seeds) == 1000
    assert {len(base64.b32decode(seed)) for seed in seeds} == {20}
    codes = [code for _ in range(100) for code in second_factors.new_recovery_codes()]
    assert len(set(codes)) == 1000
    assert all(re.fullmatch(r"[a-z2-9]{5}-[a-z2-9]{5}", code) for code in codes)


# ── Setting it up ───────────────────────────────────────────────────────────────────────────


def test_a_code_and_the_password_switch_it_on(own, app, bob):
    page = own.get("/account/second-factor").text
    seed = seed_on(page)
    answer = own.post("/account/second-factor", data={"code": code_of(seed), "current": PASSWORD})
    assert len(codes_on(answer.text)) == 10
    assert stored(app, bob).has_second_factor
    assert "10 recovery codes are left" in own.get("/account").text
    assert own.get("/account/second-factor").location == "/account"


def test_the_page_keeps_its_secret_until_it_is_used(own):
    pages = [own.get("/account/second-factor").text for _ in range(2)]
    assert seed_on(pages[0]) == seed_on(pages[1])
    wrong = own.post("/account/second-factor", data={"code": "000000", "current": PASSWORD})
    assert wrong.status_code == 422
    assert "This code does not fit." in wrong.text
    assert seed_on(wrong.text) == seed_on(pages[0])


def test_the_qr_code_is_drawn_in_the_page_and_holds_the_address(own, bob):
    page = own.get("/account/second-factor").text
    drawn = re.search(r'<svg class="qr" viewBox="0 0 (\d+) \1".*?<path d="((?:M\d+ \d+h1v1h-1z)+)"', page, re.DOTALL)
    assert drawn
    import segno

    address = f"otpauth://totp/Mado:bob%40example.com?digits=6&secret={seed_on(page)}&algorithm=SHA1&issuer=Mado&period=30"
    assert second_factors.address(bob, seed_on(page)) == address
    dark = sum(bool(one) for row in segno.make_qr(address, error="m").matrix for one in row)
    assert drawn[2].count("M") == dark


@pytest.mark.parametrize("password", ["", "not the password"])
def test_it_is_not_switched_on_without_the_password(own, app, bob, password):
    seed = seed_on(own.get("/account/second-factor").text)
    answer = own.post("/account/second-factor", data={"code": code_of(seed), "current": password})
    assert answer.status_code == 422
    assert "not your present password" in answer.text
    assert not stored(app, bob).has_second_factor


def test_a_seed_of_somebody_elses_choosing_is_not_taken(own, app, bob):
    own.get("/account/second-factor")
    answer = own.post("/account/second-factor", data={"code": code_of(SEED), "current": PASSWORD, "seed": SEED})
    assert answer.status_code == 422
    assert not stored(app, bob).has_second_factor


def test_each_change_ends_every_other_session(own, app, bob, sign_in):
    """T16"""
    seed = seed_on(own.get("/account/second-factor").text)
    for path, fields in (
        ("/account/second-factor", {"code": code_of(seed), "current": PASSWORD}),
        ("/account/second-factor/recovery-codes", {"factor_current": PASSWORD}),
        ("/account/second-factor/removal", {"factor_current": PASSWORD}),
    ):
        elsewhere, stolen = sign_in(app.test_client(), bob), app.test_client()
        stolen.set_cookie("mado", own.get_cookie("mado").value)
        assert stolen.get("/account").status_code == 200
        assert own.post(path, data=fields, headers=csrf(own)).status_code in (200, 303)
        assert [one.get("/account").status_code for one in (own, elsewhere, stolen)] == [200, 303, 303]


def csrf(client) -> dict[str, str]:
    """A new session has a new token; the page has it."""
    page = client.get("/account").text
    return {"X-CSRFToken": re.search(r'name="csrf-token" content="([^"]+)"', page)[1]}


def test_seed_and_recovery_codes_are_unreadable_in_the_database(own, app, bob):
    """ASVS 6.5.2"""
    seed = seed_on(own.get("/account/second-factor").text)
    codes = codes_on(own.post("/account/second-factor", data={"code": code_of(seed), "current": PASSWORD}).text)
    with app.app_context():
        kept = db.session.scalars(select(RecoveryCode.code_hash)).all()
    assert stored(app, bob).totp_seed.startswith("gAAAA")
    assert encryption.decrypt(stored(app, bob).totp_seed) == seed
    assert len(kept) == 10
    assert all(one.startswith("$argon2id$") for one in kept)
    assert not [code for code in codes for one in kept if code[:5] in one]


# ── Signing in ──────────────────────────────────────────────────────────────────────────────


def test_no_session_exists_before_the_code(half, app):
    """ASVS 6.3.4"""
    with app.app_context():
        assert db.session.scalars(select(Session)).all() == []
    for path in ("/", "/account", "/cases", "/account/second-factor"):
        assert half.get(path).location.startswith("/sign-in")


def test_the_code_signs_in_and_leads_where_one_wanted(half, send):
    answer = types(half, send, f" {code_of(SEED)[:3]} {code_of(SEED)[3:]} ")
    assert (answer.status_code, answer.location) == (303, "/cases")
    assert half.get("/account").status_code == 200


def test_the_page_says_nothing_to_who_has_not_proven_the_password(client, guarded, send):
    assert client.get("/sign-in/code").location == "/sign-in"
    assert types(client, send, code_of(SEED)).location == "/sign-in"
    wrong = send(client, "/sign-in", {"email": guarded.email, "password": "wrong wrong wrong"})
    other = send(client, "/sign-in", {"email": "nobody@example.com", "password": "wrong wrong wrong"})
    assert wrong.status_code == other.status_code == 422
    assert client.get("/sign-in/code").location == "/sign-in"


def test_the_same_code_is_refused_twice(half, app, guarded, send):
    """ASVS 6.5.1"""
    code = code_of(SEED)
    assert types(half, send, code).status_code == 303
    other = app.test_client()
    send(other, "/sign-in", {"email": guarded.email, "password": PASSWORD})
    answer = types(other, send, code)
    assert answer.status_code == 422
    assert WRONG in answer.text
    assert types(other, send, code_of(SEED, steps=-1)).status_code == 422
    assert types(other, send, code_of(SEED, steps=1)).status_code == 303


def test_five_wrong_codes_and_the_right_one_waits(half, app, guarded, send):
    """T29"""
    for _ in range(5):
        assert types(half, send, "000000").status_code == 422
    answer = types(half, send, code_of(SEED))
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 1700
    again = app.test_client()
    send(again, "/sign-in", {"email": guarded.email, "password": PASSWORD})
    assert types(again, send, code_of(SEED)).status_code == 429
    assert types(again, send, RECOVERY).status_code == 429


def test_the_first_step_is_forgotten_after_ten_minutes(half, clock, send):
    clock.shift(timedelta(minutes=10, seconds=1))
    assert half.get("/sign-in/code").location == "/sign-in"
    answer = types(half, send, code_of(SEED))
    assert answer.location == "/sign-in"
    assert half.get("/account").status_code == 303


@pytest.mark.parametrize("change", ["password", "deactivation", "removal"])
def test_the_first_step_is_worth_nothing_after_a_change(half, app, guarded, send, change):
    with app.app_context(), transaction.writing():
        found = db.session.get_one(Agent, guarded.id)
        if change == "password":
            agents.set_password(found, "another hash")
        elif change == "deactivation":
            found.is_active = False
        else:
            second_factors.remove(found, by=None)
    assert types(half, send, code_of(SEED)).location == "/sign-in"
    assert half.get("/account").status_code == 303


def test_a_recovery_code_signs_in_once_however_it_is_typed(half, app, guarded, send):
    answer = types(half, send, " ABCDE fghjk")
    assert answer.location == "/cases"
    assert "0 recovery codes are left." in half.get("/cases").text
    other = app.test_client()
    send(other, "/sign-in", {"email": guarded.email, "password": PASSWORD})
    assert types(other, send, RECOVERY).status_code == 422


@pytest.mark.parametrize("code", ["", "x" * 10, "abcde-fghjm", "x" * 5000, "\0" * 10, "あいうえおかきくけこ"])
def test_other_codes_open_nothing(half, send, code):
    assert types(half, send, code).status_code == 422
    assert half.get("/account").status_code == 303


def test_a_link_for_a_new_password_keeps_the_second_factor(client, app, guarded, send):
    """ASVS 6.4.3"""
    with app.app_context(), transaction.writing():
        token = invitations.create(db.session.get_one(Agent, guarded.id), by=None)
    new = "another handful of quiet words"
    answer = send(client, f"/invitations/{token}", {"password": new, "again": new})
    assert answer.location == "/sign-in/code"
    assert client.get("/account").status_code == 303
    assert types(client, send, code_of(SEED)).location == "/"
    assert client.get("/account").status_code == 200


def test_a_seed_of_a_lost_key_leaves_the_recovery_codes(half, app, guarded, send):
    with app.app_context(), transaction.writing():
        db.session.get_one(Agent, guarded.id).totp_seed = "gAAAAnonsense"
    assert types(half, send, code_of(SEED)).status_code == 422
    assert types(half, send, RECOVERY).status_code == 303


# ── Afterwards ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def guarded_browser(app, guarded, sign_in):
    return sign_in(app.test_client(), guarded)


def test_new_recovery_codes_make_the_old_ones_useless(guarded_browser, app, guarded, send):
    answer = guarded_browser.post("/account/second-factor/recovery-codes", data={"factor_current": PASSWORD})
    new = codes_on(answer.text)
    other = app.test_client()
    send(other, "/sign-in", {"email": guarded.email, "password": PASSWORD})
    assert types(other, send, RECOVERY).status_code == 422
    assert types(other, send, new[7]).status_code == 303


def test_switching_it_off_asks_for_the_password(guarded_browser, app, guarded, send):
    wrong = guarded_browser.post("/account/second-factor/removal", data={"factor_current": "wrong"})
    assert wrong.status_code == 422
    assert "not your present password" in wrong.text
    assert stored(app, guarded).has_second_factor
    right = guarded_browser.post("/account/second-factor/removal", data={"factor_current": PASSWORD})
    assert right.location == "/account"
    assert not stored(app, guarded).has_second_factor
    assert send(app.test_client(), "/sign-in", {"email": guarded.email, "password": PASSWORD}).location == "/"


@pytest.mark.parametrize("path", ["recovery-codes", "removal"])
def test_the_password_can_not_be_guessed_here(guarded_browser, app, guarded, path):
    for _ in range(5):
        guarded_browser.post(f"/account/second-factor/{path}", data={"factor_current": "wrong"})
    answer = guarded_browser.post(f"/account/second-factor/{path}", data={"factor_current": PASSWORD})
    assert "Too many tries" in answer.text
    assert stored(app, guarded).has_second_factor


def test_an_admin_removes_a_lost_one_and_signs_the_agent_out(guarded_browser, app, guarded, alice, sign_in, send):
    admin = sign_in(app.test_client(), alice)
    page = f"/settings/agents/{guarded.id}"
    assert "Remove second factor" in admin.get(page).text
    assert admin.post(f"{page}/second-factor/removal").location == page
    assert "Remove second factor" not in admin.get(page).text
    assert guarded_browser.get("/account").status_code == 303
    assert send(app.test_client(), "/sign-in", {"email": guarded.email, "password": PASSWORD}).location == "/"


# ── Demanded of everybody, or of admins ─────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/", "/chats", "/cases?status=open", "/account", "/macros"])
def test_who_has_none_is_led_to_set_it_up_before_anything_else(own, demanded, path):
    assert own.get(path).location != "/account/second-factor"
    demanded("2")
    assert own.get(path).location == "/account/second-factor"
    assert "Your team asks for one" in own.get("/account/second-factor").text


def test_nothing_is_changed_and_no_fragment_shown_before_it_is_set_up(own, app, bob, demanded):
    demanded("2")
    assert own.post("/account/name", data={"name": "Robert"}).location == "/account/second-factor"
    assert stored(app, bob).name == "Bob"
    assert own.get("/live/incoming", headers={"HX-Request": "true"}).status_code == 401


def test_setting_it_up_opens_everything(own, demanded):
    demanded("2")
    seed = seed_on(own.get("/account/second-factor").text)
    own.post("/account/second-factor", data={"code": code_of(seed), "current": PASSWORD})
    assert own.get("/cases").status_code == 200


def test_one_can_sign_out_instead(own, app, demanded):
    demanded("2")
    assert own.post("/sign-out").location == "/sign-in"
    with app.app_context():
        assert db.session.scalars(select(Session)).all() == []


def test_open_pages_of_who_owes_one_are_closed(app, bob, own, demanded):
    """ASVS 6.3.4: the hub keeps the sockets of these sessions alone."""
    with app.app_context():
        ids = db.session.scalars(select(Session.id)).all()
        assert set(sessions.agents_by_session(ids)) == set(ids)
    demanded("2")
    with app.app_context():
        assert sessions.agents_by_session(ids) == {}


def test_who_has_one_goes_on(guarded_browser, demanded):
    demanded("2")
    assert guarded_browser.get("/cases").status_code == 200


def test_it_can_be_demanded_of_admins_alone(own, app, alice, sign_in, demanded):
    demanded("1")
    assert own.get("/cases").status_code == 200
    assert sign_in(app.test_client(), alice).get("/cases").location == "/account/second-factor"


def test_admins_choose_who_must(app, alice, sign_in):
    admin = sign_in(app.test_client(), alice)
    fields = {"minutes": "10", "largest": "50", "put_back": "1"}
    admin.post("/settings/general", data=fields | {"who_must": "3"})
    admin.post("/settings/general", data=fields)
    with app.app_context():
        assert settings.get(settings.SECOND_FACTOR) == 0
    assert admin.post("/settings/general", data=fields | {"who_must": "1"}).status_code == 303
    with app.app_context():
        assert settings.get(settings.SECOND_FACTOR) == 1

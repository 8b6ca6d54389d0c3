"""The agents page and everybody's own page: T11, T12, T16, T17."""

import re

import pytest
from sqlalchemy import select

from app import transaction
from app.domain import agents, tokens
from app.extensions import db
from app.models import Agent, ApiToken, Case, Session
from tests.web.conftest import PASSWORD

FIELDS = {"name": "Dana", "email": "dana@example.com", "role": "agent", "access": "all"}
NEW = "another handful of quiet words"


@pytest.fixture
def admin(client, alice, sign_in):
    """Alice's browser."""
    return sign_in(client, alice)


def stored(app, agent_id: int) -> Agent:
    with app.app_context():
        agent = db.session.get_one(Agent, agent_id)
        assert agent.group_ids is not None
        return agent


def by_email(app, email: str) -> Agent | None:
    with app.app_context():
        return agents.by_email(email)


# ── Adding ──────────────────────────────────────────────────────────────────────────────────


def test_a_new_agent_gets_a_link_that_signs_them_in(admin, app, send):
    page = admin.post("/settings/agents/new", data=FIELDS)
    link = re.search(r'value="(http://localhost/invitations/[^"]+)"', page.text)[1]
    assert 'data-copy="link"' in page.text
    other = app.test_client()
    answer = send(other, link.removeprefix("http://localhost"), {"password": NEW, "again": NEW})
    assert answer.status_code == 303
    assert "dana@example.com" in other.get("/account").text


def test_the_link_is_shown_once(admin):
    page = admin.post("/settings/agents/new", data=FIELDS)
    token = re.search(r"/invitations/([\w-]+)", page.text)[1]
    for path in ("/settings/agents", "/settings/agents/2"):
        again = admin.get(path)
        assert again.status_code == 200
        assert token not in again.text


def test_a_forged_host_does_not_choose_the_links_address(admin):
    page = admin.post("/settings/agents/new", data=FIELDS, headers={"X-Forwarded-Host": "evil.example"})
    assert "evil.example" not in page.text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "Type a name."),
        ({"name": " \u200b "}, "Type a name."),
        ({"name": "x" * 81}, "80 characters or fewer"),
        ({"email": ""}, "Type an email address."),
        ({"email": "dana"}, "like name@example.com"),
        ({"email": "da\0na@example.com"}, "like name@example.com"),
        ({"email": "dana@x\r\nBcc: a@b"}, "like name@example.com"),
        ({"email": "d" * 300 + "@example.com"}, "like name@example.com"),
        ({"email": "ALICE@example.com"}, "exists already"),
        ({"role": "owner"}, "Choose a role"),
        ({"role": ""}, "Choose a role"),
        ({"access": "none"}, "Choose what they see"),
        ({"access": "assigned", "view_only": "1"}, "they would see nothing"),
    ],
)
def test_a_wrong_field_says_what_to_do_and_keeps_the_rest(admin, app, wrong, said):
    answer = admin.post("/settings/agents/new", data=FIELDS | wrong)
    assert answer.status_code == 422
    assert said in answer.text
    assert 'aria-invalid="true"' in answer.text or 'class="error"' in answer.text
    kept = {"name": "Dana", "email": "dana@example.com"}.items() - wrong.items()
    assert all(f'value="{value}"' in answer.text for name, value in kept if name not in wrong)
    assert by_email(app, "dana@example.com") is None


def test_an_agent_may_be_view_only_until_an_admin_says_otherwise(admin, app):
    admin.post("/settings/agents/new", data=FIELDS | {"view_only": "1"})
    dana = by_email(app, "dana@example.com")
    page = admin.get(f"/settings/agents/{dana.id}").text
    assert re.search(r'name="view_only" value="1"[^>]* checked', page)
    assert "view only" in admin.get("/settings/agents").text
    admin.post(f"/settings/agents/{dana.id}", data=FIELDS | {"access": "assigned"})
    changed = stored(app, dana.id)
    assert (changed.may_change, changed.access) == (True, "assigned")
    assert "Only what is theirs" in admin.get("/settings/agents").text


def test_names_are_shown_literally_and_lose_what_can_not_be_seen(admin, app):
    name = '<img src=x onerror=1>{{7*7}}\u202e\u200b "Dana"\n'
    admin.post("/settings/agents/new", data=FIELDS | {"name": name})
    assert by_email(app, "dana@example.com").name == '<img src=x onerror=1>{{7*7}} "Dana"'
    page = admin.get("/settings/agents")
    assert "&lt;img src=x onerror=1&gt;{{7*7}}" in page.text


def test_other_fields_do_not_exist(admin, app):
    """T12"""
    extra = {"is_active": "0", "password_hash": "x", "id": "99", "created_at": "2000-01-01"}
    admin.post("/settings/agents/new", data=FIELDS | extra)
    agent = by_email(app, "dana@example.com")
    assert (agent.is_active, agent.password_hash, agent.id) == (True, None, 2)
    assert agent.created_at.year > 2000


# ── Editing ─────────────────────────────────────────────────────────────────────────────────


def test_editing_changes_role_access_and_groups(admin, app, bob, charlie):
    fields = {"name": "Bobby", "email": "bobby@example.com", "role": "admin", "access": "all"}
    answer = admin.post(f"/settings/agents/{bob.id}", data=fields | {"group_ids": ["2", "x", "999"]})
    assert answer.status_code == 303
    changed = stored(app, bob.id)
    assert (changed.name, changed.email, changed.role) == ("Bobby", "bobby@example.com", "admin")
    assert [group.name for group in changed.groups] == ["Support"]


def test_the_last_admin_can_not_be_demoted_or_deactivated(admin, app, alice, bob):
    fields = {"name": "Alice", "email": "alice@example.com", "role": "agent", "access": "all"}
    answer = admin.post(f"/settings/agents/{alice.id}", data=fields)
    assert answer.status_code == 422
    assert "last admin" in answer.text
    admin.post(f"/settings/agents/{alice.id}/deactivation")
    assert "last admin" in admin.get("/settings/agents").text
    assert stored(app, alice.id).is_admin
    assert stored(app, alice.id).is_active


def test_one_of_two_admins_can_be_demoted(admin, app, alice, bob):
    with app.app_context(), transaction.writing():
        db.session.get_one(Agent, bob.id).role = "admin"
    fields = {"name": "Alice", "email": "alice@example.com", "role": "agent", "access": "all"}
    assert admin.post(f"/settings/agents/{alice.id}", data=fields).status_code == 303
    assert admin.get("/settings/agents").status_code == 403


def test_another_agents_address_is_refused_and_the_text_stays(admin, app, bob):
    fields = {"name": "Robert", "email": "alice@example.com", "role": "agent", "access": "all"}
    answer = admin.post(f"/settings/agents/{bob.id}", data=fields)
    assert answer.status_code == 422
    assert "exists already" in answer.text
    assert 'value="Robert"' in answer.text
    assert stored(app, bob.id).email == "bob@example.com"


def test_deactivation_ends_sessions_tokens_and_taken_chats(admin, app, bob, sign_in):
    bobs = sign_in(app.test_client(), bob)
    with app.app_context(), transaction.writing():
        tokens.create(db.session.get_one(Agent, bob.id))
    answer = admin.post(f"/settings/agents/{bob.id}/deactivation")
    assert answer.status_code == 303
    assert bobs.get("/account").status_code == 303
    with app.app_context():
        assert db.session.scalar(select(Session).where(Session.agent_id == bob.id)) is None
        assert db.session.scalar(select(ApiToken).where(ApiToken.agent_id == bob.id)) is None
        assert db.session.scalar(select(Case).where(Case.taken_by_id == bob.id)) is None


def test_activation_lets_them_in_again_with_the_old_password(admin, app, bob, with_password, send):
    with_password(bob)
    admin.post(f"/settings/agents/{bob.id}/deactivation")
    admin.post(f"/settings/agents/{bob.id}/activation")
    answer = send(app.test_client(), "/sign-in", {"email": bob.email, "password": PASSWORD})
    assert answer.status_code == 303


def test_a_deactivated_agent_gets_no_link(admin, bob):
    admin.post(f"/settings/agents/{bob.id}/deactivation")
    answer = admin.post(f"/settings/agents/{bob.id}/invitation")
    assert answer.status_code == 303
    assert "Activate them first" in admin.get(answer.location).text


def test_a_new_link_leaves_the_present_password_until_it_is_used(admin, app, bob, with_password, send):
    with_password(bob)
    page = admin.post(f"/settings/agents/{bob.id}/invitation")
    link = re.search(r"/invitations/[\w-]+", page.text)[0]
    fields = {"email": bob.email, "password": PASSWORD}
    assert send(app.test_client(), "/sign-in", fields).status_code == 303
    send(app.test_client(), link, {"password": NEW, "again": NEW})
    assert send(app.test_client(), "/sign-in", fields).status_code == 422


def test_an_admin_signs_somebody_out_everywhere(admin, app, bob, sign_in):
    bobs = sign_in(app.test_client(), bob)
    assert bobs.get("/account").status_code == 200
    admin.post(f"/settings/agents/{bob.id}/sessions/ending")
    assert bobs.get("/account").status_code == 303
    assert admin.get("/account").status_code == 200


@pytest.mark.parametrize("number", ["0", "999", "2147483648", "9" * 40, "x", "-1"])
def test_an_agent_who_is_not_there_is_404(admin, number):
    assert admin.get(f"/settings/agents/{number}").status_code == 404
    # Werkzeug's own number limit answers 405 where another method has the same path.
    assert admin.post(f"/settings/agents/{number}", data=FIELDS).status_code in (404, 405)


def test_the_list_tells_states(admin, app, bob, charlie):
    admin.post("/settings/agents/new", data=FIELDS)
    admin.post(f"/settings/agents/{bob.id}/deactivation")
    page = admin.get("/settings/agents").text
    assert re.search(r"dana@example.com.*?invited", page, re.DOTALL)
    assert re.search(r"bob@example.com.*?deactivated", page, re.DOTALL)
    assert re.search(r"charlie@example.com.*?no password yet", page, re.DOTALL)


# ── One's own page ──────────────────────────────────────────────────────────────────────────


@pytest.fixture
def own(app, bob, with_password, sign_in):
    """Bob's browser; he has a password."""
    return sign_in(app.test_client(), with_password(bob))


def test_my_name_changes_and_nothing_else_of_me(own, app, bob):
    """T12"""
    extra = {"role": "admin", "access": "all", "email": "x@example.com", "is_active": "0", "group_ids": "1"}
    assert own.post("/account/name", data={"name": "  Bob  B. "} | extra).status_code == 303
    me = stored(app, bob.id)
    assert (me.name, me.role, me.access, me.email) == ("Bob B.", "agent", "own_groups", "bob@example.com")


def test_an_empty_name_is_refused_at_the_field(own, app, bob):
    answer = own.post("/account/name", data={"name": "  "})
    assert answer.status_code == 422
    assert "Type a name." in answer.text
    assert stored(app, bob.id).name == "Bob"


def test_sound_and_shortcuts_are_switched(own, app, bob):
    own.post("/account/preferences", data={"sound": "1"})
    me = stored(app, bob.id)
    assert (me.has_sound, me.has_shortcuts) == (True, False)
    assert 'data-shortcuts="off"' in own.get("/account").text


def test_a_new_password_signs_out_everywhere_else(own, app, bob, sign_in, send):
    elsewhere = sign_in(app.test_client(), bob)
    fields = {"current": PASSWORD, "password": NEW, "again": NEW}
    assert own.post("/account/password", data=fields).status_code == 303
    assert own.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303
    other = app.test_client()
    assert send(other, "/sign-in", {"email": bob.email, "password": PASSWORD}).status_code == 422
    assert send(other, "/sign-in", {"email": bob.email, "password": NEW}).status_code == 303


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"current": "not my password"}, "not your present password"),
        ({"current": ""}, "not your present password"),
        ({"password": "short"}, "12 characters or more"),
        ({"again": "something else entirely"}, "differ"),
    ],
)
def test_a_wrong_password_form_changes_nothing(own, app, bob, password_hash, change, said):
    fields = {"current": PASSWORD, "password": NEW, "again": NEW} | change
    answer = own.post("/account/password", data=fields)
    assert answer.status_code == 422
    assert said in answer.text
    assert stored(app, bob.id).password_hash == password_hash
    assert own.get("/account").status_code == 200


def test_the_present_password_can_not_be_guessed_here(own):
    fields = {"current": "wrong", "password": NEW, "again": NEW}
    for _ in range(5):
        own.post("/account/password", data=fields)
    answer = own.post("/account/password", data=fields | {"current": PASSWORD})
    assert "Too many tries" in answer.text
    assert own.get("/account").status_code == 200


def test_my_sessions_are_listed_and_killable(own, app, bob, sign_in):
    other = sign_in(app.test_client(), bob)
    page = own.get("/account").text
    assert page.count("this browser") == 1
    session_id = re.search(r"/account/sessions/(\d+)/ending", page)[1]
    assert own.post(f"/account/sessions/{session_id}/ending").status_code == 303
    assert other.get("/account").status_code == 303
    assert own.get("/account").status_code == 200


def test_somebody_elses_session_is_not_mine_to_end(own, app, alice, sign_in):
    alices = sign_in(app.test_client(), alice)
    with app.app_context():
        theirs = db.session.scalar(select(Session.id).where(Session.agent_id == alice.id))
    assert own.post(f"/account/sessions/{theirs}/ending").status_code == 404
    assert alices.get("/account").status_code == 200


def test_sign_out_everywhere_else_keeps_this_browser(own, app, bob, sign_in):
    other = sign_in(app.test_client(), bob)
    own.post("/account/sessions/others/ending")
    assert other.get("/account").status_code == 303
    assert own.get("/account").status_code == 200


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "Chrome on Linux"),
        ("curl/8.0", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)  # fmt: skip
def test_browsers_have_names(app, user_agent, name):
    from app.blueprints.account import browser_name

    with app.test_request_context():
        assert browser_name(user_agent) == name

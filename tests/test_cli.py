"""The operator's commands, on both engines, beside a running server."""

import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from click.testing import Result
from sqlalchemy import select, update

from app import create_app, transaction
from app.clock import now
from app.domain import agents, limits, passwords, second_factors, settings, tokens
from app.domain.throttle import Throttle, TooMany
from app.extensions import db
from app.models import ApiToken, Event
from tests.conftest import ROOT, config_for

PASSWORD = "four unrelated quiet words"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request) -> str:
    return request.param


@pytest.fixture
def flask(app):
    """A function that runs one command line."""

    def run(*arguments: str, typed: str | bytes | None = None) -> Result:
        return app.test_cli_runner().invoke(args=arguments, input=typed)

    return run


def use_up(throttle: Throttle, key: str) -> None:
    while not is_used_up(throttle, key):
        with transaction.writing():
            throttle.count(key)


def is_used_up(throttle: Throttle, key: str) -> bool:
    try:
        throttle.check(key)
    except TooMany:
        return True
    return False


def create(flask, email="alice@example.com", role="admin", typed=f"{PASSWORD}\n") -> Result:
    return flask("agents", "create", email, "--name", "Alice", "--role", role, "--password-stdin", typed=typed)


def test_a_created_agent_signs_in_and_sees_everything(flask, app):
    """Section 8: without groups access is all."""
    assert create(flask, "Alice@Example.com").exit_code == 0
    with app.app_context():
        alice = agents.by_email("alice@example.com")
        assert (alice.name, alice.role, alice.access) == ("Alice", "admin", "all")
        assert alice.sees_all
        assert passwords.is_right(PASSWORD, alice.password_hash)


def test_a_password_without_line_end_or_with_windows_line_end_is_taken(flask, app):
    create(flask, "a@example.com", typed=PASSWORD)
    create(flask, "b@example.com", typed=f"{PASSWORD}\r\n")
    with app.app_context():
        for email in ("a@example.com", "b@example.com"):
            assert passwords.is_right(PASSWORD, agents.by_email(email).password_hash)


@pytest.mark.parametrize("phrase", ["a-long-password-1", "test-password-123", "our staff password"])
def test_a_phrase_may_hold_the_word_password(flask, phrase):
    assert create(flask, typed=phrase).exit_code == 0


@pytest.mark.parametrize("easy", ["password1234", "alice@example", "alice-mado-alice", "helpdesk alice"])
def test_what_attackers_try_first_is_no_password(flask, easy):
    assert create(flask, typed=easy).exit_code == 1


@pytest.mark.parametrize(
    ("email", "typed", "said"),
    [
        ("alice@example.com", "short\n", "12 characters or more"),
        ("alice@example.com", "", "12 characters or more"),
        ("alice@example.com", b"\xff\xfe\n", "UTF-8"),
        ("alice", f"{PASSWORD}\n", "like name@example.com"),
        ("", f"{PASSWORD}\n", "Type an email address."),
    ],
)
def test_what_can_not_be_done_is_a_sentence_on_stderr(flask, app, email, typed, said):
    result = create(flask, email, typed=typed)
    assert result.exit_code == 1
    assert said in result.stderr
    assert result.stdout == ""
    with app.app_context():
        assert agents.everyone() == []


def test_an_address_is_taken_once(flask):
    create(flask)
    result = create(flask, "ALICE@example.com")
    assert result.exit_code == 1
    assert "exists already" in result.stderr


def test_an_unknown_role_is_refused(flask):
    assert create(flask, role="owner").exit_code == 2


def test_without_a_terminal_a_password_must_be_piped(flask):
    result = flask("agents", "create", "a@example.com", "--name", "A")
    assert result.exit_code == 1
    assert "--password-stdin" in result.stderr


def test_agents_are_listed_one_a_line(flask):
    create(flask)
    create(flask, "bob@example.com", role="agent")
    assert flask("agents", "list").stdout.splitlines() == [
        "alice@example.com\tadmin\tall\tactive\tAlice",
        "bob@example.com\tagent\tall\tactive\tAlice",
    ]


def test_a_token_is_printed_alone_and_works(flask, app):
    create(flask)
    result = flask("tokens", "create", "alice@example.com")
    token = result.stdout.removesuffix("\n")
    assert "\n" not in token
    with app.app_context():
        found = tokens.find(token)
        assert found.agent.email == "alice@example.com"
        assert found.expires_at is None
        assert found.last4 == token[-4:]
        assert token not in found.token_hash


def test_the_audit_tells_that_no_agent_made_a_token_of_the_command_line(flask, app):
    create(flask)
    token = flask("tokens", "create", "alice@example.com").stdout.strip()
    with app.app_context():
        made = db.session.scalars(select(Event).where(Event.type == "token.created")).one()
        assert (made.agent_id, json.loads(made.data)) == (None, {"agent": 1, "last4": token[-4:]})


def test_a_token_expires(flask, app, clock):
    create(flask)
    token = flask("tokens", "create", "alice@example.com", "--expires-days", "2").stdout.strip()
    with app.app_context():
        clock.shift(timedelta(days=2) - timedelta(seconds=1))
        assert tokens.find(token)
        clock.shift(timedelta(seconds=1))
        assert tokens.find(token) is None


def test_a_token_dies_with_its_agent(flask, app):
    create(flask)
    token = flask("tokens", "create", "alice@example.com").stdout.strip()
    with app.app_context(), transaction.writing():
        alice = agents.by_email("alice@example.com")
        assert tokens.find(token)
        alice.is_active = False
        db.session.flush()
        assert tokens.find(token) is None
        alice_again = agents.by_email("alice@example.com")
        with pytest.raises(agents.Refused):
            tokens.create(alice_again)


@pytest.mark.parametrize("arguments", [("nobody@example.com",), ("x",), ("alice@example.com", "--expires-days", "0")])
def test_a_token_that_can_not_be_made_is_a_sentence(flask, arguments):
    create(flask)
    result = flask("tokens", "create", *arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")


def made_token(flask, email="alice@example.com", *options: str) -> str:
    return flask("tokens", "create", email, *options).stdout.strip()


def test_tokens_are_listed_without_what_opens_anything(flask, app, clock):
    create(flask)
    create(flask, "bob@example.com", role="agent")
    token, bobs = made_token(flask), made_token(flask, "bob@example.com", "--expires-days", "2")
    with app.app_context(), transaction.writing():
        tokens.touch(tokens.find(token))
        clock.shift(timedelta(minutes=5))
        tokens.flush_touches()
    result = flask("tokens", "list")
    assert result.stdout.splitlines() == [
        f"1\talice@example.com\t{token[-4:]}\t2026-11-23 09:00 UTC\t2026-11-23 09:05 UTC\tnever",
        f"2\tbob@example.com\t{bobs[-4:]}\t2026-11-23 09:00 UTC\tnever\t2026-11-25 09:00 UTC",
    ]
    assert token[:-4] not in result.stdout and tokens.hashed(token) not in result.stdout


def test_tokens_of_one_agent_are_listed(flask):
    create(flask)
    create(flask, "bob@example.com", role="agent")
    made_token(flask)
    assert flask("tokens", "list", "--email", "BOB@example.com").stdout == ""
    assert flask("tokens", "list", "--email", "Alice@example.com").stdout.count("\n") == 1
    result = flask("tokens", "list", "--email", "nobody@example.com")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is no agent with this email address." in result.stderr


def test_a_token_is_revoked_by_its_number_and_others_live_on(flask, app):
    create(flask)
    first, second = made_token(flask), made_token(flask)
    result = flask("tokens", "revoke", "--id", "1")
    assert result.stdout == f"Revoked alice@example.com's token that ends in {first[-4:]}.\n"
    with app.app_context():
        assert tokens.find(first) is None
        assert not tokens.is_living(first)
        assert tokens.find(second)
        revoked = db.session.scalars(select(Event).where(Event.type == "token.revoked")).one()
        assert (revoked.agent_id, json.loads(revoked.data)) == (None, {"agent": 1, "last4": first[-4:]})


def test_a_token_is_revoked_by_its_agent_and_its_last_four_characters(flask, app):
    create(flask)
    create(flask, "bob@example.com", role="agent")
    token = made_token(flask)
    assert flask("tokens", "revoke", "--", "bob@example.com", token[-4:]).exit_code == 1
    assert flask("tokens", "revoke", "--", "Alice@example.com", token[-4:]).exit_code == 0
    with app.app_context():
        assert tokens.find(token) is None


def test_of_two_tokens_that_end_alike_none_is_revoked(flask, app):
    create(flask)
    made = [made_token(flask), made_token(flask)]
    with app.app_context(), transaction.writing():
        db.session.execute(update(ApiToken).values(last4="abcd"))
    result = flask("tokens", "revoke", "alice@example.com", "abcd")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Say --id" in result.stderr
    with app.app_context():
        assert all(tokens.find(token) for token in made)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--id", "999"), "There is no such token. See: tokens list"),
        (("--id", "0"), "There is no such token. See: tokens list"),
        (("--id", str(2**63)), "There is no such token. See: tokens list"),
        (("alice@example.com", "zzzzz"), "There is no such token. See: tokens list"),
        (("nobody@example.com", "abcd"), "There is no agent with this email address."),
        (("alice@example.com",), "Say --id"),
        ((), "Say --id"),
        (("alice@example.com", "abcd", "--id", "1"), "Say --id"),
    ],
)
def test_a_token_that_can_not_be_revoked_is_a_sentence(flask, app, arguments, said):
    create(flask)
    token = made_token(flask)
    result = flask("tokens", "revoke", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    with app.app_context():
        assert tokens.find(token)


@pytest.mark.parametrize("token", ["", "x", "mado_" + "a" * 500, "mado_\0", "mado_\ud800"])
def test_other_tokens_are_nobody(app, token):
    with app.app_context():
        assert tokens.find(token) is None


def test_a_tokens_use_is_noted_once_a_minute(flask, app, clock):
    create(flask)
    token = flask("tokens", "create", "alice@example.com").stdout.strip()
    with app.app_context(), transaction.writing():
        tokens.touch(tokens.find(token))
        tokens.flush_touches()
    with app.app_context():
        found = tokens.find(token)
        assert found.used_at == now()
        tokens.touch(found)
        assert not tokens.has_touches()
        clock.shift(timedelta(seconds=61))
        tokens.touch(found)
        assert tokens.has_touches()


def test_settings_get_prints_the_value_alone(flask, app):
    """Section 8"""
    assert flask("settings", "get", "chats.inactivity_minutes").stdout == "10\n"
    result = flask("settings", "set", "chats.inactivity_minutes", "25")
    assert (result.exit_code, result.stdout) == (0, "")
    assert flask("settings", "get", "chats.inactivity_minutes").stdout == "25\n"
    with app.app_context():
        assert settings.get("chats.inactivity_minutes") == 25


@pytest.mark.parametrize("value", ["0", "1441", "ten", "1.5", ""])
def test_a_setting_out_of_range_is_refused(flask, value):
    """S19"""
    result = flask("settings", "set", "chats.inactivity_minutes", value)
    assert result.exit_code == 1
    assert "whole number from 1 to 1440" in result.stderr
    assert flask("settings", "get", "chats.inactivity_minutes").stdout == "10\n"


def test_a_second_factor_is_taken_away(flask, app):
    create(flask)
    with app.app_context(), transaction.writing():
        alice = agents.by_email("alice@example.com")
        second_factors.switch_on(alice, seed=second_factors.new_seed(), step=0, code_hashes=["hash"])
    assert flask("agents", "reset-totp", "Alice@example.com").exit_code == 0
    with app.app_context():
        alice = agents.by_email("alice@example.com")
        assert not alice.has_second_factor
        assert second_factors.codes_left(alice) == 0
    result = flask("agents", "reset-totp", "nobody@example.com")
    assert result.exit_code == 1
    assert "There is no agent with this email address." in result.stderr


def test_who_tried_too_often_may_try_again_at_once(flask, app):
    """T29"""
    create(flask)
    create(flask, "bob@example.com")
    with app.app_context():
        alice, bob = agents.by_email("alice@example.com"), agents.by_email("bob@example.com")
        own = ((limits.SIGN_INS, alice.email), (limits.CODES, str(alice.id)), (limits.OWN_PASSWORDS, str(alice.id)))
        others = ((limits.SIGN_INS, bob.email), (limits.CODES, str(bob.id)), (limits.SIGN_INS_FROM, "203.0.113.7"))
        [use_up(throttle, key) for throttle, key in own + others]
    assert flask("agents", "unlock", "Alice@example.com").stdout == "alice@example.com may try again at once.\n"
    with app.app_context():
        assert [is_used_up(*one) for one in own] == [False] * 3
        assert [is_used_up(*one) for one in others] == [True] * 3
        newest = db.session.scalars(select(Event).order_by(Event.id.desc()).limit(1)).one()
        assert (newest.type, newest.agent_id) == ("agent.unlocked", None)
        assert json.loads(newest.data) == {"agent": agents.by_email("alice@example.com").id}
    result = flask("agents", "unlock", "nobody@example.com")
    assert result.exit_code == 1
    assert "There is no agent with this email address." in result.stderr


def test_an_unknown_setting_names_those_there_are(flask):
    for arguments in (("get", "x"), ("set", "x", "1")):
        result = flask("settings", *arguments)
        assert result.exit_code == 1
        assert "chats.inactivity_minutes" in result.stderr


def test_settings_and_channels_are_listed(flask):
    assert "chats.inactivity_minutes\t10\t" in flask("settings", "list").stdout
    result = flask("channels", "list")
    assert (result.exit_code, result.stderr) == (0, "")


def test_a_database_without_tables_says_what_to_run(tmp_path):
    app = create_app(config_for(f"sqlite:///{tmp_path / 'empty.sqlite3'}", tmp_path))
    result = app.test_cli_runner().invoke(args=["agents", "list"])
    assert result.exit_code == 1
    assert "flask --app wsgi db upgrade" in result.stderr


def test_the_commands_work_as_an_operator_types_them(tmp_path):
    """With the real entry point: a fresh database, an agent, a token; nobody else may read them (T39)."""
    tmp_path.chmod(0o755)
    environment = {**os.environ, "DATA_DIR": str(tmp_path), "SECRET_KEY": "", "DATABASE_URL": ""}

    def run(*arguments: str, typed: str = "") -> str:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
        return subprocess.run(
            command, input=typed, capture_output=True, text=True, check=True, cwd=ROOT, env=environment, timeout=60
        ).stdout  # fmt: skip

    run("db", "upgrade")
    run("agents", "create", "a@example.com", "--name", "Ann", "--role", "admin", "--password-stdin", typed=PASSWORD)
    assert run("agents", "list") == "a@example.com\tadmin\tall\tactive\tAnn\n"
    assert run("tokens", "create", "a@example.com").startswith("mado_")
    assert {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir() if path.stat().st_mode & 0o077} == {}

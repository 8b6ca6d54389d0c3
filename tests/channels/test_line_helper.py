"""The setup helper: the webhook set, read back and tested at LINE, in plain words (S9a, S9b)."""

import re
import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app import transaction
from app.channels.line import client as sdk
from app.channels.line import endpoint, setup
from app.channels.line.checks import Checks
from app.extensions import db, is_writing
from app.models import Channel, Event
from tests.channels import line_setting
from tests.channels.line_setting import (
    SECRET,
    TOKEN,
    Line,
    begin,
    channel_of,
    connected,
    credentials_of,
    error_at,
    value_of,
    webhook_url,
)

admin = line_setting.admin
line = line_setting.line
shop = line_setting.shop

FRAGMENT = {"HX-Request": "true"}


def words_of(page: str) -> list[str]:
    """What the list of checks says, without times."""
    found = re.findall(
        r'<li class="(is-\w+)"><svg.*?</svg><span>(.*?)(?: <span|</span>)', page, re.S
    )
    return [f"{kind[3:]}: {words}" for kind, words in found]


def line_of(page: str, beginning: str) -> str:
    found = [words for words in words_of(page) if words.startswith(beginning)]
    assert len(found) == 1, words_of(page)
    return found[0]


# ── On the draft ──────────────────────────────────────────────────────────────────────────


def test_one_button_sets_reads_back_and_tests(app: Flask, admin: FlaskClient, line: Line) -> None:
    """S9a"""
    form = begin(admin)
    line.spoil("webhook_test", "test-302")
    answer = admin.post(f"{form}/webhook", data={"token": TOKEN, "secret": SECRET})
    assert (answer.status_code, answer.location) == (303, f"{form}#webhook")
    assert line.calls() == ["webhook_set", "webhook_get", "webhook_test"]
    page = admin.get(form).text
    assert line.account.webhook_url == webhook_url(page)
    assert "good: LINE has this address." in words_of(page)
    assert "good: “Use webhook” is on." in words_of(page)
    assert "LINE does not follow" in line_of(page, "bad: The address leads on")


def test_what_was_typed_is_kept_by_the_helper(app: Flask, admin: FlaskClient, line: Line) -> None:
    """S9a: nothing typed is lost."""
    form = begin(admin)
    typed = {"token": TOKEN, "secret": SECRET, "name": "Typed", "inactivity_minutes": "9"}
    admin.post(f"{form}/webhook", data=typed)
    page = admin.get(form).text
    assert (value_of(page, "name"), value_of(page, "inactivity_minutes")) == ("Typed", "9")
    kept = credentials_of(app, form)
    assert (kept.token, kept.secret, channel_of(app, form).state) == (TOKEN, SECRET, "draft")


def test_helper_answers_a_script_with_its_part_alone(admin: FlaskClient, line: Line) -> None:
    form = begin(admin)
    answer = admin.post(f"{form}/webhook", data={"token": TOKEN}, headers=FRAGMENT)
    assert answer.status_code == 200
    assert answer.text.startswith('<div id="webhook"')
    assert "good: LINE has this address." in words_of(answer.text)


@pytest.mark.parametrize("headers", [{}, FRAGMENT])
def test_helper_needs_the_token_first(
    admin: FlaskClient, line: Line, headers: dict[str, str]
) -> None:
    form = begin(admin)
    answer = admin.post(f"{form}/webhook", data={"name": "Typed"}, headers=headers)
    assert answer.status_code == 422
    assert "Paste the channel access token first" in answer.text
    assert line.calls() == []


def test_wrong_token_is_told_at_its_field(admin: FlaskClient, line: Line) -> None:
    form = begin(admin)
    answer = admin.post(f"{form}/webhook", data={"token": "CANARY-wrong", "name": "Typed"})
    assert answer.status_code == 422
    assert "LINE refused the token" in error_at(answer.text, "token")
    assert value_of(answer.text, "name") == "Typed"
    assert "CANARY" not in answer.text


def test_address_without_https_is_refused_by_line_and_explained(
    admin: FlaskClient, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S9a"""
    form = begin(admin)
    monkeypatch.setattr(setup, "webhook_url", lambda channel: "http://help.example.com/hook")
    answer = admin.post(f"{form}/webhook", data={"token": TOKEN})
    assert answer.status_code == 422
    assert "It must begin with https" in answer.text


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("test-could-not-connect", "certificate must come from a public authority"),
        ("test-timeout", "allows about two seconds"),
        ("test-401", "the channel secret is not this channel&#39;s"),
        ("test-403", "a firewall, or a sign-in of the proxy"),
        ("test-404", "Does PUBLIC_URL lead to this Mado"),
        ("test-502", "Is it running?"),
        ("test-unclassified", "LINE does not say why"),
    ],
)
def test_each_failure_of_lines_test_says_what_to_do(
    admin: FlaskClient, line: Line, what: str, words: str
) -> None:
    """S9a"""
    form = begin(admin)
    line.spoil("webhook_test", what)
    page = admin.post(f"{form}/webhook", data={"token": TOKEN}, headers=FRAGMENT).text
    bad = [told for told in words_of(page) if told.startswith("bad: ")]
    assert len(bad) == 1
    assert words in " ".join(bad[0].split())


def test_words_of_line_itself_are_shown_as_text(admin: FlaskClient, line: Line) -> None:
    form = begin(admin)
    line.spoil("webhook_test", "test-could-not-connect")
    page = admin.post(f"{form}/webhook", data={"token": TOKEN}, headers=FRAGMENT).text
    assert "LINE&#39;s own words: “TLS handshake failure”" in page


def test_switch_that_no_call_can_turn_is_explained(admin: FlaskClient, line: Line) -> None:
    """S9a: where it is, since only the console has it."""
    line.account.use_webhook = False
    form = begin(admin)
    page = admin.post(f"{form}/webhook", data={"token": TOKEN}, headers=FRAGMENT).text
    assert "tab Messaging API, under “Webhook settings”" in line_of(
        page, "bad: “Use webhook” is off"
    )


def test_used_up_tests_say_nothing_bad_of_the_address(admin: FlaskClient, line: Line) -> None:
    """S9a: LINE allows 60 an hour."""
    form = begin(admin)
    line.spoil("webhook_test", "429")
    page = admin.post(f"{form}/webhook", data={"token": TOKEN}, headers=FRAGMENT).text
    assert "60 tests an hour" in line_of(page, "open: LINE allows")


@pytest.mark.parametrize("what", ["500", "500-html", "reset", "odd-200-html"])
def test_test_that_line_could_not_make_is_no_verdict(
    admin: FlaskClient, line: Line, what: str
) -> None:
    form = begin(admin)
    line.spoil("webhook_test", what)
    page = admin.post(f"{form}/webhook", data={"token": TOKEN}, headers=FRAGMENT).text
    assert line_of(page, "open: LINE could not make its test")


@pytest.mark.parametrize("name", ["webhook_set", "webhook_get"])
@pytest.mark.parametrize("what", ["500", "503", "429", "reset", "timeout-before"])
def test_helper_survives_a_line_that_fails(
    app: Flask,
    admin: FlaskClient,
    line: Line,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    what: str,
) -> None:
    """S9a: it says so, and the next try needs nothing typed again."""
    form = begin(admin)
    line.spoil(name, what)
    with monkeypatch.context() as impatient:
        impatient.setattr(sdk, "TIMEOUT", (1.0, 0.2 if what == "timeout-before" else 10.0))
        answer = admin.post(f"{form}/webhook", data={"token": TOKEN, "name": "Typed"})
    assert answer.status_code == 503
    assert "Try again in a minute" in answer.text
    assert value_of(answer.text, "name") == "Typed"
    assert admin.post(f"{form}/webhook").status_code == 303


def test_nothing_is_locked_while_line_tests(
    app: Flask, admin: FlaskClient, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DESIGN: LINE's test calls us meanwhile, and that call writes."""
    seen: list[object] = []
    real = endpoint.set_up

    def write_meanwhile() -> None:
        with app.app_context(), transaction.writing():
            seen.append(db.session.scalar(select(Channel.state)))

    def ask(token: str, url: str, known: Checks) -> Checks:
        seen.append(is_writing.get())
        other = threading.Thread(target=write_meanwhile)
        other.start()
        other.join(5)
        return real(token, url, known)

    monkeypatch.setattr(endpoint, "set_up", ask)
    admin.post(f"{begin(admin)}/webhook", data={"token": TOKEN})
    assert seen == [False, "draft"]


# ── On a connected channel ────────────────────────────────────────────────────────────────


def test_connected_channel_is_set_up_from_its_page(
    app: Flask, admin: FlaskClient, line: Line, shop: str
) -> None:
    """S9a"""
    line.account.webhook_url = "https://elsewhere.example.com/hook"
    admin.post(f"{shop}/check")
    page = admin.get(shop).text
    assert "https://elsewhere.example.com/hook" in line_of(page, "bad: LINE calls another address")
    assert admin.post(f"{shop}/webhook").status_code == 303
    assert line.account.webhook_url == webhook_url(page)
    assert "good: LINE has this address." in words_of(admin.get(shop).text)
    with app.app_context():
        told = db.session.scalars(select(Event.data).where(Event.type == "channel.changed")).all()
    assert told == ['{"fields": ["webhook"]}']


def test_check_asks_about_token_secret_and_webhook(
    admin: FlaskClient, line: Line, shop: str
) -> None:
    """S9b"""
    before = len(line.calls())
    assert admin.post(f"{shop}/check").location == f"{shop}#health"
    assert line.calls()[before:] == ["info", "verify", "token", "webhook_get"]
    page = admin.get(shop).text
    assert "good: LINE accepts the token." in words_of(page)
    assert (
        "bad: LINE has no webhook URL yet. Let Mado set it, or paste it in the console."
        in words_of(page)
    )


def test_check_finds_a_token_that_was_replaced(
    app: Flask, admin: FlaskClient, line: Line, shop: str
) -> None:
    """S9b"""
    line.account.access_token = "another"
    admin.post(f"{shop}/check")
    assert line_of(admin.get(shop).text, "bad: LINE refused the token.")
    line.account.access_token = TOKEN
    admin.post(f"{shop}/check")
    assert "good: LINE accepts the token." in words_of(admin.get(shop).text)


def test_check_finds_a_secret_that_was_replaced(admin: FlaskClient, line: Line, shop: str) -> None:
    """S9b"""
    line.account.channel_secret = "another"
    admin.post(f"{shop}/check")
    assert line_of(admin.get(shop).text, "bad: The token works, but the secret")


@pytest.mark.parametrize("credential", ["access_token", "channel_secret"])
def test_check_that_line_refuses_says_that_the_webhook_was_not_asked_about_again(
    admin: FlaskClient, line: Line, shop: str, credential: str
) -> None:
    """S9b: what was found before does not stand there as if it were found now."""
    line.spoil("webhook_test", "test-302")
    admin.post(f"{shop}/webhook")
    right = getattr(line.account, credential)
    setattr(line.account, credential, "another")
    admin.post(f"{shop}/check")
    page = admin.get(shop).text
    older = [words for words in words_of(page) if "Not asked again" in words]
    assert [words.partition(".")[0] for words in older] == [
        "open: LINE has this address",
        "open: “Use webhook” is on",
        "open: The address leads on to another one (302), and LINE does not follow",
    ]
    setattr(line.account, credential, right)
    admin.post(f"{shop}/check")
    page = admin.get(shop).text
    assert "good: LINE has this address." in words_of(page)
    assert "Not asked again" not in page


def test_webhook_that_is_asked_about_after_a_refused_secret_is_of_now(
    admin: FlaskClient, line: Line, shop: str
) -> None:
    """The token alone is enough to ask about it."""
    line.account.channel_secret = "another"
    admin.post(f"{shop}/check")
    admin.post(f"{shop}/webhook")
    assert "good: LINE has this address." in words_of(admin.get(shop).text)


def test_check_while_line_is_down_leaves_what_was_known(
    admin: FlaskClient, line: Line, shop: str
) -> None:
    line.spoil("info", "500")
    admin.post(f"{shop}/check")
    page = admin.get(shop).text
    assert "LINE has a problem of its own" in page
    assert "good: LINE accepts the token." in words_of(page)


def test_draft_that_was_tested_keeps_its_findings_when_connected(
    admin: FlaskClient, line: Line
) -> None:
    form = begin(admin)
    admin.post(f"{form}/webhook", data={"token": TOKEN, "secret": SECRET})
    line_setting.connect(admin, form)
    assert "good: LINE has this address." in words_of(admin.get(form).text)


def test_log_tells_what_happened_to_the_channel(admin: FlaskClient, shop: str) -> None:
    """S9b"""
    admin.post(f"{shop}/disabling")
    page = admin.get(shop).text
    assert "The channel was connected." in page
    assert "Disabled the channel." in page


def test_two_channels_keep_their_own_findings(admin: FlaskClient, line: Line, shop: str) -> None:
    other = connected(admin, name="Other")
    admin.post(f"{shop}/webhook")
    assert "open: Whether LINE has this address was not asked yet." in words_of(
        admin.get(other).text
    )

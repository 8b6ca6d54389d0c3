"""Connecting LINE from nothing: an empty Mado, a LINE account, and an admin with the form."""

import re

import pytest
from playwright.sync_api import expect

from e2e.conftest import SECRET, TOKEN, sign_in
from e2e.phone import Line
from e2e.servers import start_line, start_mado


@pytest.fixture
def new_line(tmp_path):
    """A LINE account whose owner looks at its console."""
    server = start_line(tmp_path)
    line = Line(server)
    line.account(token=TOKEN, secret=SECRET)
    yield line
    server.stop()


@pytest.fixture
def new_mado(tmp_path, new_line):
    """A Mado with an admin and nothing else."""
    server = start_mado(tmp_path, new_line.server, {"alice": "admin"})
    yield server
    server.stop()


def test_line_is_connected_from_nothing_and_a_customer_writes(new_mado, new_line, browser_of, watch):
    """S2, S3, S4."""
    watch.expect("status of 422")
    alice = sign_in(browser_of(None), "alice@example.com", at=new_mado.url)
    alice.goto(f"{new_mado.url}/settings/channels")
    alice.press("Connect LINE")
    address = alice.page.get_by_label("Webhook URL").input_value()
    assert re.fullmatch(re.escape(f"{new_mado.url}/line/webhook/") + r"\S{22,}", address)
    expect(alice.page.get_by_text("No call from LINE has arrived here yet")).to_be_visible()

    new_line.account(webhook=address)
    assert new_line.call("POST", "/webhooks", {"events": [], "wait": True})["status"] == 200
    expect(alice.page.get_by_text("LINE has called this address")).to_be_visible()

    alice.page.get_by_label("Channel secret").fill(SECRET)
    alice.page.get_by_label("Channel access token").fill("not-the-token")
    alice.press("Connect")
    expect(alice.page.locator("#token-error")).to_contain_text("LINE refused the token. Issue a new one")
    expect(alice.page.get_by_label("Webhook URL")).to_have_value(address)

    alice.page.get_by_label("Channel access token").fill(f"  {TOKEN}\n")
    alice.press("Connect")
    expect(alice.page.get_by_text("LINE calls this account Mado Shop")).to_be_visible()
    assert TOKEN not in alice.page.content()
    assert SECRET not in alice.page.content()

    somchai = new_line.customer("Somchai")
    somchai.writes("Are you there?")
    alice.expect_icon(1)
    alice.open_from_icon("Somchai")
    alice.send("Since today!")
    somchai.waits_to_see("Since today!")


def test_helper_sets_the_webhook_and_explains_what_is_wrong_until_it_is_mended(
    new_mado, new_line, browser_of, watch
):
    """S9a, S9b, S35, L10."""
    watch.expect("status of 422")
    alice = sign_in(browser_of(None), "alice@example.com", at=new_mado.url)
    alice.goto(f"{new_mado.url}/settings/channels")
    alice.press("Connect LINE")
    alice.page.locator("#name").fill("Typed before")
    alice.press("Set it at LINE and test")
    expect(alice.page.get_by_text("Paste the channel access token first")).to_be_visible()

    alice.page.get_by_label("Channel access token").fill(TOKEN)
    alice.page.get_by_label("Channel secret").fill("0" * 32)
    new_line.account(use_webhook=False)
    alice.press("Set it at LINE and test")
    webhook = alice.page.locator("#webhook")
    expect(webhook).to_contain_text("LINE has this address.")
    expect(webhook).to_contain_text("“Use webhook” is off, so LINE sends nothing.")
    expect(webhook).to_contain_text("the channel secret is not this channel's")
    expect(alice.page.locator("#name")).to_have_value("Typed before")

    new_line.account(use_webhook=True)
    alice.page.get_by_label("Channel secret").fill(SECRET)
    alice.press("Set it at LINE and test")
    expect(webhook).to_contain_text("“Use webhook” is on.")
    expect(webhook).to_contain_text("LINE's test call arrived and was answered.")
    expect(webhook.locator(".is-bad")).to_have_count(0)

    alice.press("Connect")
    expect(alice.page.get_by_text("LINE calls this account Mado Shop")).to_be_visible()
    alice.page.get_by_label("Add-friend link").fill("https://lin.ee/mado")
    alice.page.get_by_label("Show customers that an agent is writing").check()
    alice.press("Save")
    expect(alice.page.get_by_label("Add-friend link")).to_have_value("https://lin.ee/mado")

    somchai = new_line.customer("Somchai")
    somchai.writes("How do my friends find you?")
    alice.open_from_icon("Somchai")
    alice.composer.press_sequentially("Here: ")
    new_line.waits_for_call("loading")
    alice.page.get_by_role("button", name="Insert add-friend link").click()
    alice.press("Send")
    somchai.waits_to_see("Here: https://lin.ee/mado")

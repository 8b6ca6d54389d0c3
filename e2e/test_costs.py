"""What sending costs: told before one sends, and a month that is used up loses no word."""

import pytest
from playwright.sync_api import expect

from e2e.conftest import REDELIVERY, SECRET, TOKEN, sign_in
from e2e.phone import Line
from e2e.servers import start_line, start_mado


@pytest.fixture
def small_line(tmp_path):
    """A LINE account with a plan of its own: the month is used up."""
    server = start_line(tmp_path)
    line = Line(server)
    line.account(token=TOKEN, secret=SECRET, monthly_limit=200, used_this_month=200)
    yield line
    server.stop()


@pytest.fixture
def small_mado(tmp_path, small_line):
    server = start_mado(tmp_path, small_line.server, {"alice": "admin"})
    channel = ["channels", "create-line", "--name", "Mado Shop", "--token", TOKEN, "--secret", SECRET]
    (webhook,) = server.run(channel)
    small_line.account(webhook=webhook, **REDELIVERY)
    yield server
    server.stop()


def test_month_that_is_used_up_is_explained_and_the_next_message_makes_it_free(
    small_mado, small_line, browser_of, watch
):
    """L9: Send refuses with words and keeps the text; what the contact writes makes it free."""
    watch.expect("status of 422")
    alice, somchai = sign_in(browser_of(None), "alice@example.com", at=small_mado.url), small_line.customer("Somchai")
    somchai.writes_at_once("Hello")
    alice.expect_icon(1)
    alice.open_from_icon("Somchai")
    cost = alice.page.locator(".cost")
    expect(cost).to_contain_text("This month's 200 LINE messages are used up.")

    alice.send("Still there?")
    expect(alice.notice).to_contain_text("This month's 200 LINE messages are used up, so this was not sent.")
    expect(alice.composer).to_have_value("Still there?")
    expect(alice.page.get_by_text("Draft kept")).to_be_visible()
    alice.page.reload()
    expect(alice.composer).to_have_value("Still there?")
    expect(alice.page.locator(".banners")).to_contain_text("Mado Shop has used 200 of this month's 200 LINE messages.")

    alice.press("Send")
    expect(alice.notice).to_contain_text("so this was not sent")
    somchai.writes("Hello?")
    expect(cost).to_contain_text("Free to send for")
    expect(alice.notice).to_be_empty()
    alice.press("Send")
    alice.expect_sent("Still there?")
    somchai.waits_to_see("Still there?")
    expect(cost).not_to_contain_text("Free to send for")

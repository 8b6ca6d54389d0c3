"""Quiet chats: the countdown, five more minutes, and an end that comes while somebody types."""

import re

import pytest
from playwright.sync_api import expect

A_TICK_OF_THE_SCHEDULER_MS = 20_000


@pytest.fixture
def chat(desk, customer):
    """Bob with Somchai's unanswered chat open."""
    bob, somchai = desk("bob"), customer("Somchai")
    somchai.writes("Hello")
    bob.open_from_icon(somchai.name)
    return bob, somchai


def test_a_quiet_chat_counts_down_and_can_be_kept_open(mado, chat):
    """S20a."""
    bob, somchai = chat
    countdown = bob.page.locator(".foot").get_by_role("timer")
    expect(countdown).to_be_hidden()
    mado.let_pass(bob.number, minutes=8.5)
    bob.page.reload()
    expect(countdown).to_have_text(re.compile(r"Ends in 1:[0-5]\d"))
    expect(bob.row(somchai.name).get_by_role("timer")).to_be_visible()

    bob.press("Keep open 5 more minutes")
    expect(countdown).to_be_hidden()
    bob.page.reload()
    expect(bob.composer).to_be_visible()
    expect(countdown).to_be_hidden()


def test_a_chat_that_ends_by_itself_while_one_types_keeps_the_text(mado, chat, desk):
    """S18, S20, S20a, S26: the contact wrote last, so it is open; Send makes it active again."""
    bob, somchai = chat
    charlie = desk("charlie", "/cases")
    bob.composer.press_sequentially("I am still wri")
    mado.let_pass(bob.number, minutes=10.1)
    ended = bob.page.get_by_text("This chat has ended. Sending a reply makes it active again")
    expect(ended).to_be_visible(timeout=A_TICK_OF_THE_SCHEDULER_MS)
    expect(charlie.case_row(somchai.name)).to_contain_text("Open")
    charlie.expect_icon(0)

    bob.composer.press_sequentially("ting")
    expect(bob.composer).to_have_value("I am still writing")
    bob.press("Send")
    somchai.waits_to_see("I am still writing")
    expect(bob.page.get_by_text("You have this chat")).to_be_visible()
    expect(charlie.case_row(somchai.name)).to_have_count(0)

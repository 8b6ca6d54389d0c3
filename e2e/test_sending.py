"""What LINE refuses or loses: the bubble says what is known, and trying again really sends."""

import re
import secrets

import pytest
from playwright.sync_api import expect


@pytest.fixture
def chat(desk, customer):
    """Bob with Somchai's unanswered chat open."""
    bob, somchai = desk("bob"), customer("Somchai")
    somchai.writes("Hello")
    bob.open_from_icon(somchai.name)
    return bob, somchai


def test_what_line_refuses_says_why_and_trying_again_really_sends(desk, line):
    """L8, U6: status 400."""
    bob, nobody = desk("bob"), line.stranger(f"Nobody {secrets.token_hex(3)}")
    nobody.writes_at_once(f"I am {nobody.name}")
    bob.icon.click()
    bob.entry(f"I am {nobody.name}").click()
    bob.send("Are you there?")
    failed = bob.bubble("Are you there?")
    expect(failed).to_contain_text("Not sent: LINE refused the message: Failed to send messages")
    bob.page.reload()
    expect(failed).to_contain_text("Not sent: LINE refused the message: Failed to send messages")

    line.customer(nobody.name)
    failed.get_by_role("button", name="Try again").click()
    bob.expect_sent("Are you there?")
    nobody.waits_to_see("Are you there?")
    expect(failed).not_to_contain_text("Not sent")


def test_an_answer_that_never_came_is_shown_as_perhaps_sent(chat, line):
    """L6, L8: status 500 to a free reply. Mado repeats it only when it is told to."""
    bob, somchai = chat
    line.fault("reply", "500")
    bob.send("Did this arrive?")
    unsure = bob.bubble("Did this arrive?")
    expect(unsure).to_contain_text("LINE had a failure of its own. It may or may not have arrived.")
    assert somchai.sees() == []
    unsure.get_by_role("button", name="Send again").click()
    bob.expect_sent("Did this arrive?")
    somchai.waits_to_see("Did this arrive?")


def test_a_refusing_line_is_tried_again_until_one_stops_it(chat, line):
    """L7: status 429."""
    bob, somchai = chat
    line.fault("reply", "429-monthly")
    bob.send("Slowly")
    queued = bob.bubble("Slowly")
    expect(queued).to_contain_text("queued: LINE did not accept it, trying again at")
    expect(queued).to_contain_text("This month's LINE messages are used up.")
    queued.get_by_role("button", name="Stop trying").click()
    expect(queued).to_contain_text("Not sent")
    assert somchai.sees() == []
    queued.get_by_role("button", name="Try again").click()
    bob.expect_sent("Slowly")
    somchai.waits_to_see("Slowly")


def test_a_busy_line_gets_the_reply_once_it_takes_it(chat, line):
    """L7: status 429, twice."""
    bob, somchai = chat
    line.fault("*", "429", times=2)
    bob.send("Slowly")
    expect(bob.bubble("Slowly")).to_contain_text(re.compile(r"queued: LINE did not accept it, trying again at \d\d:\d\d\. LINE asks to send more slowly\."))
    bob.expect_sent("Slowly")
    somchai.waits_to_see("Slowly")

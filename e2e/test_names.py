"""The accessible names that people, screen readers and other people's tests rely on (S13-S17)."""

import pytest
from playwright.sync_api import expect

STATUSES = ("Open", "Pending", "Closed")


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_named_by_its_word_alone_and_described_by_its_hint(desk, customer, status):
    """S17."""
    bob, somchai = desk("bob"), customer("Somchai")
    somchai.writes("Hello")
    bob.open_from_icon(somchai.name)
    bob.ask_to_end()
    by_role = bob.dialog.get_by_role("radio", name=status, exact=True)
    by_label = bob.dialog.get_by_label(status, exact=True)
    expect(by_role).to_have_count(1)
    expect(by_label).to_have_count(1)
    expect(by_role).not_to_have_accessible_description("")


def test_the_message_box_is_all_that_is_labelled_message(desk, customer):
    bob, somchai = desk("bob"), customer("Somchai")
    somchai.writes("Hello")
    bob.open_from_icon(somchai.name)
    expect(bob.page.get_by_label("Message")).to_have_count(1)
    bob.page.get_by_label("Message").fill("Good morning")
    bob.page.get_by_role("button", name="Send").click()
    bob.expect_sent("Good morning")


def test_an_untaken_chat_can_be_handed_to_a_colleague(mado, desk, customer):
    """S26b."""
    bob, charlie, somchai = desk("bob"), desk("charlie"), customer("Somchai")
    somchai.writes("Hello")
    bob.open_from_icon(somchai.name)
    bob.press("Hand over")
    bob.page.get_by_role("button", name="Charlie").click()
    expect(bob.page.get_by_text("Charlie has this chat")).to_be_visible()
    bob.expect_icon(0)
    charlie.expect_icon(1)
    assert mado.api("GET", f"/cases/{bob.number}")["taken_by"]["name"] == "Charlie"

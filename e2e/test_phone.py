"""On an agent's phone: one pane at a time, and nothing beside the screen."""

from playwright.sync_api import expect

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


def test_a_chat_is_answered_on_a_phone_one_pane_at_a_time(desk, customer):
    """S11, LOOK: Frame."""
    bob, somchai = desk("bob", **PHONE), customer("Somchai")
    somchai.writes("Hello")
    expect(bob.row(somchai.name)).to_be_visible()
    expect(bob.page.locator("#conversation")).to_be_hidden()
    bob.row(somchai.name).tap()
    bob.expect_open(somchai.name)
    expect(bob.row(somchai.name)).to_be_hidden()
    expect(bob.composer).to_be_in_viewport()

    bob.composer.fill("On my way")
    bob.page.get_by_role("button", name="Send", exact=True).tap()
    somchai.waits_to_see("On my way")
    bob.page.get_by_role("link", name="Back to the list").tap()
    expect(bob.tab("Mine")).to_be_visible()
    expect(bob.page.locator("#conversation")).to_be_hidden()


def test_enter_on_a_phone_begins_a_new_line(desk, customer):
    """U1: touch keyboards have no Shift+Enter."""
    bob, somchai = desk("bob", **PHONE), customer("Somchai")
    somchai.writes("Hello")
    bob.row(somchai.name).tap()
    bob.expect_open(somchai.name)
    bob.composer.press_sequentially("one")
    bob.composer.press("Enter")
    bob.composer.press_sequentially("two")
    expect(bob.composer).to_have_value("one\ntwo")

"""The whole job without a mouse."""

from playwright.sync_api import expect

from e2e.desk import Desk
from e2e.servers import PASSWORD


def test_an_agent_signs_in_answers_and_ends_by_keyboard_alone(browser_of, customer, desk):
    """U20, WCAG 2.1.1."""
    somchai, yuki = customer("Somchai"), customer("Yuki")
    somchai.writes("Hello")
    yuki.writes("こんにちは")
    page = browser_of(None).new_page()
    page.goto("/")
    expect(page.get_by_label("Email")).to_be_focused()
    keys = page.keyboard
    keys.type("bob@example.com")
    keys.press("Tab")
    keys.type(PASSWORD)
    keys.press("Enter")
    page.wait_for_url("**/chats")
    bob = Desk(page)
    bob.expect_live()
    expect(bob.row(yuki.name)).to_be_visible()

    keys.press("j")
    expect(bob.row(somchai.name)).to_be_focused()
    keys.press("j")
    expect(bob.row(yuki.name)).to_be_focused()
    keys.press("k")
    expect(bob.row(somchai.name)).to_be_focused()
    keys.press("Enter")
    bob.expect_open(somchai.name)
    expect(bob.composer).to_be_focused()
    keys.type("Yes?")
    keys.press("Enter")
    somchai.waits_to_see("Yes?")
    keys.press("Escape")
    expect(bob.composer).not_to_be_focused()
    keys.press("e")
    expect(bob.dialog).to_be_visible()
    expect(bob.dialog.get_by_role("radio", name="Pending")).to_be_focused()
    keys.press("ArrowDown")
    expect(bob.dialog.get_by_role("radio", name="Closed")).to_be_checked()
    keys.press("Enter")
    expect(bob.dialog).to_be_hidden()
    expect(desk("charlie", "/cases").case_row(somchai.name)).to_contain_text("Closed")


def test_the_keys_are_listed_and_rest_while_one_types(desk, customer):
    """U20, WCAG 2.1.4."""
    bob, somchai = desk("bob"), customer("Somchai")
    somchai.writes("Hello")
    bob.open_from_icon(somchai.name)
    bob.composer.press_sequentially("jerk/?nat")
    expect(bob.composer).to_have_value("jerk/?nat")
    expect(bob.dialog).to_be_hidden()
    bob.page.keyboard.press("Escape")
    bob.page.keyboard.press("?")
    keys = bob.page.get_by_role("dialog", name="Keyboard")
    expect(keys).to_contain_text("End the chat")
    bob.page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    bob.page.keyboard.press("t")
    expect(bob.page.get_by_text("You have this chat")).to_be_visible()
    expect(bob.composer).to_be_focused()


def test_a_note_is_written_by_keyboard(desk, customer):
    """U20, U21."""
    bob, somchai = desk("bob"), customer("Somchai")
    somchai.writes("Hello")
    bob.open_from_icon(somchai.name)
    expect(bob.composer).to_be_focused()
    bob.page.keyboard.press("Escape")
    bob.page.keyboard.press("n")
    expect(bob.composer).to_be_focused()
    bob.page.keyboard.type("He calls every day")
    bob.page.keyboard.press("Enter")
    expect(bob.bubble("He calls every day")).to_contain_text("Internal note")
    assert somchai.sees() == []


def test_a_dialog_gives_the_focus_back(desk, customer):
    """WCAG 2.4.3."""
    bob, somchai = desk("bob"), customer("Somchai")
    somchai.writes("Hello")
    bob.open_from_icon(somchai.name)
    expect(bob.composer).to_be_focused()
    opener = bob.page.locator(".foot").get_by_role("button", name="End chat")
    opener.focus()
    bob.page.keyboard.press("Enter")
    expect(bob.dialog).to_be_visible()
    bob.page.keyboard.press("Escape")
    expect(bob.dialog).to_be_hidden()
    expect(opener).to_be_focused()

"""Where agents write: Enter, drafts, the right customer, once, and notes that stay inside."""

import re

import pytest
from playwright.sync_api import Route, expect

from e2e.keyboard import InputMethod

POSTS = re.compile(r"/cases/\d+/messages$")


@pytest.fixture
def chat(desk, customer):
    """Bob with Somchai's chat open, which he has answered once."""
    bob, somchai = desk("bob"), customer("Somchai")
    somchai.writes("Hello")
    bob.open_from_icon(somchai.name)
    bob.send("Hi")
    bob.expect_sent("Hi")
    return bob, somchai


def test_enter_that_chooses_a_word_of_an_input_method_sends_nothing(chat):
    """U1: both orders in which browsers tell it. The real Enter sends once."""
    bob, somchai = chat
    bob.composer.focus()
    keys = InputMethod(bob.page)
    keys.compose("にほん")
    keys.enter_while_composing()
    keys.choose("日本")
    keys.enter_after_composing()
    expect(bob.composer).to_have_value("日本")

    bob.composer.press("Enter")
    expect(bob.composer).to_have_value("")
    somchai.waits_to_see("Hi", "日本")
    bob.expect_texts("Hello", "Hi", "日本")


def test_shift_and_enter_begin_a_new_line(chat):
    """U1."""
    bob, somchai = chat
    bob.composer.press_sequentially("first")
    bob.composer.press("Shift+Enter")
    bob.composer.press_sequentially("second")
    bob.composer.press("Enter")
    somchai.waits_to_see("Hi", "first\nsecond")


def test_a_draft_survives_another_chat_a_reload_and_another_browser(chat, desk, customer):
    """U2: and it never shows in another customer's composer, nor to a colleague."""
    bob, somchai = chat
    yuki = customer("Yuki")
    yuki.writes("こんにちは")
    bob.composer.fill("not finished yet")
    bob.open_from_icon(yuki.name)
    expect(bob.composer).to_have_value("")
    bob.composer.fill("for Yuki")
    bob.open_from_list(somchai.name, tab="Mine")
    expect(bob.composer).to_have_value("not finished yet")
    bob.composer.press("End")
    with bob.page.expect_response(lambda answer: "really" in (answer.request.post_data or "")):
        bob.composer.press_sequentially(", really")
    bob.page.reload()
    expect(bob.composer).to_have_value("not finished yet, really")

    elsewhere = desk("bob", f"/chats/{bob.number}")
    expect(elsewhere.composer).to_have_value("not finished yet, really")
    colleague = desk("charlie", f"/chats/{bob.number}")
    expect(colleague.composer).to_have_value("")
    bob.open_from_list(yuki.name)
    expect(bob.composer).to_have_value("for Yuki")


def test_a_reply_goes_to_the_customer_it_was_written_to_however_fast_one_switches(chat, customer):
    """U4."""
    bob, somchai = chat
    yuki = customer("Yuki")
    yuki.writes("こんにちは")
    held: list[Route] = []
    bob.page.route(POSTS, lambda route: route.continue_() if held else held.append(route))
    with bob.page.expect_request(POSTS):
        bob.send("Only for Somchai")
    bob.open_from_list(yuki.name)
    expect(bob.composer).to_have_value("")
    held[0].continue_()

    somchai.waits_to_see("Hi", "Only for Somchai")
    bob.send("だけ")
    yuki.waits_to_see("だけ")
    bob.expect_texts("こんにちは", "だけ")
    bob.open_from_list(somchai.name, tab="Mine")
    expect(bob.composer).to_have_value("")
    bob.expect_texts("Hello", "Hi", "Only for Somchai")


def test_a_reply_leaves_even_if_one_leaves_the_page_in_the_same_moment(chat):
    """U4, U2."""
    bob, somchai = chat
    bob.composer.fill("Wait, I look it up")
    with bob.page.expect_navigation(url="**/cases"):
        bob.page.evaluate("""() => {
          document.querySelector("mado-composer form").requestSubmit();
          document.querySelector(".rail a[href='/cases']").click();
        }""")
    somchai.waits_to_see("Hi", "Wait, I look it up")


def test_five_presses_of_enter_and_five_clicks_make_one_message_each(chat):
    """U5."""
    bob, somchai = chat
    bob.composer.fill("by Enter")
    bob.composer.evaluate("""(field) => {
      for (let n = 0; n < 5; n++)
        field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    }""")
    expect(bob.composer).to_have_value("")
    bob.expect_sent("by Enter")
    bob.composer.fill("by clicks")
    bob.page.get_by_role("button", name="Send", exact=True).evaluate("(button) => { for (let n = 0; n < 5; n++) button.click(); }")
    expect(bob.composer).to_have_value("")
    bob.expect_sent("by clicks")
    bob.send("the end")
    somchai.waits_to_see("Hi", "by Enter", "by clicks", "the end")
    bob.expect_texts("Hello", "Hi", "by Enter", "by clicks", "the end")


def test_a_note_cannot_be_mistaken_for_a_reply(chat):
    """U21: it looks different, never leaves the house, and its text asks before it becomes a reply."""
    bob, somchai = chat
    bob.write_note("He is a difficult one")
    expect(bob.bubble("He is a difficult one")).to_contain_text("Internal note")
    expect(bob.page.get_by_text("Only your team sees this")).to_be_visible()

    bob.composer.fill("Also secret")
    bob.page.get_by_role("radio", name="Reply").check()
    bob.press("Send")
    expect(bob.notice).to_contain_text("You wrote this as an internal note")
    expect(bob.composer).to_have_value("Also secret")
    bob.composer.fill("We will call you")
    bob.press("Send")
    bob.expect_sent("We will call you")
    somchai.waits_to_see("Hi", "We will call you")


def test_notes_neither_take_a_chat_nor_put_out_the_icon(desk, customer):
    """S15, S26: a note is not an answer."""
    bob, charlie, somchai = desk("bob"), desk("charlie", "/cases"), customer("Somchai")
    somchai.writes("Hello")
    bob.open_from_icon(somchai.name)
    bob.write_note("I wonder who that is")
    expect(bob.bubble("I wonder who that is")).to_be_visible()
    expect(bob.page.get_by_role("button", name="Take chat")).to_be_visible()
    charlie.expect_icon(1)

"""Macros: picked with "/" without leaving the keyboard, looked at, sent; and never in the way (R8)."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from e2e.keyboard import InputMethod
from e2e.phone import wait_until

NOTES_AND_MACROS = re.compile(r"/cases/\d+/(messages|macros)$")
NOTES = re.compile(r"/cases/\d+/messages$")
MACROS = re.compile(r"/cases/\d+/macros$")
GREETING = "Hello {contact.name},\nyour money is on its way. {agent.name}"


@pytest.fixture
def macro(mado) -> Iterator[Callable[..., None]]:
    """A function that makes a shared macro; it is gone after the test."""
    made = []

    def make(name: str, text: str = "", **actions: Any) -> None:
        steps = [{"action": action, "value": value} for action, value in actions.items()]
        given = {"name": name, "text": text, "shared": True, "actions": steps}
        made.append(mado.api("POST", "/macros", given)["id"])

    yield make
    for number in made:
        mado.api("DELETE", f"/macros/{number}")


@pytest.fixture
def chat(desk, customer):
    """Bob with Somchai's chat open."""
    bob, somchai = desk("bob"), customer("Somchai")
    somchai.writes("My parcel is broken")
    bob.open_from_icon(somchai.name)
    return bob, somchai


def test_macro_is_picked_by_keyboard_looked_at_and_sent(desk, chat, macro):
    """R8: nothing leaves before Send, then the text goes and its actions are done."""
    alice = desk("alice", "/settings/labels")
    alice.page.get_by_label("New label").fill("refund")
    alice.press("Add label")
    expect(alice.page.get_by_role("link", name="refund", exact=True)).to_be_visible()
    macro("Refund granted", GREETING, set_status="pending", add_labels=["refund"], set_priority="low")
    macro("Shipping", "It takes five days.")

    bob, somchai = chat
    bob.composer.press_sequentially("/")
    expect(bob.macros).to_have_count(2)
    bob.composer.press_sequentially("ship")
    expect(bob.macros).to_have_count(1)
    bob.composer.press("Control+Backspace")
    expect(bob.macros).to_have_count(2)
    expect(bob.meant_macro).to_contain_text("Refund granted")
    bob.composer.press("ArrowDown")
    expect(bob.meant_macro).to_contain_text("Shipping")
    bob.composer.press("ArrowUp")
    bob.composer.press("Enter")

    expect(bob.composer).to_have_value(f"Hello {somchai.name},\nyour money is on its way. Bob")
    expect(bob.waiting).to_have_text(["set status Pending", "add label refund", "set priority Low"])
    bob.page.get_by_role("checkbox", name="set priority Low").uncheck()
    bob.composer.press("End")
    bob.composer.press_sequentially("!")
    bob.composer.press("Enter")

    somchai.waits_to_see(f"Hello {somchai.name},\nyour money is on its way. Bob!")
    expect(bob.waiting).to_have_count(0)
    panel = bob.page.locator(".panel")
    expect(panel.get_by_text("refund", exact=True)).to_be_visible()
    expect(panel.get_by_label("Priority")).to_have_value("normal")
    bob.goto(f"/cases/{bob.number}/history")
    expect(bob.page.get_by_text("Status: open → pending.")).to_be_visible()


def test_without_a_text_the_button_applies_it(chat, macro):
    """R8: the mouse does, too; the chat that it ended leads to Chats."""
    macro("Set aside", end_chat_and_set_status="closed")
    bob, _somchai = chat
    bob.press("Macros")
    bob.macros.filter(has_text="Set aside").click()
    expect(bob.waiting).to_have_text(["end the chat and set status Closed"])
    bob.press("Apply")
    bob.page.wait_for_url("**/chats")
    expect(bob.toasts).to_contain_text("has ended: closed")
    bob.expect_icon(0)


def test_a_late_answer_takes_nobody_away_from_the_chat_opened_meanwhile(mado, chat, customer, macro):
    """U4, R8."""
    macro("Set aside", end_chat_and_set_status="closed")
    bob, _somchai = chat
    number, yuki = bob.number, customer("Yuki")
    yuki.writes("こんにちは")
    held: list[Route] = []
    bob.page.route("**/cases/*/messages", lambda route: held.append(route))
    bob.press("Macros")
    bob.macros.filter(has_text="Set aside").click()
    with bob.page.expect_request("**/cases/*/messages"):
        bob.press("Apply")
    bob.open_from_icon(yuki.name)
    bob.composer.fill("for Yuki")
    with bob.page.expect_response("**/cases/*/messages"):
        held[0].continue_()

    expect(bob.row(yuki.name)).to_be_visible()
    wait_until(lambda: mado.api("GET", f"/cases/{number}")["status"] == "closed", lambda: "not ended")
    expect(bob.composer).to_have_value("for Yuki")
    bob.expect_open(yuki.name)


def test_no_macro_ends_a_chat_over_what_the_page_had_not_shown(desk, line, customer, macro):
    """S17: also below the line that tells who joined the group."""
    macro("Set aside", end_chat_and_set_status="closed")
    bob, somchai, yuki = desk("bob"), customer("Somchai"), customer("Yuki")
    group = line.group(f"Moving of {somchai.name}", somchai)
    somchai.writes("Hello", group=group)
    bob.open_from_icon(f"Moving of {somchai.name}")
    yuki.joins(group)
    expect(bob.page.locator(".thread > :last-child")).to_contain_text("joined the group")
    bob.press("Macros")
    bob.macros.filter(has_text="Set aside").click()

    bob.page.route("**/cases/*/messages?*", lambda _route: None)
    with bob.page.expect_request("**/cases/*/messages?*"):
        somchai.writes("Wait, one more thing", group=group)
    bob.press("Apply")
    expect(bob.toasts).to_contain_text(f"{somchai.name} just wrote")
    expect(bob.page).to_have_url(re.compile(r"/chats/\d+"))


def test_what_a_macro_put_in_is_taken_out_again(chat, macro):
    """R8: Ctrl+Z takes the text out, and what was to be done with it."""
    macro("Refund granted", GREETING, set_status="pending")
    bob, _somchai = chat
    bob.composer.press_sequentially("My own words.")
    bob.composer.press("Shift+Enter")
    bob.composer.press_sequentially("/refund")
    expect(bob.macros).to_have_count(1)
    bob.composer.press("Enter")
    expect(bob.waiting).to_have_count(1)
    bob.composer.press("Control+z")
    expect(bob.composer).to_have_value("My own words.\n/refund")
    expect(bob.waiting).to_have_count(0)


def test_what_waits_survives_another_chat(chat, customer, macro):
    """U2: with the text, and it never shows in another customer's composer."""
    macro("Refund granted", GREETING, set_status="pending")
    bob, somchai = chat
    yuki = customer("Yuki")
    yuki.writes("こんにちは")
    bob.composer.press_sequentially("/refund")
    expect(bob.macros).to_have_count(1)
    bob.composer.press("Enter")
    bob.open_from_icon(yuki.name)
    expect(bob.waiting).to_have_count(0)
    bob.open_from_list(somchai.name)
    expect(bob.waiting).to_have_text(["set status Pending"])
    expect(bob.composer).to_have_value(f"Hello {somchai.name},\nyour money is on its way. Bob")


def test_slash_elsewhere_is_a_slash_and_escape_leaves_what_was_typed(chat, macro):
    """R8: in an address, a fraction, behind a word; and what is no macro is not sent by mistake."""
    macro("Refund granted", GREETING)
    bob, somchai = chat
    with bob.page.expect_response("**/macros"):
        bob.composer.press_sequentially("/")
    expect(bob.macros).to_have_count(1)
    bob.composer.press("Escape")
    expect(bob.macros).to_have_count(0)
    expect(bob.composer).to_be_focused()
    asked = []
    bob.page.on("request", lambda request: asked.append(request.url))
    bob.composer.fill("")
    bob.composer.press_sequentially("1/2 of https://example.com/a")
    expect(bob.page.locator(".kept")).to_have_text("Draft kept")
    assert [url for url in asked if url.endswith("/macros")] == []

    bob.composer.fill("")
    bob.composer.press_sequentially("/refnd")
    expect(bob.page.get_by_text("No macro has these words.")).to_be_visible()
    bob.composer.press("Enter")
    expect(bob.composer).to_have_value("/refnd")
    bob.composer.press("Escape")
    bob.composer.press("Enter")
    somchai.waits_to_see("/refnd")


def test_enter_that_chooses_a_word_of_an_input_method_picks_no_macro(chat, macro):
    """U1, U25: the full-width slash of a Japanese keyboard opens the list, too."""
    macro("返金のお知らせ", "ご返金いたしました。")
    macro("別の話", "別の話です。")
    bob, _somchai = chat
    bob.composer.focus()
    keys = InputMethod(bob.page)
    keys.compose("／")
    keys.choose("／")
    expect(bob.macros).to_have_count(2)
    keys.compose("へんきん")
    keys.enter_while_composing()
    keys.choose("返金")
    keys.enter_after_composing()
    expect(bob.composer).to_have_value("／返金")
    expect(bob.macros).to_have_count(1)
    bob.composer.press("Enter")
    expect(bob.composer).to_have_value("ご返金いたしました。")


def test_macros_that_come_when_the_text_has_been_sent_stay_away(chat, macro):
    """The place that they were asked for is gone by then; asked again, they come."""
    macro("Shipping", "It takes five days.")
    bob, _somchai = chat
    held: list[Route] = []
    bob.page.route(NOTES_AND_MACROS, lambda route: route.continue_() if len(held) == 2 else held.append(route))
    with bob.page.expect_request(NOTES):
        bob.write_note("Parcel 7")
    with bob.page.expect_request(MACROS):
        bob.press("Macros")
    held[0].continue_()
    expect(bob.bubble("Parcel 7")).to_be_visible()
    with bob.page.expect_response(MACROS):
        held[1].continue_()
    bob.press("Macros")
    expect(bob.macros).to_have_count(1)

"""Nothing jumps: the conversation keeps its place, rows stay under the pointer; and a sound calls."""

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect

from e2e.desk import Desk
from e2e.phone import Customer

PLACE = "(bubble) => bubble.getBoundingClientRect().top"
SCROLL = "(to) => { document.querySelector('.thread-scroll').scrollTop = to; }"
RESPONSES = "**/live/responses"
COUNT_HINTS = "() => { window.hints = 0; document.addEventListener('changed', () => { window.hints += 1; }); }"
COUNT_RINGS = "() => { window.rings = 0; document.addEventListener('mado:rang', () => { window.rings += 1; }); }"


@pytest.fixture
def long_chat(desk, customer):
    """Bob with a conversation of 70 messages open."""
    bob, somchai = desk("bob"), customer("Somchai")
    somchai.writes_at_once(*(f"message {n:02}" for n in range(1, 71)))
    bob.open_from_list(somchai.name)
    expect(bob.bubble("message 70")).to_be_in_viewport()
    return bob, somchai


def scroll(page: Page, to: int) -> None:
    page.evaluate(SCROLL, to)
    page.wait_for_function("(to) => Math.abs(document.querySelector('.thread-scroll').scrollTop - to) < 2", arg=to)


def place(desk: Desk, text: str) -> float:
    return desk.bubble(text).evaluate(PLACE)


def test_who_is_at_the_end_follows_and_who_reads_above_stays(long_chat, customer):
    """U11."""
    bob, somchai = long_chat
    somchai.writes("You see this at once")
    expect(bob.bubble("You see this at once")).to_be_in_viewport()

    scroll(bob.page, 300)
    before = place(bob, "message 30")
    somchai.writes("You see this later")
    newest = bob.page.get_by_role("button", name="1 new")
    expect(newest).to_be_visible()
    assert place(bob, "message 30") == pytest.approx(before, abs=2)
    customer("Yuki").writes("Another chat")
    bob.expect_icon(2)
    assert place(bob, "message 30") == pytest.approx(before, abs=2)
    newest.click()
    expect(bob.bubble("You see this later")).to_be_in_viewport()
    expect(newest).to_be_hidden()


def test_who_scrolled_up_a_moment_ago_stays_although_something_comes_in(long_chat):
    """U11: before the browser tells of the scrolling."""
    bob, _somchai = long_chat
    stands_at = bob.page.evaluate("""() => {
      document.querySelector('.thread-scroll').scrollTop = 300;
      document.querySelector('mado-thread').merge([]);
      return document.querySelector('.thread-scroll').scrollTop;
    }""")
    assert stands_at == pytest.approx(300, abs=2)


def test_older_messages_come_in_above_and_what_one_reads_stays(long_chat):
    """U11, U14."""
    bob, _somchai = long_chat
    expect(bob.texts()).to_have_count(50)
    scroll(bob.page, 0)
    before = place(bob, "message 21")
    bob.page.get_by_role("link", name="Older messages").click()
    expect(bob.texts()).to_have_count(70)
    assert place(bob, "message 21") == pytest.approx(before, abs=2)
    expect(bob.bubble("message 21")).to_be_in_viewport()
    expect(bob.page.get_by_role("link", name="Older messages")).to_have_count(0)
    expect(bob.texts().first).to_have_text("message 01")


def test_a_row_stays_under_the_pointer_when_the_one_above_goes(desk, customer):
    """U12."""
    bob, charlie, somchai, yuki = desk("bob"), desk("charlie"), customer("Somchai"), customer("Yuki")
    somchai.writes("First")
    yuki.writes("Second")
    bob.row(yuki.name).hover()
    before = bob.row(yuki.name).bounding_box()
    charlie.open_from_list(somchai.name)
    charlie.press("Take chat")
    expect(bob.tab("Others")).to_contain_text("1")
    assert bob.row(yuki.name).bounding_box() == before
    bob.page.mouse.down()
    bob.page.mouse.up()
    bob.expect_open(yuki.name)
    bob.page.mouse.move(640, 400)
    expect(bob.row(somchai.name)).to_have_count(0)


def test_a_sound_calls_once_the_agent_has_touched_the_page(desk, customer):
    """U8."""
    bob, somchai, yuki = desk("bob", "/cases"), customer("Somchai"), customer("Yuki")
    bob.page.evaluate(COUNT_RINGS)
    somchai.writes("Too early to be heard")
    bob.expect_icon(1)
    bob.page.get_by_role("button", name="Your menu").click()
    expect(bob.page.get_by_role("button", name="Sound")).to_contain_text("On")
    yuki.writes("Heard")
    bob.expect_icon(2)
    bob.page.wait_for_function("() => window.rings === 1")


def test_another_tab_shows_its_own_chats_and_nothing_else(desk, customer):
    """S11, U12: rows are held under the pointer only while the list is the same."""
    bob, somchai, yuki = desk("bob"), customer("Somchai"), customer("Yuki")
    somchai.writes("First")
    yuki.writes("Second")
    bob.open_from_list(somchai.name)
    bob.press("Take chat")
    expect(bob.tab("Mine")).to_have_attribute("aria-current", "page")
    bob.open_tab("New")
    expect(bob.rows).to_have_count(1)
    bob.open_tab("Mine")
    expect(bob.rows).to_have_count(1)
    expect(bob.row(somchai.name)).to_be_visible()


def test_a_click_on_a_tab_counts_also_while_much_is_happening(desk, customer):
    """U12: hints that the lists changed come before and after the click."""
    bob, somchai = desk("bob"), customer("Somchai")
    somchai.writes("First")
    expect(bob.row(somchai.name)).to_be_visible()
    bob.tab("Mine").evaluate("""(tab) => {
      const changed = () => htmx.trigger("#chat-list", "changed");
      changed();
      changed();
      tab.click();
      changed();
    }""")
    expect(bob.tab("Mine")).to_have_attribute("aria-current", "page")


def test_a_hint_that_comes_while_an_answer_is_on_its_way_is_not_lost(desk, customer):
    """S16: the answer on its way knows of one response, the hint is of a second."""
    bob, somchai, yuki = desk("bob"), customer("Somchai"), customer("Yuki")
    answer(bob, somchai)
    answer(bob, yuki)
    bob.goto("/cases")
    slow: list[tuple[Route, APIResponse]] = []
    bob.page.route(RESPONSES, lambda route: route.continue_() if slow else slow.append((route, route.fetch())))
    with bob.page.expect_request(RESPONSES):
        somchai.writes("One")
    bob.page.wait_for_function("() => document.querySelector('#responses').matches('.htmx-request')")
    bob.page.evaluate(COUNT_HINTS)
    yuki.writes("Two")
    bob.page.wait_for_function("() => window.hints > 0")
    route, response = slow[0]
    route.fulfill(response=response)
    bob.expect_icon(2)


def answer(desk: Desk, person: Customer) -> None:
    """Have a chat with this customer that is taken and answered."""
    person.writes("Hello")
    desk.open_from_list(person.name)
    desk.send("Hello!")
    desk.expect_sent("Hello!")

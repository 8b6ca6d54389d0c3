"""A network that goes away without a word: the page notices by itself, and lacks nothing afterwards.

The page's clock is put on, so that nobody waits half a minute; between its steps everything that is under
way has the time it takes.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from e2e.desk import Desk
from e2e.phone import wait_until
from e2e.road import Road
from e2e.test_catch_up import SERVER_IS_DOWN, banner

# What live.js says: how often the page asks whether it is heard, how long it waits for the answer, and
# how long for the network to come back before it says so.
PULSE_MS, PATIENCE_MS, BEFORE_BANNER_MS = 25_000, 10_000, 2_500
# How often it asks by itself while it has no socket.
POLL_MS = 5_000
# What is not answered in this time is asked again (patience.js).
UNANSWERED_MS = 20_000
STEP_MS = 1000


@pytest.fixture
def road():
    made = Road()
    yield made
    made.stop()


class Pulse:
    """What the page's sockets were told: each question whether it is heard, and each answer."""

    def __init__(self, page: Page) -> None:
        self.asked = self.answered = 0
        page.on("websocket", self._follow)

    def _follow(self, socket) -> None:
        socket.on("framesent", lambda _: self._count("asked"))
        socket.on("framereceived", lambda frame: self._count("answered", '"subscribed"' in str(frame)))

    def _count(self, what: str, is_one: bool = True) -> None:
        setattr(self, what, getattr(self, what) + is_one)


def pass_until(desk: Desk, is_so: Callable[[], bool], *, within_ms: int) -> None:
    """Put the page's clock on in steps until it is so; fail when it takes longer by that clock."""
    for _ in range(within_ms // STEP_MS + 1):
        if is_so():
            return
        desk.page.clock.run_for(STEP_MS)
        desk.page.evaluate("0")  # what the browser tells meanwhile is heard
    assert is_so(), f"not within {within_ms} ms"


def hear(desk: Desk, is_so: Callable[[], bool]) -> None:
    """Wait for what the network brings, its clock being everybody's."""
    wait_until(lambda: desk.page.evaluate("0") == 0 and is_so(), lambda: "nothing came")


def ask(desk: Desk, pulse: Pulse) -> None:
    """Let the page ask whether it is heard."""
    asked = pulse.asked
    pass_until(desk, lambda: pulse.asked > asked, within_ms=PULSE_MS)


def test_silent_network_is_noticed_within_its_bound_and_nothing_is_missing_afterwards(
    browser_of, road, customer, watch
):
    """F20, S16, U3, U7."""
    watch.expect(*SERVER_IS_DOWN, "AbortError")
    bob, somchai, yuki = Desk(browser_of("bob", proxy=road.proxy).new_page()), customer("Somchai"), customer("Yuki")
    bob.page.clock.install()
    pulse = Pulse(bob.page)
    somchai.writes("one")
    bob.goto("/chats").open_from_icon(somchai.name)
    bob.send("two")
    bob.expect_sent("two")
    answered = pulse.answered
    ask(bob, pulse)
    hear(bob, lambda: pulse.answered > answered)
    bob.page.clock.run_for(PATIENCE_MS)
    bob.expect_live()

    road.lose_everything()
    somchai.writes("three")
    yuki.writes("A new chat")
    bob.composer.fill("half a sentence")
    ask(bob, pulse)
    bob.expect_live()
    pass_until(bob, banner(bob).is_visible, within_ms=PATIENCE_MS + BEFORE_BANNER_MS)
    bob.page.clock.run_for(POLL_MS)
    expect(bob.texts()).to_have_text(["one", "two"])

    road.come_back()
    bob.page.clock.run_for(UNANSWERED_MS)
    expect(banner(bob)).to_be_hidden()
    bob.expect_texts("one", "two", "three")
    expect(bob.page.locator("#chat-list")).to_contain_text("A new chat")
    bob.expect_icon(1)
    expect(bob.composer).to_have_value("half a sentence")
    bob.composer.press("End")
    bob.composer.press_sequentially(", and the rest")
    expect(bob.page.get_by_text("Draft kept")).to_be_visible()
    bob.press("Send")
    somchai.waits_to_see("two", "half a sentence, and the rest")
    bob.expect_texts("one", "two", "three", "half a sentence, and the rest")


def test_what_is_never_answered_is_asked_again_though_the_socket_lives(browser_of, customer, watch):
    """F20, S16: one of the page's connections is dead, and nobody told it."""
    watch.expect("AbortError")
    bob, somchai, yuki = Desk(browser_of("bob").new_page()), customer("Somchai"), customer("Yuki")
    bob.page.clock.install()
    somchai.writes("one")
    bob.goto("/chats").open_from_icon(somchai.name)
    bob.send("two")
    bob.expect_sent("two")
    lost = lose_once(bob, "**/messages?since=*"), lose_once(bob, "**/chats/list?*")

    somchai.writes("three")
    yuki.writes("A new chat")
    hear(bob, lambda: all(lost))
    bob.page.clock.run_for(UNANSWERED_MS)

    bob.expect_texts("one", "two", "three")
    expect(bob.page.locator("#chat-list")).to_contain_text("A new chat")


def lose_once(desk: Desk, address: str) -> list[str]:
    """Nobody ever hears the first call to it."""
    lost: list[str] = []

    def hear(route: Route) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(route.request.url)

    desk.page.route(address, hear)
    return lost

"""Broken connections: afterwards nothing is missing, nothing is doubled, and no text is lost."""

from playwright.sync_api import Locator, Route, expect

from e2e.desk import Desk

SERVER_IS_DOWN = ("WebSocket connection to", "net::ERR_", "htmx:sendError")


def banner(desk: Desk) -> Locator:
    return desk.page.get_by_text("No connection. Trying again; what you type is kept.")


def test_after_a_crash_of_the_server_nothing_is_missing_and_nothing_is_doubled(mado, desk, customer, watch):
    """S16, U7."""
    watch.expect(*SERVER_IS_DOWN)
    bob, charlie, somchai, yuki = desk("bob"), desk("charlie", "/cases"), customer("Somchai"), customer("Yuki")
    somchai.writes("one")
    bob.open_from_icon(somchai.name)
    bob.send("two")
    bob.expect_sent("two")
    bob.composer.fill("half a sentence")

    mado.kill()
    expect(banner(bob)).to_be_visible()
    expect(banner(charlie)).to_be_visible()
    somchai.writes_into_the_void("three")
    yuki.writes_into_the_void("A new chat")
    mado.start()

    bob.expect_texts("one", "two", "three")
    expect(banner(bob)).to_be_hidden()
    expect(banner(charlie)).to_be_hidden()
    bob.expect_icon(1)
    charlie.expect_icon(1)
    expect(bob.composer).to_have_value("half a sentence")
    bob.press("Send")
    somchai.waits_to_see("two", "half a sentence")
    somchai.writes("four")
    bob.expect_texts("one", "two", "three", "half a sentence", "four")


def test_a_page_that_was_offline_catches_up_without_a_reload(desk, customer, watch):
    """S16, U7, U3: the failed send says so, and its text is sent once."""
    watch.expect(*SERVER_IS_DOWN)
    bob, somchai, yuki = desk("bob"), customer("Somchai"), customer("Yuki")
    somchai.writes("one")
    bob.open_from_icon(somchai.name)
    bob.send("two")
    bob.expect_sent("two")

    bob.page.context.set_offline(True)
    expect(banner(bob)).to_be_visible()
    bob.send("five")
    expect(bob.notice).to_contain_text("Your text is kept")
    expect(bob.composer).to_have_value("five")
    somchai.writes("three")
    somchai.writes("four")
    yuki.writes("A new chat")
    bob.page.context.set_offline(False)

    expect(banner(bob)).to_be_hidden()
    bob.expect_texts("one", "two", "three", "four")
    bob.expect_icon(1)
    bob.press("Send")
    bob.expect_texts("one", "two", "three", "four", "five")
    somchai.waits_to_see("two", "five")


def test_what_could_not_be_fetched_for_a_moment_is_fetched_again(desk, customer, watch):
    """S16, F17: the socket lives, so nobody tells the page a second time."""
    watch.expect("503")
    bob, somchai, yuki = desk("bob"), customer("Somchai"), customer("Yuki")
    somchai.writes("one")
    bob.open_from_icon(somchai.name)
    bob.send("two")
    bob.expect_sent("two")
    refused = refuse_once(bob, "**/messages?since=*"), refuse_once(bob, "**/chats/list?*")

    somchai.writes("three")
    yuki.writes("A new chat")

    bob.expect_texts("one", "two", "three")
    expect(bob.page.locator("#chat-list")).to_contain_text("A new chat")
    assert [len(urls) for urls in refused] == [1, 1]


def test_a_draft_that_could_not_be_kept_for_a_moment_is_kept_soon(desk, customer, watch):
    """U2: though nobody types on."""
    watch.expect("503")
    bob, somchai = desk("bob"), customer("Somchai")
    somchai.writes("one")
    bob.open_from_icon(somchai.name)
    refused = refuse_once(bob, "**/draft")
    bob.composer.fill("half a sentence")
    expect(kept(bob)).to_have_text("Draft not kept yet")

    expect(kept(bob)).to_have_text("Draft kept")
    assert len(refused) == 1
    bob.page.reload()
    expect(bob.composer).to_have_value("half a sentence")


def test_a_draft_that_was_refused_leaves_once_with_the_page(desk, customer, watch):
    """U2: as after signing in again elsewhere, when the page's token was an old one."""
    watch.expect("403")
    bob, somchai = desk("bob"), customer("Somchai")
    somchai.writes("one")
    bob.open_from_icon(somchai.name)
    refuse_once(bob, "**/draft", status=403)
    bob.composer.fill("half a sentence")
    expect(kept(bob)).to_have_text("Draft not kept yet")

    saves: list[str] = []
    bob.page.on("request", lambda request: saves.append(request.url) if request.url.endswith("/draft") else None)
    chat = bob.page.url
    bob.goto("/cases").goto(chat)
    expect(bob.composer).to_have_value("half a sentence")
    assert len(saves) == 1


def kept(desk: Desk) -> Locator:
    """What the composer says of the draft."""
    return desk.page.locator("mado-composer .kept")


def refuse_once(desk: Desk, address: str, *, status: int = 503) -> list[str]:
    """The first call to it is answered as while the database is locked, or with another status."""
    refused: list[str] = []

    def answer(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.fulfill(status=status, body="Mado is busy for a moment.")

    desk.page.route(address, answer)
    return refused

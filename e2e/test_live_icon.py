"""The green icon: it counts chats, for the right people, in every tab, without a reload."""

from playwright.sync_api import expect

from e2e.background import hide, record_icon, recorded, show


def test_the_icon_counts_chats_and_its_list_tells_who_waits(desk, customer):
    """S13, S14, U9."""
    bob, somchai, yuki = desk("bob", "/cases"), customer("Somchai"), customer("Yuki")
    somchai.writes("Hello")
    somchai.writes("Is anybody there?")
    somchai.writes("Hello??")
    bob.expect_icon(1)
    yuki.writes("こんにちは")
    bob.expect_icon(2)
    expect(bob.page).to_have_title("(2) All cases · Mado")

    bob.icon.click()
    expect(bob.entry(somchai.name)).to_contain_text("Hello??")
    expect(bob.entry(somchai.name)).to_contain_text("Mado Shop")
    expect(bob.entry(yuki.name)).to_contain_text("こんにちは")
    bob.expect_icon(2)


def test_a_response_lights_only_its_taker_and_reading_clears_it_in_every_tab(desk, customer):
    """S14, S15, U10."""
    bob, charlie, somchai, yuki = desk("bob"), desk("charlie", "/cases"), customer("Somchai"), customer("Yuki")
    somchai.writes("Hello")
    bob.open_from_icon(somchai.name)
    bob.send("Hello! What can I do for you?")
    bob.expect_sent("What can I do")
    second_tab = type(bob)(bob.page.context.new_page()).goto("/cases")
    bob.goto("/cases")

    somchai.writes("It is about my order")
    bob.expect_icon(1)
    second_tab.expect_icon(1)
    yuki.writes("A chat for everybody")
    bob.expect_icon(2)
    charlie.expect_icon(1)

    second_tab.icon.click()
    expect(second_tab.page.locator("#responses")).to_contain_text("It is about my order")
    second_tab.expect_icon(2)
    second_tab.entry(somchai.name).click()
    second_tab.expect_open(somchai.name)
    second_tab.expect_icon(1)
    bob.expect_icon(1)


def test_a_message_lights_nothing_while_one_looks_at_it_but_does_in_a_hidden_tab(desk, customer):
    """S15."""
    bob, somchai = desk("bob"), customer("Somchai")
    somchai.writes("Hello")
    bob.open_from_icon(somchai.name)
    bob.send("Hello!")
    bob.expect_sent("Hello!")
    bob.expect_icon(0)
    record_icon(bob.page)

    somchai.writes("You are looking at this")
    expect(bob.bubble("You are looking at this")).to_be_visible()
    hide(bob.page)
    somchai.writes("You are not looking at this")
    bob.expect_icon(1)
    assert recorded(bob.page) == ["", "1"]
    show(bob.page)
    bob.expect_icon(0)

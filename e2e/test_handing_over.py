"""One taker at a time: taking, handing over, taking over and putting back, live at both desks."""

from playwright.sync_api import expect


def test_a_chat_goes_from_hand_to_hand_and_back_to_new(desk, customer):
    """S26b, S15."""
    bob, charlie, somchai = desk("bob"), desk("charlie"), customer("Somchai")
    somchai.writes("Hello")
    bob.open_from_list(somchai.name)
    charlie.open_from_list(somchai.name)
    bob.press("Take chat")
    expect(charlie.page.get_by_text("Bob has this chat")).to_be_visible()
    bob.expect_icon(0)
    charlie.expect_icon(0)

    charlie.goto("/cases")
    somchai.writes("Anybody?")
    expect(bob.bubble("Anybody?")).to_be_visible()
    bob.press("Hand over")
    bob.page.get_by_role("button", name="Charlie").click()
    expect(bob.page.get_by_text("Charlie has this chat")).to_be_visible()
    charlie.expect_icon(1)
    charlie.open_from_icon(somchai.name)
    expect(charlie.page.get_by_text("You have this chat")).to_be_visible()
    charlie.expect_icon(0)

    bob.press("Take over")
    expect(bob.page.get_by_text("You have this chat")).to_be_visible()
    expect(charlie.page.get_by_text("Bob has this chat")).to_be_visible()
    bob.press("Put back")
    expect(charlie.page.get_by_role("button", name="Take chat")).to_be_visible()
    bob.expect_icon(1)
    charlie.expect_icon(1)
    expect(bob.tab("New")).to_contain_text("1")


def test_a_chat_that_is_handed_to_who_looks_at_it_waits_in_no_other_tab(desk, customer):
    """S15: what they had read as a colleague's chat is read again as theirs."""
    bob, elsewhere, charlie, somchai = desk("bob"), desk("bob", "/cases"), desk("charlie"), customer("Somchai")
    somchai.writes("Hello")
    charlie.open_from_list(somchai.name)
    charlie.press("Take chat")
    with bob.page.expect_response("**/reading"):
        bob.open_from_list(somchai.name, tab="Others")

    charlie.press("Hand over")
    with bob.page.expect_response("**/reading"):
        charlie.page.get_by_role("button", name="Bob").click()
    expect(bob.page.get_by_text("You have this chat")).to_be_visible()
    bob.expect_icon(0)
    elsewhere.expect_icon(0)


def test_of_two_agents_who_take_one_has_it_and_the_other_is_told(mado, desk, customer, watch):
    """H7: the second presses a button that was there a moment ago."""
    watch.expect("status of 409")
    bob, charlie, somchai = desk("bob"), desk("charlie"), customer("Somchai")
    somchai.writes("Hello")
    bob.open_from_list(somchai.name)
    charlie.open_from_list(somchai.name)
    stale = charlie.page.locator(f"#taking-{charlie.number}")
    charlie.page.evaluate("(form) => { window.stale = form.cloneNode(true); document.body.append(window.stale); htmx.process(window.stale); }", stale.element_handle())
    bob.press("Take chat")
    expect(charlie.page.get_by_text("Bob has this chat")).to_be_visible()
    charlie.page.evaluate("() => window.stale.requestSubmit()")
    expect(charlie.toasts).to_contain_text("Bob has this chat now.")
    assert mado.api("GET", f"/cases/{bob.number}")["taken_by"]["name"] == "Bob"


def test_replying_in_new_takes_and_replying_in_anothers_chat_changes_nothing(mado, desk, customer):
    """PRODUCT 1, Taken."""
    bob, charlie, somchai = desk("bob"), desk("charlie"), customer("Somchai")
    somchai.writes("Hello")
    bob.open_from_list(somchai.name)
    bob.send("Hello!")
    expect(bob.page.get_by_text("You have this chat")).to_be_visible()
    charlie.open_from_list(somchai.name, tab="Others")
    charlie.send("And hello from me")
    somchai.waits_to_see("Hello!", "And hello from me")
    expect(charlie.page.get_by_text("Bob has this chat")).to_be_visible()

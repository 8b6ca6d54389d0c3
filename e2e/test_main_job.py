"""The main job, from both sides: a customer writes, an agent answers and ends, the case is found."""

from playwright.sync_api import expect


def test_a_chat_is_seen_taken_answered_ended_and_found_among_all_cases(desk, customer):
    """S10-S17, S24, S26."""
    bob, charlie, somchai = desk("bob", "/cases"), desk("charlie", "/cases"), customer("Somchai")
    bob.expect_icon(0)

    somchai.writes("Is the blue one still there?")
    bob.expect_icon(1)
    charlie.expect_icon(1)
    expect(bob.page).to_have_title("(1) All cases · Mado")
    expect(bob.case_row(somchai.name)).to_have_count(0)

    bob.open_from_icon(somchai.name)
    charlie.expect_icon(1)
    bob.press("Take chat")
    expect(bob.page.get_by_role("button", name="Put back")).to_be_visible()
    charlie.expect_icon(0)
    bob.send("Yes, two of them. Shall I keep one for you?")
    bob.expect_sent("Yes, two of them.")
    somchai.waits_to_see("Yes, two of them. Shall I keep one for you?")
    somchai.writes("Please do!")
    bob.expect_texts(
        "Is the blue one still there?",
        "Yes, two of them. Shall I keep one for you?",
        "Please do!",
    )
    bob.expect_icon(0)
    expect(charlie.case_row(somchai.name)).to_have_count(0)

    bob.end("Pending")
    expect(charlie.case_row(somchai.name)).to_contain_text("Pending")
    expect(bob.row(somchai.name)).to_have_count(0)
    expect(bob.page).to_have_url("/chats")
    bob.goto("/cases").case_row(somchai.name).get_by_role("link").click()
    bob.expect_open(somchai.name)
    expect(bob.page.get_by_role("combobox", name="Status")).to_have_value("pending")
    bob.page.get_by_role("link", name="What happened to this case").click()
    expect(bob.page.locator(".story")).to_contain_text("Bob")

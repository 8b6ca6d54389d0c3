"""Online, no chats, offline: what an agent chooses, and what colleagues see of it (H2)."""

from playwright.sync_api import expect


def test_who_takes_no_chats_has_a_dark_icon_and_colleagues_see_it_live(desk, customer):
    somchai = customer("Somchai")
    bob, alice = desk("bob"), desk("alice", "/settings/agents")
    bobs_row = alice.page.get_by_role("row").filter(has_text="bob@example.com")
    expect(bobs_row).to_contain_text("Online")
    somchai.writes("Is anybody there?")
    bob.expect_icon(1)

    bob.page.get_by_role("button", name="Your menu").click()
    bob.press("No chats")
    try:
        bob.expect_icon(0)
        expect(bobs_row).to_contain_text("No chats")
        bob.page.keyboard.press("Escape")
        bob.open_tab("New")
        expect(bob.row(somchai.name)).to_be_visible()

        alice.goto("/chats").open_from_list(somchai.name)
        alice.page.get_by_role("button", name="Hand over").click()
        colleague = alice.page.locator(".is-handover").get_by_role("button", name="Bob")
        expect(colleague).to_contain_text("No chats")
    finally:
        bob.page.get_by_role("button", name="Your menu").click()
        bob.press("Online")
    expect(colleague).to_contain_text("Online")
    bob.expect_icon(1)

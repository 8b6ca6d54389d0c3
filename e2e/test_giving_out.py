"""New chats that are given out: one for everybody, and on to the next from who puts theirs back (H2, U16)."""

from playwright.sync_api import expect


def test_three_agents_get_a_chat_each_and_one_that_is_put_back_goes_on(mado, desk, customer):
    alice = desk("alice", "/settings/agents")
    desks = [desk("bob"), desk("charlie"), alice]
    for name in ("bob", "charlie", "alice"):
        row = alice.page.get_by_role("row").filter(has_text=f"{name}@example.com")
        expect(row).to_contain_text("Online")
    alice.goto("/settings/new-chats")
    alice.page.get_by_role("radio", name="The least busy agent").check()
    alice.press("Save")
    try:
        alice.goto("/chats")
        customers = [customer(name) for name in ("Somchai", "Yuki", "Anna")]
        for one in customers:
            one.writes("Is anybody there?")
        for one in desks:
            one.expect_icon(1)
            expect(one.tab("Mine")).to_contain_text("1")
            expect(one.tab("New")).to_contain_text("0")
        bob, others = desks[0], desks[1:]
        bob.open_tab("Mine")
        bob.rows.first.click()
        bob.expect_icon(0)
        bob.press("Put back")
        expect(bob.page.get_by_role("button", name="Take over")).to_be_visible()
        number = bob.number
        whose = mado.api("GET", f"/cases/{number}")["taken_by"]["name"]
        expect(others[whose == "Alice"].tab("Mine")).to_contain_text("2")
        bob.goto(f"/cases/{number}/history")
        expect(bob.page.get_by_text("least busy.")).to_have_count(2)
    finally:
        mado.run(["settings", "set", "chats.given_out", "0"])

"""People: an admin invites an agent, who chooses a password and finds only what agents may see."""

import secrets

from playwright.sync_api import expect

from e2e.conftest import sign_in

NEW_PASSWORD = "tall grass under snow"


def test_an_agent_is_invited_by_a_link_that_works_once(desk, browser_of, watch):
    """H1."""
    watch.expect("status of (403|404)")
    alice, email = desk("alice", "/settings/agents"), f"dao.{secrets.token_hex(4)}@example.com"
    alice.page.get_by_role("link", name="Add agent").click()
    alice.page.get_by_label("Name").fill("Dao")
    alice.page.get_by_label("Email").fill(email)
    alice.press("Add agent")
    link = alice.page.get_by_label("Link to set a password").input_value()

    dao = browser_of(None).new_page()
    dao.goto(link)
    expect(dao.get_by_role("heading", name="Welcome, Dao")).to_be_visible()
    dao.get_by_label("Password", exact=True).fill(NEW_PASSWORD)
    dao.get_by_label("The same password again").fill(NEW_PASSWORD)
    dao.get_by_role("button", name="Set password and sign in").click()
    dao.wait_for_url("**/chats")
    expect(dao.get_by_role("link", name="Settings")).to_have_count(0)
    answer = dao.goto("/settings/channels")
    assert answer and answer.status == 403
    answer = dao.goto(link)
    assert answer and answer.status == 404

    elsewhere = sign_in(browser_of(None), email, NEW_PASSWORD)
    expect(elsewhere.page.get_by_role("button", name="Your menu")).to_be_visible()


def test_who_was_signed_out_elsewhere_keeps_the_text_and_goes_on(desk, browser_of, customer, watch):
    """U3."""
    # The list may ask once more before the page has learned of it, and htmx tells so too.
    watch.expect("status of 40[13]", "Error Code 401 from /chats", "WebSocket connection to")
    somchai = customer("Somchai")
    somchai.writes("Hello")
    context = browser_of(None)
    bob = sign_in(context, "bob@example.com")
    bob.open_from_icon(somchai.name)
    bob.composer.fill("A long answer")
    another_tab = context.new_page()
    another_tab.goto("/chats")
    another_tab.get_by_role("button", name="Your menu").click()
    another_tab.get_by_role("button", name="Sign out").click()
    another_tab.wait_for_url("**/sign-in")
    banner = bob.page.locator("#banner-signed-out")
    expect(banner).to_contain_text("You are signed out.")
    bob.press("Send")
    expect(bob.notice).to_contain_text("You are signed out. Your text is kept.")
    expect(bob.composer).to_have_value("A long answer")

    another_tab.close()
    sign_in(context, "bob@example.com").page.close()
    bob.page.evaluate("() => window.dispatchEvent(new Event('focus'))")
    expect(banner).to_be_hidden()
    bob.press("Send")
    somchai.waits_to_see("A long answer")

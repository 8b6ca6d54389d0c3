"""What people answer to, and what they take back: a quote each way, and an unsend before an agent's eyes."""

from playwright.sync_api import expect


def test_an_agent_quotes_back_and_the_customer_takes_the_quoted_words_away(desk, customer):
    """L3, L4."""
    bob, somchai = desk("bob"), customer("Somchai")
    asked = somchai.sends({"text": "Is the blue one there?"})
    bob.open_from_icon(somchai.name)

    bob.bubble("Is the blue one there?").hover()
    bob.bubble("Is the blue one there?").get_by_role("link", name="Quote", exact=True).click()
    expect(bob.quoting).to_have_text(f"{somchai.name}Is the blue one there?")
    bob.send("Yes, two of them")
    bob.expect_sent("Yes, two of them")
    expect(bob.quoting).to_be_hidden()
    assert somchai.quotes_seen() == [asked]

    somchai.unsends(asked)
    expect(bob.bubble("Yes, two of them").locator(".quoted")).to_contain_text("Message unsent by the contact")
    expect(bob.page.get_by_text("Is the blue one there?")).to_have_count(0)


def test_a_quote_leads_to_its_message_and_can_be_dropped(desk, customer):
    """L4."""
    bob, somchai = desk("bob"), customer("Somchai")
    asked = somchai.sends({"text": "The first one"})
    somchai.sends({"text": "I mean this", "quoted": asked})
    bob.open_from_icon(somchai.name)

    bob.bubble("I mean this").locator("a.quoted").click()
    expect(bob.page.locator(".is-pointed-at .text")).to_have_text("The first one")
    bob.bubble("I mean this").hover()
    bob.bubble("I mean this").get_by_role("link", name="Quote", exact=True).click()
    expect(bob.quoting).to_be_visible()
    bob.page.get_by_role("link", name="Do not quote").click()
    expect(bob.quoting).to_be_hidden()
    bob.send("Which?")
    bob.expect_sent("Which?")
    assert somchai.quotes_seen() == [None]

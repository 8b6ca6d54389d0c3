"""What rules tell an agent: it appears on the open page by itself and leads to the case."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from e2e.servers import Mado

RULE = {
    "type": "updated_case",
    "name": "Refunds",
    "blocks": [
        {
            "match": "all",
            "conditions": [
                {"condition": "happened", "operator": "is", "value": "contact_replied"},
                {"condition": "latest_text", "operator": "contains", "value": "refund"},
            ],
        }
    ],
    "actions": [
        {
            "action": "notify_agents",
            "value": {"to": "taker", "by": ["app"], "text": "{contact.name} wants a refund."},
        }
    ],
}


@pytest.fixture
def rule(mado: Mado) -> Iterator[None]:
    """Whoever has taken a chat is told when the customer writes of a refund."""
    made = mado.api("POST", "/rules", RULE)
    yield
    mado.api("DELETE", f"/rules/{made['id']}")


def test_a_rule_tells_an_agent_on_an_open_page_and_leads_to_the_case(desk, customer, rule):
    """R3."""
    bob, charlie, somchai = desk("bob"), desk("charlie", "/cases"), customer("Somchai")
    somchai.writes("Hello")
    bob.open_from_icon(somchai.name)
    bob.send("Good morning")
    bob.goto("/cases")
    bell = bob.page.locator("#bell")
    expect(bell).to_have_accessible_name("Notifications")

    somchai.writes("I want a refund")

    expect(bell).to_have_accessible_name("Notifications: 1 unread")
    expect(charlie.page.locator("#bell")).to_have_accessible_name("Notifications")
    other_tab = bob.page.context.new_page()
    other_tab.goto("/notifications")
    expect(other_tab.get_by_text(f"{somchai.name} wants a refund.")).to_be_visible()
    bell.click()
    bob.page.get_by_role("button", name=f"{somchai.name} wants a refund.").click()

    bob.page.wait_for_url("**/chats/*")
    expect(bob.bubble("I want a refund")).to_be_visible()
    expect(bell).to_have_accessible_name("Notifications")
    expect(other_tab.locator("#bell")).to_have_accessible_name("Notifications")
    expect(other_tab.get_by_role("link", name=f"{somchai.name} wants a refund.")).to_be_visible()

"""Labels, priority, spam and trash: set on a case, seen at other desks, found and taken back."""

import re
import secrets

import pytest
from playwright.sync_api import expect

from e2e.desk import Desk


@pytest.fixture
def word() -> str:
    """A word that only this test's cases and labels have."""
    return f"w{secrets.token_hex(4)}"


@pytest.fixture
def case(mado, word) -> int:
    """The number of a mail-like case."""
    body = {"subject": f"Lid {word}", "text": "broken", "contact": "Malee"}
    return mado.api("POST", "/cases", body)["number"]


def put_on(desk: Desk, label: str) -> None:
    field = desk.page.get_by_role("combobox", name="Add a label")
    field.fill(label)
    field.press("Enter")
    expect(desk.page.locator(".panel .tag").filter(has_text=label)).to_be_visible()
    expect(field).to_have_value("")
    expect(field).to_be_focused()


def test_a_label_and_a_priority_are_seen_at_another_desk_and_found_by_their_filters(desk, case, word):
    """H3, H6."""
    alice, bob = desk("alice", f"/cases/{case}"), desk("bob", f"/cases?q={word}")
    put_on(alice, f"refund {word}")
    alice.page.get_by_role("combobox", name="Priority").select_option("Urgent")
    expect(bob.case_row(word)).to_contain_text(f"refund {word}")
    expect(bob.case_row(word)).to_contain_text("Urgent")
    bob.goto("/cases")
    bob.page.get_by_role("combobox", name="Label", exact=True).select_option(f"refund {word}")
    expect(bob.page).to_have_url(re.compile(r"label=\d"))
    bob.page.get_by_role("combobox", name="Priority").select_option("Urgent")
    expect(bob.page).to_have_url(re.compile("priority=urgent"))
    expect(bob.page.locator("tbody tr")).to_have_count(1)
    bob.case_row(word).get_by_role("link").click()
    bob.expect_open("Malee")
    bob.page.get_by_role("button", name=f"Take off refund {word}").click()
    expect(alice.page.locator(".panel .tag")).to_have_count(0)


def test_an_agent_chooses_among_the_labels_there_are(desk, case, word, watch):
    """H6."""
    watch.expect("status of 409")
    alice, bob = desk("alice", "/settings/labels"), desk("bob", f"/cases/{case}")
    alice.page.get_by_label("New label").fill(f"night {word}")
    alice.press("Add label")
    expect(bob.page.locator(f'datalist option[value="night {word}"]')).to_be_attached()
    field = bob.page.get_by_role("combobox", name="Add a label")
    field.fill(f"nights {word}")
    field.press("Enter")
    expect(bob.toasts).to_contain_text("There is no such label.")
    expect(field).to_have_value(f"nights {word}")
    put_on(bob, f"night {word}")


def test_a_case_goes_to_the_trash_and_comes_back_by_undo(desk, case, word):
    """S10, S26, H6."""
    bob, charlie = desk("bob", f"/cases/{case}"), desk("charlie", f"/cases?q={word}")
    expect(charlie.case_row(word)).to_be_visible()
    bob.press("Move to trash")
    expect(bob.toasts).to_contain_text("is in the trash.")
    expect(charlie.case_row(word)).to_have_count(0)
    charlie.goto("/cases?flag=trash")
    expect(charlie.case_row(word)).to_be_visible()
    bob.press("Undo")
    bob.expect_open("Malee")
    expect(charlie.case_row(word)).to_have_count(0)
    charlie.goto(f"/cases?q={word}")
    expect(charlie.case_row(word)).to_be_visible()


def test_an_active_chat_that_is_spam_ends_and_the_contact_begins_anew(desk, customer):
    """S26."""
    bob, somchai = desk("bob"), customer("Somchai")
    somchai.writes("Buy my pills")
    bob.open_from_list(somchai.name)
    number = bob.number
    bob.press("Mark as spam")
    expect(bob.toasts).to_contain_text("is spam.")
    bob.expect_icon(0)
    somchai.writes("Buy more pills")
    bob.open_from_list(somchai.name)
    assert bob.number != number
    bob.goto(f"/cases/{number}")
    expect(bob.page.get_by_text("Marked as spam.")).to_be_visible()
    bob.page.get_by_role("button", name="Not spam").first.click()
    expect(bob.page.get_by_text("Marked as spam.")).to_have_count(0)


def test_an_admin_deletes_a_case_for_good(desk, case, word):
    """H6."""
    alice, bob = desk("alice", f"/cases/{case}"), desk("bob", f"/cases/{case}")
    alice.press("Move to trash")
    expect(bob.page.get_by_text("In the trash.")).to_be_visible()
    expect(bob.page.get_by_role("link", name="Delete for good")).to_have_count(0)
    alice.goto(f"/cases/{case}").page.get_by_role("link", name="Delete for good").click()
    expect(alice.page.get_by_text("This can't be undone.")).to_be_visible()
    alice.press("Delete for good")
    expect(alice.toasts).to_contain_text("is deleted for good.")
    alice.goto(f"/search?q={word}")
    expect(alice.case_row(word)).to_have_count(0)

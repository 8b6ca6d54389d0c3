"""Several cases at once: ticked with pointer and keys, changed, taken back; without scripts too (H3, U19)."""

import secrets

import pytest
from playwright.sync_api import Locator, expect

from e2e.axe import violations
from e2e.desk import Desk


@pytest.fixture
def word() -> str:
    """A word that only this test's cases have."""
    return f"w{secrets.token_hex(4)}"


@pytest.fixture
def numbers(mado, word) -> list[int]:
    """Five mail-like cases, newest first."""
    bodies = ({"subject": f"Lid {word}", "text": "broken", "contact": "Malee"} for _number in range(5))
    return [mado.api("POST", "/cases", body)["number"] for body in bodies][::-1]


def box(desk: Desk, number: int) -> Locator:
    return desk.page.get_by_role("checkbox", name=f"Choose case {number}", exact=True)


def bar(desk: Desk) -> Locator:
    return desk.page.get_by_role("form", name="Change the ticked cases")


def status_of(mado, number: int) -> str:
    return mado.api("GET", f"/cases/{number}")["status"]


def test_cases_are_ticked_with_shift_changed_and_taken_back(mado, desk, numbers, word):
    bob, alice = desk("bob", f"/cases?q={word}"), desk("alice", f"/cases?q={word}")
    expect(bar(bob)).to_be_hidden()
    place = bob.page.locator(f"#case-{numbers[0]}").bounding_box()
    box(bob, numbers[0]).click()
    box(bob, numbers[2]).click(modifiers=["Shift"])
    expect(bar(bob)).to_contain_text("3 ticked")
    assert bob.page.locator(f"#case-{numbers[0]}").bounding_box() == place
    bar(bob).get_by_label("Set status").select_option("closed")
    bar(bob).get_by_role("button", name="Change").click()
    expect(bob.toasts).to_contain_text("3 cases changed.")
    expect(bob.page).to_have_url(f"{mado.url}/cases?q={word}")
    expect(alice.page.locator(".status.is-closed")).to_have_count(3)
    bob.toasts.get_by_role("button", name="Undo").click()
    expect(bob.toasts).to_contain_text("3 cases are as they were.")
    expect(alice.page.locator(".status.is-open")).to_have_count(5)


def test_ticks_stay_while_the_list_changes_and_go_with_their_case(mado, desk, numbers, word):
    bob = desk("bob", f"/cases?q={word}&status=open")
    box(bob, numbers[1]).check()
    box(bob, numbers[3]).check()
    alice = desk("alice", f"/cases/{numbers[3]}")
    alice.page.get_by_role("combobox", name="Status").select_option("closed")
    bob.page.get_by_role("searchbox", name="Search in all cases").click()
    expect(bob.page.locator("tbody tr")).to_have_count(4)
    expect(box(bob, numbers[1])).to_be_checked()
    expect(bar(bob)).to_contain_text("1 ticked")


def test_everything_works_by_keyboard(mado, desk, numbers, word):  # U20
    bob = desk("bob", f"/cases?q={word}", bypass_csp=True)  # axe writes styles into the page
    for key in ("j", "x", "j", "x"):
        bob.page.keyboard.press(key)
    expect(bar(bob)).to_contain_text("2 ticked")
    assert violations(bob.page) == []
    bob.page.keyboard.press("Escape")
    expect(bar(bob)).to_be_hidden()
    bob.page.get_by_role("checkbox", name="Choose all on this page").press("Space")
    expect(bar(bob)).to_contain_text("5 ticked")
    bar(bob).get_by_role("button", name="Trash").press("Enter")
    expect(bob.toasts).to_contain_text("5 cases changed.")
    expect(bob.page.get_by_text("No case fits")).to_be_visible()


def test_without_scripts_it_is_a_plain_form(mado, browser_of, numbers, word):
    page = browser_of("bob", java_script_enabled=False).new_page()
    page.goto(f"/cases?q={word}")
    for number in numbers[:2]:
        page.get_by_role("checkbox", name=f"Choose case {number}", exact=True).check()
    page.get_by_label("Set status").select_option("pending")
    page.get_by_role("button", name="Change", exact=True).click()
    page.get_by_text("2 cases changed.").wait_for()
    assert [status_of(mado, number) for number in numbers[:3]] == ["pending", "pending", "open"]
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("2 cases are as they were.").wait_for()
    assert status_of(mado, numbers[0]) == "open"


def test_on_a_phone_cases_are_ticked_by_thumb(desk, numbers, word):
    bob = desk("bob", f"/cases?q={word}", viewport={"width": 360, "height": 740}, has_touch=True)
    for number in numbers[:2]:
        box(bob, number).tap()
    expect(bar(bob)).to_contain_text("2 ticked")
    assert bob.page.evaluate("document.documentElement.scrollWidth") <= 360
    bar(bob).get_by_role("button", name="Spam").tap()
    expect(bob.toasts).to_contain_text("2 cases changed.")

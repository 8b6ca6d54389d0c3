"""All cases: by hand, filtered, searched, paged, and changed on their page."""

import re
import secrets

import pytest
from playwright.sync_api import expect


@pytest.fixture
def word() -> str:
    """A word that only this test's cases have."""
    return f"w{secrets.token_hex(4)}"


def test_a_case_written_down_by_hand_shows_at_once_and_lights_nothing(desk, word):
    """S10, S12."""
    bob, charlie = desk("bob", "/cases"), desk("charlie", "/cases")
    bob.page.locator(".list-head").get_by_role("link", name="New case").click()
    bob.page.get_by_label("Contact").fill(f"Khun Malee {word}")
    bob.page.get_by_label("Text").fill("Called about a broken lid")
    bob.press("Create case")
    bob.expect_open(f"Khun Malee {word}")
    expect(charlie.case_row(word)).to_contain_text("Called about a broken lid")
    charlie.expect_icon(0)
    charlie.page.get_by_role("link", name="Chats").first.click()
    expect(charlie.row(word)).to_have_count(0)


def test_status_assignee_and_subject_are_changed_on_the_case_and_seen_in_the_list(mado, desk, word):
    """S10, H3."""
    case = mado.api("POST", "/cases", {"subject": f"Lid {word}", "text": "broken", "contact": "Malee"})
    bob, charlie = desk("bob", f"/cases/{case['number']}"), desk("charlie", f"/cases?q={word}")
    bob.page.get_by_role("combobox", name="Status").select_option("Closed")
    expect(charlie.case_row(word)).to_contain_text("Closed")
    bob.page.get_by_role("combobox", name="Assignee").select_option("Charlie")
    expect(charlie.case_row(word)).to_contain_text("Charlie")
    bob.page.get_by_role("textbox", name="Subject").fill(f"Jar {word}")
    bob.page.get_by_role("textbox", name="Subject").press("Enter")
    expect(charlie.case_row(word)).to_contain_text(f"Jar {word}")
    bob.page.reload()
    expect(bob.page.get_by_role("combobox", name="Status")).to_have_value("closed")
    bob.page.get_by_role("link", name="What happened to this case").click()
    expect(bob.page.locator(".story li").filter(has_text="Bob")).to_have_count(3)


def test_filters_narrow_the_list_and_stand_in_its_address(mado, desk, word):
    """H3, U18."""
    mado.api("POST", "/cases", {"subject": f"First {word}", "text": "x", "contact": "Malee"})
    second = mado.api("POST", "/cases", {"subject": f"Second {word}", "text": "x", "contact": "Malee"})
    bob = desk("bob", f"/cases/{second['number']}")
    bob.page.get_by_role("combobox", name="Status").select_option("Closed")
    expect(bob.page.locator(".talk-head")).to_contain_text("Closed")
    bob.goto(f"/cases?q={word}")
    expect(bob.case_row(word)).to_have_count(2)
    bob.page.get_by_role("combobox", name="Status").select_option("Closed")
    expect(bob.page).to_have_url(re.compile("status=closed"))
    expect(bob.case_row(word)).to_have_count(1)
    bob.case_row("Second").get_by_role("link").click()
    bob.expect_open("Malee")
    bob.page.go_back()
    expect(bob.page.get_by_role("combobox", name="Status")).to_have_value("closed")
    expect(bob.case_row(word)).to_have_count(1)


@pytest.mark.parametrize(
    ("said", "typed"),
    [("ขอคืนสินค้าได้ไหมครับ", "สินค้า"), ("注文した商品が届きません", "商品"), ("Ｌａｔｅ delivery", "late")],
    ids=["Thai", "Japanese", "full-width"],
)
def test_words_are_found_in_what_was_written_in_any_language(desk, customer, said, typed):
    """H4, S10: the top bar finds active chats too, All cases does not."""
    bob, somchai = desk("bob"), customer("Somchai")
    somchai.writes(f"{said} {somchai.name}")
    everywhere = bob.page.get_by_role("searchbox", name="Search everything")
    everywhere.fill(typed)
    everywhere.press("Enter")
    hit = bob.case_row(somchai.name)
    expect(hit).to_contain_text("active chat")
    expect(hit.locator("mark").first).to_be_visible()
    bob.goto("/cases")
    bob.page.get_by_role("searchbox", name="Search in all cases").fill(typed)
    bob.page.get_by_role("searchbox", name="Search in all cases").press("Enter")
    expect(bob.page.get_by_role("link", name="Clear")).to_be_visible()
    expect(bob.case_row(somchai.name)).to_have_count(0)

    bob.goto(f"/search?q={typed}")
    hit.get_by_role("link").click()
    bob.expect_open(somchai.name)
    bob.end("Closed")
    bob.goto(f"/cases?q={typed}")
    expect(bob.case_row(somchai.name)).to_contain_text("Closed")


def test_older_cases_follow_page_by_page(mado, desk, word):
    """H3."""
    bodies = [{"subject": f"Page {n:02} {word}", "text": "x", "contact": "Malee"} for n in range(1, 53)]
    assert [mado.api("POST", "/cases", body)["status"] for body in bodies] == ["open"] * 52
    bob = desk("bob", f"/cases?q={word}")
    expect(bob.case_row(word)).to_have_count(50)
    expect(bob.case_row(word).first).to_contain_text("Page 52")
    bob.page.get_by_role("link", name="Older cases").click()
    expect(bob.page.get_by_text("These are the oldest.")).to_be_visible()
    expect(bob.case_row(word)).to_have_count(2)
    expect(bob.case_row(word).last).to_contain_text("Page 01")
    bob.page.get_by_role("link", name="Newest").click()
    expect(bob.case_row(word).first).to_contain_text("Page 52")

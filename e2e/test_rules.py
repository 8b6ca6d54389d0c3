"""Rules as admins live with them: their order, what they do, and why they did it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from e2e.background import watch_light
from e2e.desk import Desk

MakeRule = Callable[..., int]


@pytest.fixture
def rule(mado) -> Iterator[MakeRule]:
    """A function that adds a rule; its id. Before and afterwards there are no rules."""

    def forget() -> None:
        for one in mado.api("GET", "/rules")["items"]:
            mado.api("DELETE", f"/rules/{one['id']}")

    def make(name: str, **fields) -> int:
        given = {"type": "updated_case", "name": name, "actions": [{"action": "set_priority", "value": "low"}]}
        return mado.api("POST", "/rules", given | fields)["id"]

    forget()
    yield make
    forget()


def listed(desk: Desk, *names: str) -> None:
    expect(desk.page.locator(".rule h3")).to_have_text(list(names))


def saved(mado, *names: str) -> None:
    assert [one["name"] for one in mado.api("GET", "/rules")["items"]] == list(names)


def test_rules_are_ordered_with_the_pointer_and_with_the_keyboard(mado, desk, rule):
    """R1: one drags a rule, carries it with the keyboard, and presses a button; the focus stays on it."""
    for name in ("First", "Second", "Third"):
        rule(name)
    alice = desk("alice", "/settings/rules")
    grip = alice.page.get_by_role("button", name="Move “First”", exact=True)

    with alice.page.expect_response("**/place"):
        grip.hover()
        alice.page.mouse.down()
        alice.page.mouse.move(*middle_below(alice, "Third"), steps=3)
        alice.page.mouse.up()
    expect(alice.page.get_by_role("status").filter(has_text="“First” is number 3 of 3 now.")).to_be_attached()
    listed(alice, "Second", "Third", "First")
    saved(mado, "Second", "Third", "First")

    grip.press(" ")
    expect(alice.page.get_by_role("status").filter(has_text="“First” is held, number 3 of 3.")).to_be_attached()
    grip.press("ArrowUp")
    grip.press("ArrowUp")
    listed(alice, "First", "Second", "Third")
    grip.press("Escape")
    listed(alice, "Second", "Third", "First")
    grip.press("Enter")
    grip.press("ArrowUp")
    with alice.page.expect_response("**/place"):
        grip.press("Enter")
    expect(alice.page.get_by_role("status").filter(has_text="“First” is number 2 of 3 now.")).to_be_attached()
    expect(grip).to_be_focused()
    saved(mado, "Second", "First", "Third")

    up = alice.page.get_by_role("button", name="Move “First” up")
    up.press("Enter")
    listed(alice, "First", "Second", "Third")
    expect(up).to_be_focused()
    saved(mado, "First", "Second", "Third")


def middle_below(desk: Desk, name: str) -> tuple[float, float]:
    """A point in the lower half of this rule's grip column."""
    box = desk.page.locator(".rule").filter(has_text=name).bounding_box()
    return box["x"] + 12, box["y"] + box["height"] - 4


def test_a_deleted_rule_is_put_back_by_undo(mado, desk, rule):
    """R1"""
    rule("Greet")
    alice = desk("alice", "/settings/rules")
    alice.press("Delete “Greet”")
    listed(alice)
    alice.toasts.get_by_role("button", name="Undo").click()
    expect(alice.toasts).to_contain_text("“Greet” is back in its place.")
    listed(alice, "Greet")


def test_the_emergency_button_stops_all_rules_and_other_admins_pages_say_so(desk, rule):
    rule("Greet")
    alice, elsewhere = desk("alice", "/settings/rules"), desk("alice", "/cases")
    alice.press("Switch all rules off")
    expect(elsewhere.page.get_by_text("All rules are switched off.")).to_be_visible()
    elsewhere.press("Switch them back on")
    expect(elsewhere.toasts).to_contain_text("Rules act again")
    expect(alice.page.locator("#banners-admin")).not_to_contain_text("All rules are switched off.")


# ── Journeys ────────────────────────────────────────────────────────────────────────────────────


def open_case(desk: Desk, name: str) -> None:
    """Click the case's row in All cases, which this desk shows."""
    desk.case_row(name).get_by_role("link").first.click()
    expect(desk.page.locator("#conversation h1, .talk-head h1").first).to_have_text(name)


@pytest.mark.usefixtures("rule")
def test_chats_handled_as_cases_never_light_the_icon(mado, desk, customer):
    """R7, S21, S22, S25: Alice uses the template, customers write, Bob works in All cases."""
    alice, bob, yuki, somchai = desk("alice"), desk("bob", "/cases"), customer("Yuki"), customer("Somchai")
    seen_by_alice, seen_by_bob = watch_light(alice.page), watch_light(bob.page)
    bob.expect_live()
    yuki.writes("This one is a chat still")
    bob.expect_icon(1)
    bob.open_from_icon(yuki.name)
    bob.end("Closed")
    bob.expect_icon(0)
    alice.expect_icon(0)
    assert seen_by_alice
    assert "/cases" in seen_by_bob

    alice.goto("/settings/rules").page.get_by_role("link", name="Templates").or_(
        alice.page.get_by_role("link", name="Look at the templates")
    ).first.click()
    alice.press("Use this template: Handle chats as cases")
    expect(alice.toasts).to_contain_text("3 rules are added and switched on.")
    listed(alice, "New chats become cases", "Customers' answers become cases", "Our answers wait as cases")

    bob.goto("/cases")
    alice.expect_live()
    seen_by_alice.clear()
    seen_by_bob.clear()
    somchai.writes("My teapot came without its lid")
    expect(bob.case_row(somchai.name)).to_contain_text("Open")
    open_case(bob, somchai.name)
    bob.send("We send you a new lid")
    somchai.waits_to_see("We send you a new lid")
    expect(bob.goto("/cases").case_row(somchai.name)).to_contain_text("Pending")
    somchai.writes("Thank you!")
    expect(bob.case_row(somchai.name)).to_contain_text("Open")
    bob.expect_icon(0)
    alice.expect_icon(0)
    assert (seen_by_alice, seen_by_bob) == ([], [])


def test_a_wrong_rule_is_found_by_its_explanation_and_mended(desk, customer, rule):
    """R6: why was this not urgent? Because the rule looks for “refnud”."""
    wrong = {"condition": "latest_text", "operator": "contains", "value": "refnud"}
    rule(
        "Money first",
        type="new_case",
        blocks=[{"match": "all", "conditions": [wrong]}],
        actions=[{"action": "set_priority", "value": "urgent"}],
    )
    alice, somchai, yuki = desk("alice"), customer("Somchai"), customer("Yuki")
    somchai.writes("I want a refund")
    alice.open_from_icon(somchai.name)
    case = alice.number
    expect(alice.page.get_by_label("Priority")).to_have_value("normal")

    alice.page.get_by_role("link", name="Rules on this case").click()
    told = alice.page.locator(".judged > li").filter(has_text="Money first")
    expect(told).to_contain_text("Did not apply.")
    expect(told).to_contain_text("the latest message contains “refnud”")
    expect(told).to_contain_text("saw: “I want a refund”")
    told.get_by_role("link", name="Money first").click()
    alice.page.get_by_role("textbox", name="Latest message").fill("refund")
    alice.page.get_by_role("button", name="Save rule").click()
    expect(alice.toasts).to_contain_text("Saved.")

    yuki.writes("I want a refund, too")
    alice.goto("/chats").open_from_list(yuki.name)
    expect(alice.page.get_by_label("Priority")).to_have_value("urgent")
    alice.page.goto(f"/cases/{case}/rules")
    expect(alice.page.locator(".judged > li").filter(has_text="Money first")).to_contain_text("changed since")

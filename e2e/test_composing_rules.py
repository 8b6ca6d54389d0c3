"""An admin composes a rule: by keyboard alone, and in a browser without scripts."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.axe import violations
from e2e.servers import Mado

NEW = "/settings/rules/new"
MOST_TABS = 80


@pytest.fixture(autouse=True)
def no_rules(mado: Mado) -> Iterator[None]:
    """Rules would act on other journeys' customers."""
    yield
    for rule in mado.api("GET", "/rules")["items"]:
        mado.api("DELETE", f"/rules/{rule['id']}")


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until this has the focus."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if wanted.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"no Tab leads to {wanted}")


def sentence(page: Page) -> Locator:
    return page.locator("#rule-sentence")


def box(page: Page, name: str) -> Locator:
    return page.get_by_role("combobox", name=name, exact=True)


def test_a_rule_is_composed_by_keyboard_alone(desk, mado, watch):
    """R2, R3, WCAG 2.1.1."""
    watch.expect("status of 422")
    page = desk("alice", NEW).page
    keys = page.keyboard
    expect(page.get_by_label("Name")).to_be_focused()
    keys.type("Night chats")
    keys.press("Tab")
    keys.press("Space")
    expect(page.get_by_role("checkbox", name="Active")).not_to_be_checked()
    tab_to(page, box(page, "Condition 1"))
    keys.type("Working")
    expect(box(page, "Working hours")).to_be_visible()
    expect(box(page, "Condition 1")).to_be_focused()
    tab_to(page, box(page, "Working hours"))
    keys.type("Outside")
    expect(sentence(page)).to_contain_text("and it is outside working hours:")

    tab_to(page, page.get_by_role("button", name="Add condition"))
    keys.press("Enter")
    expect(box(page, "Condition 2")).to_be_focused()
    keys.type("Latest")
    text = page.get_by_role("textbox", name="Latest message")
    expect(text).to_be_visible()
    tab_to(page, text)
    keys.type("refund")
    expect(sentence(page)).to_contain_text("and the latest message contains “refund”:")

    keys.press("Enter")
    errors = page.locator("#rule-errors")
    expect(errors).to_be_focused()
    expect(errors).to_contain_text("One thing is missing or wrong")
    expect(text).to_have_value("refund")
    keys.press("Tab")
    keys.press("Enter")
    action = box(page, "Action 1")
    expect(action).to_be_focused()
    expect(action).to_have_accessible_description(re.compile("Choose an action"))

    keys.type("Set status")
    tab_to(page, box(page, "Set status"))
    keys.type("Pending")
    expect(sentence(page)).to_contain_text(": set status Pending.")
    tab_to(page, page.get_by_role("button", name="Save rule"))
    keys.press("Enter")
    page.wait_for_url("**/settings/rules")
    (rule,) = mado.api("GET", "/rules")["items"]
    assert (rule["name"], rule["active"]) == ("Night chats", False)
    assert [one["value"] for one in rule["blocks"][0]["conditions"]] == ["outside", "refund"]


def test_rows_come_and_go_without_losing_what_was_typed(desk):
    page = desk("alice", NEW).page
    box(page, "Action 1").select_option("send_message")
    message = page.get_by_role("textbox", name="Send message to contact")
    message.fill("Hello {contact.name},\nwe are closed.")
    page.get_by_role("button", name="Add action").click()
    expect(box(page, "Action 2")).to_be_focused()
    box(page, "Action 2").select_option("add_note")
    page.get_by_role("textbox", name="Add note").fill("Call back")
    page.get_by_role("button", name="Move action 2 up").click()
    expect(page.get_by_role("button", name="Move action 1 down")).to_be_focused()
    expect(page.locator("#actions-0-value")).to_have_value("Call back")
    expect(page.locator("#actions-1-value")).to_have_value("Hello {contact.name},\nwe are closed.")
    expect(sentence(page)).to_contain_text("add the note “Call back”, then send the contact “Hello")
    page.get_by_role("button", name="Add another block").click()
    page.get_by_role("button", name="Remove block 1").click()
    page.get_by_role("button", name="Remove action 1").click()
    expect(box(page, "Action 1")).to_be_focused()
    expect(message).to_have_value("Hello {contact.name},\nwe are closed.")


def test_every_letter_reaches_the_sentence(desk):
    """What is typed while an answer is on its way is asked about again, and stays in its field."""
    page = desk("alice", NEW).page
    box(page, "Condition 1").select_option("subject")
    text = page.get_by_role("textbox", name="Subject")
    typed = "a long text about many things"
    text.press_sequentially(typed, delay=60)
    expect(sentence(page)).to_contain_text(f"“{typed}”")
    expect(text).to_have_value(typed)
    expect(text).to_be_focused()


def test_the_preview_follows_what_is_typed(desk, mado, customer):
    """R6."""
    somchai = customer("Somchai")
    somchai.writes("A word like zanzibar")
    page = desk("alice", NEW).page
    box(page, "Condition 1").select_option("latest_text")
    text = page.get_by_role("textbox", name="Latest message")
    text.fill("zanzibar")
    page.get_by_role("button", name="Which of the last 200 cases would match?").click()
    found = page.locator("#rule-preview")
    expect(found).to_contain_text("Would match 1 of the last")
    expect(found.get_by_role("listitem").filter(has_text=somchai.name).first).to_contain_text("Latest message: “A word like zanzibar”")
    text.press_sequentially("!")
    expect(found).to_contain_text("Would match 0 of the last")
    expect(text).to_be_focused()


def test_a_colleagues_newer_version_is_not_overwritten_unseen(desk, mado, watch):
    watch.expect("status of 409")
    mine = desk("alice", NEW).page
    compose_by_clicks(mine)
    mine.wait_for_url("**/settings/rules")
    (rule,) = mado.api("GET", "/rules")["items"]
    mine.goto(f"/settings/rules/{rule['id']}")
    mine.get_by_label("Name").fill("Mine")
    mado.api("PUT", f"/rules/{rule['id']}", {**rule, "name": "Theirs"})
    mine.get_by_role("button", name="Save rule").click()
    newer = mine.locator("#rule-newer")
    expect(newer).to_be_focused()
    expect(newer).to_contain_text("saved this rule while you had it open")
    expect(mine.get_by_label("Name")).to_have_value("Mine")
    mine.get_by_role("button", name="Save mine instead").click()
    mine.wait_for_url("**/settings/rules")
    assert [one["name"] for one in mado.api("GET", "/rules")["items"]] == ["Mine"]


def compose_by_clicks(page: Page) -> None:
    page.get_by_label("Name").fill("By clicks")
    page.get_by_role("checkbox", name="Active").uncheck()
    box(page, "Condition 1").select_option("status")
    box(page, "Status").select_option("open")
    box(page, "Action 1").select_option("mark_spam")
    expect(sentence(page)).to_contain_text("its status is Open: mark it as spam.")
    page.get_by_role("button", name="Save rule").click()


def test_a_rule_is_composed_without_scripts(browser_of, mado):
    """STYLE 15: buttons send the form and get it back."""
    page = browser_of("alice", java_script_enabled=False).new_page()
    page.goto(f"{NEW}?type=existing_case")
    page.get_by_label("Name").fill("Waited")
    page.get_by_role("checkbox", name="Active").uncheck()
    page.get_by_role("textbox", name="When").fill("45")
    page.get_by_role("button", name="Add condition").click()
    expect(box(page, "Condition 1")).to_be_focused()
    box(page, "Condition 1").select_option("latest_sender")
    page.locator("#blocks-0").get_by_role("button", name="Show its fields").click()
    box(page, "Sender of the latest message").select_option("contact")
    box(page, "Action 1").select_option("set_priority")
    page.locator("#actions").get_by_role("button", name="Show its fields").click()
    box(page, "Set priority").select_option("high")
    page.get_by_role("button", name="Which of the last 200 cases would match?").click()
    expect(sentence(page)).to_have_text("When a contact has written nothing in a case for 45 minutes and the contact wrote last: set priority High.")
    expect(page.locator("#rule-preview")).to_contain_text("of the last")
    page.get_by_role("button", name="Save rule").click()
    page.wait_for_url("**/settings/rules")
    (rule,) = mado.api("GET", "/rules")["items"]
    assert [one["value"] for block in rule["blocks"] for one in block["conditions"]] == ["contact", 45]


@pytest.mark.parametrize("width", [320, 1024])
def test_every_field_can_be_read_with_assistive_technology_at_any_width(desk, watch, width):
    """G14, U22, WCAG 1.4.10."""
    watch.expect("status of 422")
    page = desk("alice", f"{NEW}?type=existing_case", bypass_csp=True, viewport={"width": width, "height": 800}).page
    page.get_by_role("button", name="Add condition").click()
    for number, condition in enumerate(("author", "labels", "group", "latest_text"), 1):
        choose(page, "Condition", number, condition)
    for number, action in enumerate(("notify_agents", "send_message", "assign_to", "call_webhook"), 1):
        choose(page, "Action", number, action)
    page.get_by_role("button", name="Add another block").click()
    expect(page.get_by_role("button", name="Add condition")).to_have_count(2)
    page.get_by_role("button", name="Which of the last 200 cases would match?").click()
    expect(page.locator("#rule-preview")).to_contain_text("Finish the conditions first")
    page.get_by_role("button", name="Save rule").click()
    expect(page.locator("#rule-errors")).to_be_focused()
    is_wide = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(is_wide)
    assert violations(page) == []


def choose(page: Page, what: str, number: int, value: str) -> None:
    """Choose a condition or action, and add a row for the next once its fields stand there.

    They move the button: a click that begins before they come would end beside it.
    """
    chooser = page.locator(".rule-chooser").filter(has=box(page, f"{what} {number}"))
    box(page, f"{what} {number}").select_option(value)
    expect(chooser.locator("input[type=hidden]")).to_have_value(value)
    page.get_by_role("button", name=f"Add {what.lower()}").click()
    expect(box(page, f"{what} {number + 1}")).to_be_focused()

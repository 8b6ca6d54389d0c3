"""What holds on every page: readable with assistive technology, and harmless whatever a name says."""

import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from e2e.axe import violations
from e2e.desk import Desk
from e2e.phone import Customer, Line
from e2e.servers import PASSWORD, Mado
from e2e.walk import kinds, walk

SIGNED_IN = {
    "/chats", "/chats/N", "/chats?tab", "/cases", "/cases/N", "/cases/new", "/cases/N/history", "/search", "/account",
    "/account/second-factor",
    "/settings", "/settings/channels", "/settings/channels/line/N", "/settings/channels/line/N/deletion",
    "/settings/agents", "/settings/agents/N", "/settings/agents/N/tokens/N/revocation", "/settings/agents/new", "/settings/groups", "/settings/groups/N",
    "/settings/groups/new", "/settings/general", "/settings/new-chats", "/settings/audit", "/settings/labels", "/settings/labels/N", "/settings/labels/N/deletion",
    "/settings/rules", "/settings/rules/templates", "/settings/rules/new", "/settings/rules/new?type", "/settings/rules/N",
    "/settings/rules/N/runs", "/settings/rules/N/runs?only", "/settings/rules/history", "/cases/N/rules",
    "/cases/N/deletion", "/cases?flag",
}
MADE = {
    "/settings/rules/new?type", "/settings/rules/N", "/settings/rules/N/runs", "/settings/rules/N/runs?only",
    "/settings/groups/N", "/settings/labels/N", "/settings/labels/N/deletion",
    "/cases/N/deletion",
}
# Links lead from here to everything else, a chat among what a search finds.
STARTS = ("/chats", "/cases", "/cases?flag=trash", "/search", "/no-such-page")
# It does nothing, and says so on the page of each case.
RULE = {"type": "new_case", "name": "Nothing", "actions": [{"action": "stop_further_rules"}]}
# axe takes stylesheets apart in style elements of its own, which the CSP rightly forbids.
READ = {"bypass_csp": True}
HOSTILE = [
    '"><img src=x onerror=window.pwn=1>', "<script>window.pwn=1</script>", "</title><script>window.pwn=1</script>",
    "<svg/onload=window.pwn=1>", "javascript:window.pwn=1", "{{7*7}} ${7*7} {0.__class__}",
    "&#60;img src=x onerror=window.pwn=1&#62;", "' autofocus onfocus=window.pwn=1 x='", "</textarea><img src=x onerror=window.pwn=1>",
    "line\u2028window.pwn=1\u2029//", '{"a":"</script><img src=x onerror=window.pwn=1>"}',
    "<div hx-get=/settings hx-trigger=load hx-swap-oob=true>", "<iframe srcdoc='<script>top.pwn=1</script>'>",
    "\u202eevil\u202c http://x/?\"onmouseover=window.pwn=1", "W" * 120,
]


@pytest.fixture
def everything(mado, desk, customer, line):
    """Something of all there is: chats, cases, a group, a draft of a channel, a failed reply."""
    alice, somchai, yuki = desk("alice", **READ), customer("Somchai"), customer("Yuki")
    somchai.writes("Hello, it is about https://example.com/order?id=1")
    yuki.writes("こんにちは")
    mado.api("POST", "/rules", RULE)
    mado.api("POST", "/cases", {"subject": "A lid", "text": "broken", "contact": "Malee"})
    alice.open_from_list(somchai.name)
    line.fault("reply", "429-monthly", times=3)  # an earlier test's reply may be tried again right now
    alice.send("One moment")
    expect(alice.bubble("One moment")).to_contain_text("trying again at")
    alice.write_note("Difficult")
    expect(alice.bubble("Difficult")).to_be_visible()
    alice.goto("/settings/groups/new")
    alice.page.get_by_label("Name").fill(f"Group {secrets.token_hex(3)}")
    alice.press("Add group")
    alice.goto("/settings/labels").page.get_by_label("New label").fill(f"label {secrets.token_hex(3)}")
    alice.press("Add label")
    write_macro(alice, f"macro {secrets.token_hex(3)}", "Hello {contact.name}")
    trashed = mado.api("POST", "/cases", {"subject": "Spam", "text": "pills", "contact": "Nobody"})["number"]
    alice.goto(f"/cases/{trashed}").press("Move to trash")
    alice.goto("/settings/channels").press("Connect LINE")
    expect(alice.page.get_by_label("Webhook URL")).to_be_visible()
    draft = alice.page.url
    alice.goto("/chats").open_from_list(somchai.name, tab="Mine")
    return alice, [draft, f"/chats/{alice.number}/ending", "/settings/channels/1/kept-back", f"/cases/{trashed}/deletion"]


def test_every_page_can_be_read_with_assistive_technology_in_both_themes(everything, watch):
    """G14."""
    watch.expect("status of 404")
    alice, more = everything
    walked, found = looked_at(alice, violations, *STARTS, *more, "/search?q=order")
    assert not found, "\n".join(found)
    assert SIGNED_IN <= kinds(walked)


def test_what_opens_over_a_page_can_be_read_with_assistive_technology(everything):
    """G14: the icon's list, menus, dialogs, notes and refusals."""
    alice, _more = everything
    found = violations(alice.page)
    found += violations_behind(alice, "Incoming chats") + violations_behind(alice, "Your menu")
    found += violations_behind(alice, "Hand over")
    alice.page.get_by_role("radio", name="Note").check()
    alice.composer.fill("x")
    found += violations(alice.page)
    alice.press("Macros")
    expect(alice.macros.first).to_be_visible()
    found += violations(alice.page)
    alice.macros.first.click()
    expect(alice.waiting.first).to_be_visible()
    found += violations(alice.page)
    alice.ask_to_end()
    found += violations(alice.page)
    alice.page.keyboard.press("Escape")
    alice.page.locator("h1").first.focus()
    alice.page.keyboard.press("?")
    expect(alice.page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    found += violations(alice.page)
    assert not found, "\n".join(found)


def test_pages_before_signing_in_can_be_read_with_assistive_technology(browser_of, watch):
    """G14."""
    watch.expect("status of 4")
    page = browser_of(None, **READ).new_page()
    page.goto("/sign-in")
    found = violations(page)
    page.get_by_label("Email").fill("nobody@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    found += violations(page)
    page.goto("/invitations/no-such-link")
    found += violations(page)
    page.goto("/forgotten-password")
    found += violations(page)
    assert not found, "\n".join(found)


def test_the_watch_over_pages_hears_what_must_not_happen(desk, watch):
    """T4, G13: the journeys' own alarm works."""
    bob = desk("bob")
    bob.page.evaluate("""() => {
      document.body.insertAdjacentHTML("beforeend", "<img src=x onerror=window.pwn=1><p style='color: red'>");
      window.pwn = 1;
    }""")
    expect(bob.page.locator("p[style]")).to_be_attached()
    bob.goto("/chats")
    heard = " ".join(watch.complaints)
    assert "CSP violation: script-src" in heard
    assert "CSP violation: style-src" in heard
    assert "a hostile text ran" in heard
    watch.expect(".")


def test_hostile_names_and_texts_run_nothing_and_break_no_page_at_320_px(mado, desk, line, watch):
    """T4, T34, U22, WCAG 1.4.10: live, in lists, in the conversation, in the history."""
    watch.expect("status of 404")
    alice = desk("alice", viewport={"width": 320, "height": 640})
    people = write_hostile_things(mado, line)
    write_macro(alice, HOSTILE[0], HOSTILE[-1] * 3)
    alice.expect_icon(len(people) + 1)
    alice.icon.click()
    names = alice.page.locator("#incoming .name bdi:first-child")
    expect(names).to_have_text([person.name for person in people] + [HOSTILE[0]])
    alice.page.keyboard.press("Escape")
    wide = end_as_they_come(alice, people[:4])
    walked, found = looked_at(alice, overflow, *STARTS, "/search?q=onerror")
    assert wide + found == []
    assert SIGNED_IN - MADE <= kinds(walked)


def write_hostile_things(mado: Mado, line: Line) -> list[Customer]:
    """Names, texts, a group's name and subjects, from every side they come from."""
    people = [line.customer(f"{text}{secrets.token_hex(2)}") for text in HOSTILE]
    for person, text in zip(people, HOSTILE, strict=True):
        person.writes(text)
    group = line.group(HOSTILE[0], *people[:2])
    for text in HOSTILE:
        people[0].writes(text, group=group)
        mado.api("POST", "/cases", {"subject": text, "text": text, "contact": text})
    return people


def write_macro(desk: Desk, name: str, text: str) -> None:
    """One of the agent's own, which also sets a status."""
    desk.goto("/macros/new").page.get_by_label("Name").fill(name)
    desk.page.get_by_label("Text", exact=True).fill(text)
    desk.press("Add action")
    desk.page.get_by_role("combobox", name="Action 1").select_option("Set status")
    desk.page.get_by_role("combobox", name="Set status").select_option("Pending")
    desk.press("Save macro")
    expect(desk.page.get_by_role("link", name=name, exact=True)).to_be_visible()


def end_as_they_come(desk: Desk, people: list[Customer]) -> list[str]:
    """Open each one's chat in place and end it; where a page was too wide."""
    wide = []
    for person in people:
        desk.page.goto("/chats?tab=new")
        desk.row(person.name).first.click()
        desk.expect_open(person.name)
        wide += overflow(desk.page)
        desk.end("Closed")
    return wide


def looked_at(desk: Desk, look: Callable[[Page], list[str]], *starts: str) -> tuple[list[str], list[str]]:
    """Walk every page; what was walked, and what looking at each found."""
    walked, found = [], []
    for address in walk(desk.page, *starts):
        walked.append(address)
        found += look(desk.page)
    return walked, found


def violations_behind(desk: Desk, opener: str) -> list[str]:
    """What is wrong with what this button opens."""
    desk.page.get_by_role("button", name=opener).click()
    found = violations(desk.page)
    desk.page.keyboard.press("Escape")
    return found


def overflow(page: Page) -> list[str]:
    """The page's address if one can scroll it sideways."""
    is_wide = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
    return [urlsplit(page.url).path] if page.evaluate(is_wide) else []

"""What holds on every page: readable with assistive technology, and harmless whatever a name says."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from app import create_app
from e2e.axe import violations
from e2e.conftest import PATIENCE_MS
from e2e.desk import Desk
from e2e.hostile import HOSTILE, NAMES, World, invitation, named, write_from_everywhere
from e2e.pages import BEFORE_SIGNING_IN, PARTS, Shown
from e2e.phone import Customer, Line
from e2e.second_factor import begin, set_up
from e2e.servers import PASSWORD, start_line, start_mado
from e2e.walk import walk
from tests.conftest import config_for

# Links lead from here to everything else, a chat among what a search finds.
STARTS = ("/chats", "/cases", "/cases?flag=trash", "/search", "/no-such-page")
# What the links from there lead to by others of their kind, or not at all.
UNLINKED = (
    *("/settings/channels/1/kept-back", "/settings/channels/line/1/calls", "/settings/rules/1/overdue"),
    *("/cases/1/deletion", "/settings/agents/1/tokens/1/revocation"),
)
# It does nothing, and says so on the page of each case.
RULE = {"type": "new_case", "name": "Nothing", "actions": [{"action": "stop_further_rules"}]}
# axe takes stylesheets apart in style elements of its own, which the CSP rightly forbids.
READ = {"bypass_csp": True}
PLAN = {"name": f"{HOSTILE[0]}.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 a plan"}
# As if something had happened to each part that a page fetches anew.
FETCH_ALL = """() => document.querySelectorAll("[hx-trigger=changed]")
  .forEach((part) => part.dispatchEvent(new Event("changed")))"""


@pytest.fixture
def shown(tmp_path) -> Shown:
    """What browsers show of all that the application has."""
    return Shown(create_app(config_for(f"sqlite:///{tmp_path}/none.sqlite3", tmp_path)))


@pytest.fixture
def everything(mado, desk, customer, line):
    """Something of all there is: chats, cases, a group, a draft of a channel, a failed reply."""
    alice, somchai, yuki = desk("alice", **READ), customer("Somchai"), customer("Yuki")
    somchai.writes("Hello, it is about https://example.com/order?id=1")
    yuki.writes("こんにちは")
    rule = mado.api("POST", "/rules", RULE)["id"]
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
    more = [draft, f"/chats/{alice.number}/ending", "/settings/channels/1/kept-back"]
    return alice, [*more, f"/settings/rules/{rule}/overdue", f"/cases/{trashed}/deletion"]


def test_every_page_can_be_read_with_assistive_technology_in_both_themes(everything, shown, watch):
    """G14."""
    watch.expect("status of 404")
    alice, more = everything
    shown.over(alice.page.context)
    found = looked_at(alice, violations, *STARTS, *more, "/search?q=order")
    assert not found, "\n".join(found)
    assert shown.pages - PARTS - BEFORE_SIGNING_IN - shown.seen == set()


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


@pytest.fixture
def world(tmp_path, browser, browser_context_args, shown, watch) -> Iterator[World]:
    """A Mado of its own, whose names no other journey meets, and its admin at a narrow browser."""
    line = start_line(tmp_path)
    mado = start_mado(tmp_path, line, {"alice": "admin"})
    options = browser_context_args | {"base_url": mado.url, "viewport": {"width": 320, "height": 640}}
    with ExitStack() as browsers:

        def narrow() -> Page:
            context = browsers.enter_context(browser.new_context(**options))
            context.set_default_timeout(PATIENCE_MS)
            watch.over(context)
            shown.over(context)
            return context.new_page()

        browsers.callback(line.stop)
        browsers.callback(mado.stop)
        yield named(mado, Line(line), narrow)


def test_hostile_names_and_texts_run_nothing_and_break_no_page_at_320_px(world, shown, watch):
    """T4, T34, U22, G13, WCAG 1.4.10: on every page there is, in what arrives live, and before signing in."""
    watch.expect("status of 404")
    alice = world.alice
    people = write_from_everywhere(world.mado, world.line)
    alice.expect_icon(len(people) + 1)
    alice.icon.click()
    names = alice.page.locator("#incoming .name bdi:first-child")
    expect(names).to_have_text([person.name for person in people] + [HOSTILE[0]])
    alice.page.keyboard.press("Escape")
    wide = end_as_they_come(alice, people[:4])
    wide += overflow_behind(alice, people[4], shown)
    wide += looked_at(alice, overflow, *STARTS, *UNLINKED, "/search?q=onerror")
    wide += overflow_before_signing_in(world)
    assert wide == []
    assert shown.pages - shown.seen == set(), "walk these, or say in e2e/pages.py why not"
    assert shown.seen - shown.pages == set()


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


def overflow_behind(desk: Desk, person: Customer, shown: Shown) -> list[str]:
    """Take a chat, open what opens over it, send a file, and fetch anew all that arrives live."""
    page = desk.page
    desk.goto("/chats?tab=new").row(person.name).first.click()
    desk.expect_open(person.name)
    expect(page.locator(".thread")).to_contain_text(f"Chose: {person.name}")
    expect(desk.bubble(".pdf")).to_be_visible()
    desk.bubble(person.name).first.get_by_role("link", name="Quote", exact=True).click()
    expect(desk.quoting).to_be_visible()
    page.get_by_label("Attach files").set_input_files(PLAN)
    expect(page.get_by_role("list", name="Files to send").locator("input[name=attachment]")).to_have_count(1)
    desk.send(HOSTILE[0])
    expect(desk.bubble(HOSTILE[0])).to_be_visible()
    desk.write_note(HOSTILE[1])
    expect(desk.bubble(HOSTILE[1])).to_be_visible()
    desk.press("Macros")
    expect(desk.macros).to_have_count(len(NAMES))
    wide = overflow(page)
    page.keyboard.press("Escape")
    desk.press("Hand over")
    wide += overflow(page)
    page.keyboard.press("Escape")
    desk.ask_to_end()
    wide += overflow(page)
    page.keyboard.press("Escape")
    with page.context.expect_event("response", lambda _answer: shown.seen >= PARTS):
        page.evaluate(FETCH_ALL)
    return wide


def overflow_before_signing_in(world: World) -> list[str]:
    """The pages of who is invited, of who forgot, and of the second step."""
    page = world.narrow()
    page.goto("/sign-in")
    wide = overflow(page)
    page.goto("/forgotten-password")
    wide += overflow(page)
    page.goto(invitation(world.alice, "invited@example.com"))
    wide += overflow(page)
    begin(page, "hostile0@example.com").goto("/account/second-factor")
    set_up(page)
    page = begin(world.narrow(), "hostile0@example.com")
    page.wait_for_url("**/sign-in/code")
    return wide + overflow(page)


def looked_at(desk: Desk, look: Callable[[Page], list[str]], *starts: str) -> list[str]:
    """Walk every page; what looking at each found."""
    return [found for _address in walk(desk.page, *starts) for found in look(desk.page)]


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

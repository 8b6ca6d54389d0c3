"""An agent at a browser: the words of the journeys in terms of what people click and read."""

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect


class Desk:
    """One browser in which one agent is signed in."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def goto(self, path: str) -> "Desk":
        self.page.goto(path)
        self.expect_live()
        return self

    def expect_live(self) -> None:
        """The page's socket is open, so that what happens from now on arrives by itself."""
        expect(self.page.locator("html")).to_have_attribute("data-live", "on")

    # ── The icon ──────────────────────────────────────────────────────────────────────────────

    @property
    def icon(self) -> Locator:
        return self.page.get_by_role("button", name="Incoming chats")

    def expect_icon(self, number: int, **options: Any) -> None:
        """The icon tells this number: lit and counted, or neutral at zero (S13)."""
        name = f"Incoming chats: {number}" if number else "Incoming chats"
        expect(self.page.locator("#chats-icon")).to_have_accessible_name(name, **options)
        lit = re.compile(r"\bis-lit\b")
        held = expect(self.page.locator("#chats-icon"))
        held.to_have_class(lit) if number else held.not_to_have_class(lit)

    def entry(self, name: str) -> Locator:
        """A row of the icon's open list."""
        return self.page.locator("#chats-drop").get_by_role("button", name=name)

    def open_from_icon(self, name: str) -> None:
        self.icon.click()
        self.entry(name).click()
        self.expect_open(name)

    # ── Chats ─────────────────────────────────────────────────────────────────────────────────

    def tab(self, label: str) -> Locator:
        return self.page.locator("#chat-list").get_by_role("link", name=re.compile(f"^{label}"))

    def open_tab(self, label: str) -> None:
        self.tab(label).click()
        expect(self.tab(label)).to_have_attribute("aria-current", "page")

    @property
    def rows(self) -> Locator:
        """The list on the left."""
        return self.page.locator("#chat-list .row-link")

    def row(self, name: str) -> Locator:
        """A chat in it."""
        return self.rows.filter(has_text=name)

    def open_from_list(self, name: str, *, tab: str = "New") -> None:
        self.open_tab(tab)
        self.row(name).click()
        self.expect_open(name)

    def expect_open(self, name: str) -> None:
        expect(self.page.locator("#conversation h1")).to_have_text(name)

    @property
    def number(self) -> int:
        """The open conversation's number, from its address."""
        found = re.search(r"/(?:chats|cases)/(\d+)", self.page.url)
        assert found, self.page.url
        return int(found[1])

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    # ── The conversation ──────────────────────────────────────────────────────────────────────

    @property
    def composer(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message")

    @property
    def toasts(self) -> Locator:
        """Short words about what just happened."""
        return self.page.locator("#toasts")

    @property
    def notice(self) -> Locator:
        """What the composer says about what was not sent."""
        return self.page.locator("mado-composer [data-notice]")

    @property
    def quoting(self) -> Locator:
        """What the reply being written quotes."""
        return self.page.locator("mado-composer .quoting")

    @property
    def macros(self) -> Locator:
        """What "/" offers."""
        return self.page.get_by_role("listbox", name="Macros").get_by_role("option")

    @property
    def meant_macro(self) -> Locator:
        """The one that Enter picks, as the message field tells it."""
        return self.page.locator(f"[id='{self.composer.get_attribute('aria-activedescendant')}']")

    @property
    def waiting(self) -> Locator:
        """What macros do when the message is sent, ticked or not."""
        return self.page.locator(".chosen-step")

    def send(self, text: str) -> None:
        self.composer.fill(text)
        self.press("Send")

    def write_note(self, text: str) -> None:
        self.page.get_by_role("radio", name="Note").check()
        self.composer.fill(text)
        self.press("Send note")

    def bubble(self, text: str) -> Locator:
        return self.page.locator(".thread .message").filter(has_text=text)

    def texts(self) -> Locator:
        return self.page.locator(".thread .message .text")

    def expect_texts(self, *texts: str, **options: Any) -> None:
        """The conversation holds exactly these bubbles, in this order."""
        expect(self.texts()).to_have_text(list(texts), **options)

    def expect_sender(self, text: str, name: str) -> None:
        """The bubble with this text is somebody's, as a group's bubbles say."""
        expect(self.bubble(text).locator(".sender")).to_have_text(name)

    def expect_members(self, *names: str, author: str) -> None:
        """The panel lists exactly these people of the group, one of them marked as the author."""
        listed = self.page.locator(".panel .members li")
        expect(listed.locator("bdi")).to_have_text(list(names))
        expect(listed.filter(has=self.page.locator(".badge")).locator("bdi")).to_have_text([author])

    def expect_sent(self, text: str) -> None:
        expect(self.bubble(text).locator(".state")).to_have_attribute("title", "Sent")

    # ── Ending ────────────────────────────────────────────────────────────────────────────────

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog", name="End chat")

    def ask_to_end(self) -> None:
        self.page.locator(".foot").get_by_role("button", name="End chat").click()
        expect(self.dialog).to_be_visible()

    def end(self, status: str) -> None:
        self.ask_to_end()
        self.dialog.get_by_role("radio", name=status).check()
        self.dialog.get_by_role("button", name="End chat").click()
        expect(self.dialog).to_be_hidden()

    # ── All cases ─────────────────────────────────────────────────────────────────────────────

    def case_row(self, text: str) -> Locator:
        """A row of a list of cases."""
        return self.page.get_by_role("row").filter(has_text=text)

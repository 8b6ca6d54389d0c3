"""Tabs that nobody looks at, and what the icon said meanwhile.

Playwright tells every page that it is visible and focused, and nothing can take that back; so a
page is told that it is hidden in the words browsers use: two properties and an event.
"""

from playwright.sync_api import Page

RECORD = """() => {
  const icon = document.querySelector("#chats-icon .number");
  const said = window.iconSaid = [icon.textContent];
  new MutationObserver(() => { if (said.at(-1) !== icon.textContent) said.push(icon.textContent); })
    .observe(icon, { childList: true, characterData: true, subtree: true });
}"""
# What was lit and is dark again when the observer is told stands in the records' old values.
LIGHT = """
new MutationObserver((records) => {
  const wasLit = records.some(({ target, oldValue }) => target.id === "chats-icon" && /\\bis-lit\\b/.test(oldValue ?? ""));
  if (wasLit || document.querySelector("#chats-icon.is-lit")) window.sawLight(location.pathname);
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["class"], attributeOldValue: true });
"""
LOOKED_AT = """(is) => {
  Object.defineProperty(document, "hidden", { value: !is, configurable: true });
  Object.defineProperty(document, "visibilityState", { value: is ? "visible" : "hidden", configurable: true });
  document.hasFocus = () => is;
  document.dispatchEvent(new Event("visibilitychange"));
  window.dispatchEvent(new Event(is ? "focus" : "blur"));
}"""


def watch_light(page: Page) -> list[str]:
    """Where the icon was lit from now on, not for one frame unseen, on this page and those after it.

    It looks from the first byte of each page, so that an icon that came lit counts too.
    """
    lit: list[str] = []
    page.context.expose_binding("sawLight", lambda _source, where: lit.append(where))
    page.context.add_init_script(LIGHT)
    page.reload()
    return lit


def record_icon(page: Page) -> None:
    """Write down every number the icon shows from now on, however short."""
    page.evaluate(RECORD)


def recorded(page: Page) -> list[str]:
    """What the icon has shown since `record_icon`."""
    return page.evaluate("() => window.iconSaid")


def hide(page: Page) -> None:
    """Another tab comes to the front."""
    page.evaluate(LOOKED_AT, False)


def show(page: Page) -> None:
    """The page's tab comes to the front again."""
    page.evaluate(LOOKED_AT, True)

"""What no page may do on any journey: errors in the console, hostile scripts, violations of the CSP."""

import re

from playwright.sync_api import BrowserContext, ConsoleMessage, Page

# Chromium's own console line names the directive; the event also tells of report-only policies.
# `window.pwn` is what hostile names and texts try to set.
LISTENER = """
Object.defineProperty(window, "pwn", { set: () => console.error("a hostile text ran") });
addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP violation: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""
# What htmx says of requests that a newer one replaced, which is nobody's error.
ALWAYS_FINE = (r"htmx:sendAbort", r"htmx:afterRequest, ")


class Watch:
    """Collects what went wrong on every page of a test."""

    def __init__(self) -> None:
        self._found: list[str] = []
        self._expected: list[re.Pattern[str]] = []
        self.expect(*ALWAYS_FINE)

    def over(self, context: BrowserContext) -> None:
        """Look at each page this browser opens from now on."""
        context.add_init_script(LISTENER)
        context.on("page", self._follow)

    def expect(self, *patterns: str) -> None:
        """Errors that belong to this journey, such as a refused form's status or a killed server."""
        self._expected += [re.compile(pattern) for pattern in patterns]

    @property
    def complaints(self) -> list[str]:
        return [text for text in self._found if not any(pattern.search(text) for pattern in self._expected)]

    def _follow(self, page: Page) -> None:
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self._found.append(f"{page.url}: {error.stack or error.message}"))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._found.append(f"{message.location.get('url', '')}: {message.text}")

"""Every page, found by following links, so that a new page is walked without being told of.

Pages that differ only in a number, or in what a query says, are one page.
"""

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from playwright.sync_api import Page

LINKS = """() => [...document.querySelectorAll("a[href^='/']:not([download])")]
  .map((link) => link.getAttribute("href"))"""


def walk(page: Page, *starts: str) -> Iterator[str]:
    """Open every page that these lead to, one after another; its address, while it is open."""
    waiting, seen = list(starts), {_kind(address) for address in starts}
    while waiting:
        address = waiting.pop(0)
        page.goto(address)
        yield address
        for found in page.evaluate(LINKS):
            if _kind(found) not in seen:
                seen.add(_kind(found))
                waiting.append(found)


def _kind(address: str) -> str:
    parts = urlsplit(address)
    names = ",".join(sorted(name for name, _value in parse_qsl(parts.query)))
    return re.sub(r"\d+", "N", parts.path) + (f"?{names}" if names else "")

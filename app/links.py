"""Addresses in what people wrote, as parts for a template to link; no HTML is made here.

Contacts choose the text and every view of a chat reads it, so the work grows with the text's
length alone. Jinja's own `urlize` takes seconds for 5,000 dots and an x.
"""

import re

Part = tuple[str, str]

# ASCII only: Thai, Japanese and Chinese follow an address without a space.
_ADDRESS = re.compile(r"(?:https?://|www\.)[!#-&(-;=?-_a-z~]{1,2000}", re.I)
_PUNCTUATION = ".,:;!?"


def parts(text: str) -> list[Part]:
    """Pieces of the text, each with the address it leads to or ""; joined they are the text."""
    found: list[Part] = []
    at = 0
    for match in _ADDRESS.finditer(text):
        if match.start() and text[match.start() - 1].isalnum() and text[match.start() - 1].isascii():
            continue
        shown = _without_tail(match[0])
        if "." not in shown.strip("."):
            continue
        address = shown if shown[:4].lower() == "http" else f"https://{shown}"
        found += [(text[at : match.start()], ""), (shown, address)]
        at = match.start() + len(shown)
    return [part for part in [*found, (text[at:], "")] if part[0]]


def _without_tail(address: str) -> str:
    """The address without the sentence's own end; a bracket that it opened itself is its own."""
    cut = address.rstrip(_PUNCTUATION)
    if cut.endswith((")", "]")) and cut.count(")") + cut.count("]") > cut.count("(") + cut.count("["):
        return cut.rstrip(_PUNCTUATION + ")]")
    return cut

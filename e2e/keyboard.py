"""Keys as an input method sends them, which Playwright's own keyboard can't."""

from playwright.sync_api import Page

ENTER = {"key": "Enter", "code": "Enter"}


class InputMethod:
    """A Japanese input method at work in the focused field."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)

    def compose(self, text: str) -> None:
        """Underlined text that is not chosen yet."""
        selection = {"selectionStart": len(text), "selectionEnd": len(text)}
        self._session.send("Input.imeSetComposition", {"text": text} | selection)

    def enter_while_composing(self) -> None:
        """Enter that chooses, as most browsers tell it: `isComposing` is true."""
        self._press(13)

    def choose(self, text: str) -> None:
        """The composition ends with this text."""
        self._session.send("Input.insertText", {"text": text})

    def enter_after_composing(self) -> None:
        """Enter that chooses, as Safari tells it: after the composition, with key code 229."""
        self._press(229)

    def _press(self, code: int) -> None:
        for kind in ("rawKeyDown", "keyUp"):
            self._session.send("Input.dispatchKeyEvent", {"type": kind, "windowsVirtualKeyCode": code} | ENTER)

"""An agent who looks around while much happens: opens lists and a conversation, one after another."""

import itertools
import threading
import time
from collections import Counter

import requests

from tests.processes.servers import DEADLINE_SECONDS, Mado
from tests.processes.visits import signed_in

PATHS = ("/chats", "/cases", "/chats/1")
# Nobody opens the next page sooner.
LOOKS_SECONDS = 0.1


class Browsing:
    """How long each page took that came; whatever did not come is among the answers."""

    def __init__(self, mado: Mado) -> None:
        self._mado = mado
        self._over = threading.Event()
        self.answers: Counter[int | str] = Counter()
        self.seconds: list[float] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(DEADLINE_SECONDS)

    def _run(self) -> None:
        browser = signed_in(self._mado)
        for path in itertools.cycle(PATHS):
            began = time.monotonic()
            self.answers[self._open(browser, path)] += 1
            self.seconds.append(time.monotonic() - began)
            if self._over.wait(LOOKS_SECONDS):
                return

    def _open(self, browser: requests.Session, path: str) -> int | str:
        """The status, or how there came to be none."""
        try:
            address = f"{self._mado.url}{path}"
            answer = browser.get(address, timeout=DEADLINE_SECONDS, allow_redirects=False)
            return answer.status_code
        except requests.RequestException:
            return "no connection"

"""An open page of an agent, as a program: told by its socket, it pulls what changed.

It asks for nothing by itself. After every loss of the socket it connects again, subscribes, and on
the answer pulls every conversation from where it stands, like live.js. So whatever it has at the
end came by the socket or by catching up, and what is missing was lost.
"""

import json
import re
import threading
from collections import Counter

import requests

from tests.live.pages import TEXT, Page, connect
from tests.processes.servers import Mado
from tests.processes.visits import cookie_of, signed_in

PATIENCE_SECONDS = 10.0
LOOK_EVERY_SECONDS = 0.2
BUBBLE = re.compile(
    r'<li class="message is-(?:in|out)(?: is-(\w+))?" id="message-(\d+)".*?</li>', re.S
)
TOLD = re.compile(r"\b(?:event|answer|hello)-\d+\b")
CURSOR = re.compile(r'data-cursor="(\d+)"( data-more)?')


class OpenPage:
    """Shows these cases at once; a page of Mado shows one."""

    def __init__(self, mado: Mado, cases: list[int]) -> None:
        self._mado, self._browser = mado, signed_in(mado)
        self._cursors = dict.fromkeys(cases, 0)
        self._bubbles: dict[int, tuple[str, str]] = {}
        self.sockets = 0
        self.troubles: list[str] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(PATIENCE_SECONDS * 2)

    def shown(self) -> Counter[str]:
        """How many bubbles say this."""
        return Counter(text for text, _ in list(self._bubbles.values()))

    @property
    def count(self) -> int:
        return len(self._bubbles)

    def has_queued(self) -> bool:
        return any(state == "queued" for _, state in list(self._bubbles.values()))

    def states(self) -> dict[str, str]:
        """The state that each answer's bubble shows."""
        return {text: state for text, state in list(self._bubbles.values()) if state}

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow(self._connect())
            except (OSError, AssertionError):  # cut, or refused while the server starts
                self._stopping.wait(LOOK_EVERY_SECONDS)

    def _connect(self) -> Page:
        port = self._mado.port
        cookie = f"Cookie: {cookie_of(self._browser)}\r\nOrigin: {self._mado.url}\r\n"
        page = connect(port, offer=cookie)
        self.sockets += 1
        page.say(json.dumps({"subscribe": [f"case:{number}" for number in self._cursors]}))
        return page

    def _follow(self, page: Page) -> None:
        waiting: set[int] = set()
        while not self._stopping.is_set():
            if not waiting or not page.is_silent():
                self._listen(page, waiting)
            elif self._pull(number := min(waiting)):
                waiting.discard(number)
        page.sock.close()

    def _listen(self, page: Page, waiting: set[int]) -> None:
        try:
            frame = page.read(LOOK_EVERY_SECONDS)
        except TimeoutError:
            return
        if frame is None or frame.opcode != TEXT:
            raise ConnectionError("the socket was closed")
        told = json.loads(frame.payload)
        if told["type"] == "subscribed":
            waiting |= set(self._cursors)
        for topic in told.get("topics", ()):
            if topic.startswith("case:"):
                waiting.add(int(topic.removeprefix("case:")))

    def _pull(self, number: int) -> bool:
        """Whether the conversation is up to date now."""
        address = f"{self._mado.url}/cases/{number}/messages?since={self._cursors[number]}"
        try:
            answer = self._browser.get(
                address, headers={"HX-Request": "true"}, timeout=PATIENCE_SECONDS
            )
        except requests.RequestException as problem:
            raise ConnectionError("the pull was cut") from problem
        if answer.status_code == 503:
            self._stopping.wait(LOOK_EVERY_SECONDS)
            return False
        stands = CURSOR.search(answer.text)
        if answer.status_code != 200 or stands is None:
            self.troubles.append(f"{answer.status_code} {answer.url}: {answer.text[:300]!r}")
            return True
        for state, id_, bubble in (
            (one[1], one[2], one[0]) for one in BUBBLE.finditer(answer.text)
        ):
            if said := TOLD.search(bubble):
                self._bubbles[int(id_)] = (said[0], state or "")
        self._cursors[number] = int(stands[1])
        return not stands[2]

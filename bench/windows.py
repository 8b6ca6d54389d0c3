"""Open pages that do what a browser does: hear by their socket what changed, and fetch that.

Each window shows one chat and, where asked for, the lists beside it. A region has one request under
way; what changes meanwhile is one more, as in pulls.js and lists.js.
"""

import json
import re
import socket
import time
from collections.abc import Iterable
from selectors import EVENT_READ, DefaultSelector

from bench import load
from bench.beside import Beside
from bench.servers import Server
from bench.sockets import Page

LISTS = {"chats": "/chats/list?tab=mine", "responses": "/live/responses"}
_CURSOR = re.compile(rb'data-cursor="(\d+)"')
_SAID = re.compile(rb"Text-(\d+)-of-the-bench")


class Windows(Beside):
    """A thread that keeps windows up to date; `arrived` is when each text was in one first."""

    def __init__(self, windows: Iterable["Window"], *, renewed_every: float = float("inf")) -> None:
        super().__init__()
        self.windows = list(windows)
        self.arrived: dict[int, float] = {}
        self.fetches = 0
        self._selector = DefaultSelector()
        self._renewed_every = renewed_every

    def begin(self) -> None:
        for window in self.windows:
            self._open(window)

    def finish(self) -> None:
        for window in self.windows:
            self._close(window)
        self._selector.close()

    def run(self) -> None:
        renewed_at = time.perf_counter()
        while not self.is_over.is_set():
            for key, _ in self._selector.select(0.1):
                key.data()
            if time.perf_counter() - renewed_at > self._renewed_every:
                renewed_at = time.perf_counter()
                self._renew()

    def _renew(self) -> None:
        """Somebody goes on to another page: the oldest is closed and opened again."""
        window = self.windows.pop(0)
        self.windows.append(window)
        self._close(window)
        self._open(window)

    def _open(self, window: "Window") -> None:
        socket = window.open()
        self._selector.register(socket, EVENT_READ, lambda: self._hear(window))

    def _close(self, window: "Window") -> None:
        for region in window.regions:
            self._hang_up(region)
        self._selector.unregister(window.socket.sock)
        window.socket.sock.close()

    def _hear(self, window: "Window") -> None:
        for region in window.changed():
            region.is_due = True
            if not region.is_asking:
                self._ask(region)

    def _ask(self, region: "Region") -> None:
        if region.line is None or not region.line.is_fresh:
            self._hang_up(region)
            region.line = load.Line(region.window.port)
            self._selector.register(region.line.sock, EVENT_READ, lambda: self._answered(region))
        region.is_due, region.is_asking = False, True
        region.line.ask(region.window.request(region.path))

    def _answered(self, region: "Region") -> None:
        if not region.is_asking:
            return self._hang_up(region)  # it was kept long enough
        answer = region.line.hear()
        if answer is None:
            return None
        self.fetches += 1
        region.is_asking = False
        if answer.startswith(b"HTTP/1.1 503"):
            region.is_due = True  # the page's next try
        elif not answer.startswith(b"HTTP/1.1 200"):
            raise load.UnexpectedAnswer(f"{region.path}: {answer[:300]!r}")
        elif region.is_thread:
            self._note(region.window, answer)
        if region.is_due:
            self._ask(region)

    def _note(self, window: "Window", answer: bytes) -> None:
        window.cursor = int(_CURSOR.findall(answer)[0])
        moment = time.perf_counter()
        for number in _SAID.findall(answer):
            self.arrived.setdefault(int(number), moment)

    def _hang_up(self, region: "Region") -> None:
        if region.line is not None:
            self._selector.unregister(region.line.sock)
            region.line.sock.close()
            region.line, region.is_asking = None, False


class Window:
    """One page that shows a chat and, beside it, these lists; `cursor` is what it knows already."""

    def __init__(self, port: int, cookie: str, case: int, lists: Iterable[str]) -> None:
        self.port, self.cookie, self.case = port, cookie, case
        self.regions = [Region(self, topic) for topic in (f"case:{case}", *lists)]

    def open(self) -> socket.socket:
        """Load the page, and connect."""
        shown = load.run(self.port, [self.request(f"/chats/{self.case}")], connections=1).body
        self.cursor = int(_CURSOR.findall(shown)[0])
        self.socket = Page(self.port, self.cookie)
        self.socket.say({"subscribe": [region.topic for region in self.regions]})
        return self.socket.sock

    def request(self, path: str) -> bytes:
        return load.get(self.port, path, cookie=self.cookie, HX_Request="true")

    def changed(self) -> Iterable["Region"]:
        """The regions of which the socket says that they changed."""
        self.socket.read()
        told = [json.loads(text) for _, text in self.socket.texts]
        self.socket.texts.clear()
        topics = {topic for one in told for topic in one.get("topics", ())}
        return [region for region in self.regions if region.topic in topics]


class Region:
    """A part of a window that fetches itself."""

    def __init__(self, window: Window, topic: str) -> None:
        self.window, self.topic = window, topic
        self.is_thread = topic not in LISTS
        self.is_asking = self.is_due = False
        self.line: load.Line | None = None

    @property
    def path(self) -> str:
        if not self.is_thread:
            return LISTS[self.topic]
        return f"/cases/{self.window.case}/messages?since={self.window.cursor}&oldest=0"


def of(server: Server, count: int, *, lists: Iterable[str] = ()) -> list[Window]:
    """Windows of those who have taken the chats, each with one of their own."""
    cookies, chats = server.seeded["cookies"][-server.seeded["colleagues"] :], server.seeded["chats"]
    return [
        Window(server.port, cookies[n % len(cookies)], chats[n % len(chats)], lists)
        for n in range(count)
    ]

"""Texts of customers at a steady rate, whatever the server does meanwhile.

An answer's wait counts from the moment at which its request was due, so that a server that holds
everybody up doesn't hide it by being asked less. What is refused with a 503 is posted again, as LINE
does, and the wait goes on.
"""

import itertools
import selectors
import time
from collections.abc import Iterator

from bench import load, posts
from bench.beside import Beside
from bench.servers import Server

CONNECTIONS = 256


class Steady(Beside):
    """A thread that posts `rate` texts a second to chats that are known, each to the next of `users`.

    Each text says its number: `sent[number]` is when it was due, `waits` what its answer took.
    """

    def __init__(self, server: Server, *, rate: float) -> None:
        super().__init__()
        self._server, self._every = server, 1 / rate
        self._users = posts.known_users(server.seeded["active"])
        self.sent: dict[int, float] = {}
        self.waits: list[float] = []
        self.refused = 0
        self._idle: list[load.Line] = []
        self._busy: dict[load.Line, tuple[float, bytes]] = {}

    def run(self) -> None:
        with selectors.DefaultSelector() as self._selector:
            for number, due in enumerate(self._dues(), 1):
                self._hear_until(due)
                self._post(number, due)
            self._hear_until(time.perf_counter() + load.DEADLINE, until_quiet=True)

    def _dues(self) -> Iterator[float]:
        began = time.perf_counter()
        moments = (began + number * self._every for number in itertools.count())
        return itertools.takewhile(lambda _: not self.is_over.is_set(), moments)

    def _post(self, number: int, due: float) -> None:
        line = self._kept() or self._connected()
        self.sent[number] = due
        request = posts.text(next(self._users), said(number), number, port=self._server.port)
        self._busy[line] = due, request
        line.ask(request)

    def _kept(self) -> load.Line | None:
        while self._idle:
            if self._idle[-1].is_fresh:
                return self._idle.pop()
            self._forget(self._idle[-1])
        return None

    def _connected(self) -> load.Line:
        if len(self._busy) >= CONNECTIONS:
            raise load.UnexpectedAnswer("the server is too slow for this rate")
        line = load.Line(self._server.port)
        self._selector.register(line.sock, selectors.EVENT_READ, line)
        return line

    def _hear_until(self, by: float, *, until_quiet: bool = False) -> None:
        while (left := by - time.perf_counter()) > 0 and (self._busy or not until_quiet):
            for key, _ in self._selector.select(left):
                self._hear(key.data)

    def _hear(self, line: load.Line) -> None:
        if line not in self._busy:  # kept for nothing: the server has closed it
            return self._forget(line)
        answer = line.hear()
        if answer is None:
            return
        due, request = self._busy[line]
        if answer.startswith(b"HTTP/1.1 503"):
            self.refused += 1
            return line.ask(request)
        if not answer.startswith(b"HTTP/1.1 200"):
            raise load.UnexpectedAnswer(f"{answer[:300]!r}")
        del self._busy[line]
        self.waits.append(time.perf_counter() - due)
        self._idle.append(line)

    def _forget(self, line: load.Line) -> None:
        self._selector.unregister(line.sock)
        self._idle.remove(line)
        line.sock.close()


def said(number: int) -> str:
    """The text of this number."""
    return f"Text-{number}-of-the-bench"

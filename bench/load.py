"""A closed loop of requests over kept connections: the next one goes out when an answer is in.

Requests are bytes made beforehand, and one thread drives all connections, so that the measuring
process costs little beside the measured one. It refuses to measure a server that gives other
answers than the expected one.
"""

import re
import selectors
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

CONNECTIONS = 8
DEADLINE = 120.0
#: Less than gunicorn's `keepalive`: a connection that just then ends would lose a request.
KEPT_SECONDS = 3.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END = b"\r\n\r\n"


@dataclass
class Run:
    """What came back: how many answers, in how many seconds, and each one's wait."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    body: bytes = b""

    @property
    def count(self) -> int:
        return len(self.waits)

    @property
    def rate(self) -> float:
        return self.count / self.seconds


class UnexpectedAnswer(Exception):
    """The server did not do what is to be measured."""


class Line:
    """One kept connection and the request it waits for."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.began = 0.0

    @property
    def is_fresh(self) -> bool:
        """Whether the server still keeps it, for sure: it says when an answer is the last one."""
        is_last = b"\r\nconnection: close" in self.received.partition(_END)[0].lower()
        return not is_last and time.perf_counter() - self.began < KEPT_SECONDS

    def ask(self, request: bytes) -> None:
        self.received = b""
        self.began = time.perf_counter()
        self.sock.sendall(request)

    def hear(self) -> bytes | None:
        """The whole answer once it is there."""
        more = self.sock.recv(262_144)
        if not more:
            raise UnexpectedAnswer("the server closed a connection in the middle")
        self.received += more
        head, end, body = self.received.partition(_END)
        length = _LENGTH.search(head)
        if not end or length is None or len(body) < int(length[1]):
            return None
        return self.received


def run(
    port: int, requests: Sequence[bytes], *, connections: int = CONNECTIONS, expect: int = 200
) -> Run:
    """Send all requests; raise UnexpectedAnswer unless each gets this status."""
    result = Run()
    left = iter(requests)
    began = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for request in list(islice(left, connections)):
            line = Line(port)
            selector.register(line.sock, selectors.EVENT_READ, line)
            line.ask(request)
        while selector.get_map():
            ready = selector.select(DEADLINE)
            if not ready:
                raise UnexpectedAnswer("the server is silent")
            for key, _ in ready:
                _turn(key.data, left, selector, result)
    result.seconds = time.perf_counter() - began
    if set(result.statuses) != {expect}:
        raise UnexpectedAnswer(f"answers: {dict(result.statuses)}, the last: {result.body[:300]!r}")
    return result


def _turn(line: Line, left, selector: selectors.BaseSelector, result: Run) -> None:
    answer = line.hear()
    if answer is None:
        return
    result.waits.append(time.perf_counter() - line.began)
    result.statuses[int(answer[9:12])] += 1
    result.body = answer.partition(_END)[2]
    request = next(left, None)
    if request is None:
        selector.unregister(line.sock)
        line.sock.close()
    else:
        line.ask(request)


def get(port: int, path: str, *, cookie: str = "", **headers: str) -> bytes:
    """The bytes of a GET request."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    cookie = f"Cookie: {cookie}\r\n" if cookie else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{cookie}{more}\r\n".encode()

"""Many open pages as the server sees them: websockets that listen, answer pings and note arrivals."""

import json
import os
import resource
import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterable

TEXT, CLOSE, PING = 1, 8, 9
DEADLINE = 30.0


class Page:
    """One websocket; `texts` holds what arrived since it was last emptied, each with its moment."""

    def __init__(self, port: int, cookie: str = "", path: str = "/live") -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        self.received = bytearray()
        self.texts: list[tuple[float, bytes]] = []
        cookie = f"Cookie: {cookie}\r\n" if cookie else ""
        self.sock.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
            f"{cookie}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self.received:
            more = self.sock.recv(4096)
            if not more:
                raise ConnectionError(bytes(self.received))
            self.received += more
        head, _, rest = bytes(self.received).partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(head)
        self.received = bytearray(rest)

    def say(self, message: object) -> None:
        self._send(TEXT, json.dumps(message).encode())

    def read(self) -> None:
        """Take what has arrived."""
        more = self.sock.recv(262_144)
        if not more:
            raise ConnectionError("the server closed a websocket")
        self.received += more
        moment = time.perf_counter()
        while frame := self._frame():
            opcode, payload = frame
            if opcode == TEXT:
                self.texts.append((moment, payload))
            elif opcode == PING:
                self._send(10, payload)
            elif opcode == CLOSE:
                raise ConnectionError(f"the server closed a websocket: {payload!r}")

    def _send(self, opcode: int, payload: bytes) -> None:
        mask = os.urandom(4)
        body = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self.sock.sendall(bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + body)

    def _frame(self) -> tuple[int, bytes] | None:
        data, start = self.received, 2
        if len(data) < 2:
            return None
        size = data[1] & 0x7F
        if size == 126 and len(data) >= 4:
            size, start = struct.unpack_from("!H", data, 2)[0], 4
        elif size == 127 and len(data) >= 10:
            size, start = struct.unpack_from("!Q", data, 2)[0], 10
        elif size > 125:
            return None
        if len(data) < start + size:
            return None
        frame = data[0] & 0x0F, bytes(data[start : start + size])
        del data[: start + size]
        return frame


class Crowd:
    """Open pages that are read together."""

    def __init__(self, pages: Iterable[Page]) -> None:
        self.pages = list(pages)
        self._selector = selectors.DefaultSelector()
        for page in self.pages:
            self._selector.register(page.sock, selectors.EVENT_READ, page)

    def listen(self, seconds: float) -> None:
        """Read whatever comes within these seconds."""
        self._read_until(lambda: False, time.perf_counter() + seconds)

    def listen_until(self, is_over: Callable[[], bool]) -> None:
        """Read and forget whatever comes, until told that it is over."""
        while not is_over():
            self.listen(0.1)
            for page in self.pages:
                page.texts.clear()

    def arrivals(
        self, began: float, wanted: Callable[[bytes], bool]
    ) -> tuple[list[float], list[bytes]]:
        """How long after `began` each page got the wanted text, and each one's text."""
        first: dict[int, tuple[float, bytes]] = {}

        def are_all_there() -> bool:
            for page in self.pages:
                for moment, found in page.texts:
                    if wanted(found):
                        first.setdefault(id(page), (moment - began, found))
                page.texts.clear()
            return len(first) == len(self.pages)

        if not self._read_until(are_all_there, time.perf_counter() + DEADLINE):
            raise TimeoutError(f"only {len(first)} of {len(self.pages)} pages heard of it")
        waits, texts = zip(*first.values(), strict=True)
        return list(waits), list(texts)

    def close(self) -> None:
        self._selector.close()
        for page in self.pages:
            page.sock.close()

    def _read_until(self, is_enough: Callable[[], bool], by: float) -> bool:
        while (left := by - time.perf_counter()) > 0:
            ready = self._selector.select(left)
            for key, _ in ready:
                key.data.read()
            if ready and is_enough():
                return True
        return False


def allow_many() -> None:
    """As many open pages as the system lets this process have descriptors."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

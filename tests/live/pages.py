"""A websocket client that does exactly what a test tells it to, wrong things included."""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
DEADLINE = 5.0


@dataclass
class Frame:
    opcode: int
    payload: bytes

    @property
    def code(self) -> int:
        return struct.unpack("!H", self.payload[:2])[0]


def masked(opcode: int, payload: bytes, *, first: int | None = None) -> bytes:
    head = bytes([0x80 | opcode if first is None else first])
    size = len(payload)
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += bytes([0x80 | 126]) + struct.pack("!H", size)
    else:
        head += bytes([0x80 | 127]) + struct.pack("!Q", size)
    key = os.urandom(4)
    stream = key * (size // 4 + 1)
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(stream[:size], "big")
    return head + key + mixed.to_bytes(size, "big")


@dataclass
class Page:
    """The far end of one websocket: `answers_pings` is what a living browser does."""

    sock: socket.socket
    answers_pings: bool = True
    received: bytearray = field(default_factory=bytearray)
    handshake: str = ""

    def say(self, text: str) -> None:
        self.sock.sendall(masked(TEXT, text.encode()))

    def read(self, within: float = DEADLINE) -> Frame | None:
        """The next frame but pings; None at the end of the stream."""
        by = time.monotonic() + within
        while True:
            frame = self._next(by)
            if frame is None or frame.opcode != PING:
                return frame
            if self.answers_pings:
                self.sock.sendall(masked(PONG, frame.payload))

    def read_text(self) -> str:
        frame = self.read()
        assert frame is not None and frame.opcode == TEXT, frame
        return frame.payload.decode()

    def read_close(self) -> int:
        frame = self.read()
        assert frame is not None and frame.opcode == CLOSE, frame
        return frame.code

    def is_silent(self) -> bool:
        """Whether nothing at all has arrived that was not read yet."""
        return not self.received and not select.select([self.sock], [], [], 0)[0]

    def _next(self, by: float) -> Frame | None:
        while (frame := self._parsed()) is None:
            self.sock.settimeout(max(0.01, by - time.monotonic()))
            try:
                data = self.sock.recv(65536)
            except ConnectionError:
                data = b""
            if not data:
                return None
            self.received += data
        return frame

    def _parsed(self) -> Frame | None:
        data = self.received
        if len(data) < 2:
            return None
        size, start = data[1], 2
        if size == 126 and len(data) >= 4:
            size, start = struct.unpack("!H", data[2:4])[0], 4
        elif size == 127 and len(data) >= 10:
            size, start = struct.unpack("!Q", data[2:10])[0], 10
        elif size > 125:
            return None
        if len(data) < start + size:
            return None
        frame = Frame(data[0] & 0x0F, bytes(data[start : start + size]))
        del data[: start + size]
        return frame


def connect(port: int, path: str = "/live", *, offer: str = "") -> Page:
    """Handshake; AssertionError with the answer when it isn't a 101."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
    sock.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offer}\r\n".encode()
    )
    answer = b""
    while b"\r\n\r\n" not in answer:
        more = sock.recv(4096)
        assert more, answer
        answer += more
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert b" 101 " in head.split(b"\r\n")[0], head
    return Page(sock, received=bytearray(rest), handshake=head.decode())


def eventually(what: Callable[[], object], within: float = DEADLINE) -> None:
    by = time.monotonic() + within
    while not what():
        assert time.monotonic() < by, "it did not happen in time"
        select.select([], [], [], 0.005)

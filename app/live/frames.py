"""The websocket frames the hub writes and reads, as bytes; no sockets here.

Frames to a browser are written by hand: they carry neither mask nor compression, so one
encoding serves every socket. Frames from a browser are read by wsproto, which checks the
protocol; this module adds our own limits. It refuses binary messages, messages over
MAX_TEXT bytes, and ever keeping more than that of an unfinished one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from wsproto.frame_protocol import CloseReason, FrameProtocol, Opcode, ParseFailed

MAX_TEXT = 4096
MAX_REASON = 123

TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A


class Violation(Exception):
    """The other side broke the protocol or our limits; `code` is what to close with."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = int(code)


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Ping:
    payload: bytes


@dataclass(frozen=True, slots=True)
class Pong:
    pass


@dataclass(frozen=True, slots=True)
class Close:
    code: int


Said = Text | Ping | Pong | Close


def text(message: str) -> bytes:
    return _frame(TEXT, message.encode())


def close(code: int, reason: str = "") -> bytes:
    """`reason` is cut to the 123 bytes a close frame has room for, at a whole character."""
    if code == CloseReason.NO_STATUS_RCVD:
        return _frame(CLOSE, b"")
    cut = reason.encode()[:MAX_REASON].decode(errors="ignore")
    return _frame(CLOSE, struct.pack("!H", code) + cut.encode())


def ping() -> bytes:
    return _frame(PING, b"")


def pong(payload: bytes) -> bytes:
    return _frame(PONG, payload)


def _frame(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", first, size) + payload
    if size < 65536:
        return struct.pack("!BBH", first, 126, size) + payload
    return struct.pack("!BBQ", first, 127, size) + payload


@dataclass(slots=True)
class Inbound:
    """What one socket has sent so far of the message it is sending."""

    protocol: FrameProtocol = field(default_factory=lambda: FrameProtocol(False, []))
    parts: list[str] = field(default_factory=list)
    size: int = 0

    def feed(self, data: bytes) -> Iterator[Said]:
        """Yield what `data` completes; raise Violation and be useless from then on."""
        self.protocol.receive_bytes(data)
        try:
            for frame in self.protocol.received_frames():
                yield from self._taken(frame.opcode, frame.payload, frame.message_finished)
        except ParseFailed as error:
            raise Violation(error.code) from None

    def _taken(
        self, opcode: Opcode, payload: bytes | str | tuple[int, str], finished: bool
    ) -> Iterator[Said]:
        match opcode, payload:
            case Opcode.TEXT, str():
                yield from self._collected(payload, finished)
            case Opcode.PING, bytes():
                yield Ping(payload)
            case Opcode.PONG, _:
                yield Pong()
            case Opcode.CLOSE, (code, _):
                yield Close(int(code))
            case _:
                raise Violation(CloseReason.UNSUPPORTED_DATA)

    def _collected(self, part: str, finished: bool) -> Iterator[Text]:
        self.size += len(part.encode())
        if self.size > MAX_TEXT:
            raise Violation(CloseReason.MESSAGE_TOO_BIG)
        # Empty fragments are legal and free to send; keeping them would not be free.
        if part:
            self.parts.append(part)
        if finished:
            whole = "".join(self.parts)
            self.parts.clear()
            self.size = 0
            yield Text(whole)

"""Open websockets: who is behind each, and what it still has to be told.

A peer never waits. What the network doesn't take at once stays in a bounded buffer; one
that falls further behind than that is too slow, and the hub drops it.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections import deque
from collections.abc import Hashable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from app.live.frames import Inbound

MAX_UNSENT_BYTES = 256 * 1024
MAX_UNSENT_FRAMES = 100
#: The system's own buffer, which otherwise grows to megabytes for a reader that sleeps.
SYSTEM_BUFFER = 64 * 1024


@dataclass(eq=False)
class Client:
    """Who sits behind one websocket, and what the application knows of their rights: `audience` is what
    they may see, `offered` what they are told of first. Replace `topics`, don't change it in place: other
    threads look at it. `memory` is the application's own, one entry per purpose."""

    agent_id: int
    session_id: str
    audience: Hashable
    topics: frozenset[str] | set[str] = frozenset()
    memory: dict[str, object] = field(default_factory=dict)
    offered: Hashable = None


class Peer:
    """`is_open` ends with the first close frame, ours or theirs; `is_gone` with the socket."""

    __slots__ = (
        "answered",
        "asked",
        "begun",
        "client",
        "discarded",
        "inbound",
        "is_gone",
        "is_open",
        "left",
        "sock",
        "spoke",
        "unsent",
        "unsent_bytes",
    )

    def __init__(self, sock: socket.socket, client: Client, left: threading.Event | None) -> None:
        self.sock = sock
        self.client = client
        self.left = left
        self.inbound = Inbound()
        self.unsent: deque[memoryview] = deque()
        self.unsent_bytes = 0
        self.begun = False
        self.is_open = True
        self.is_gone = False
        self.spoke = True
        self.asked = self.answered = self.discarded = 0
        _tune(sock)

    @property
    def is_too_slow(self) -> bool:
        return self.unsent_bytes > MAX_UNSENT_BYTES or len(self.unsent) > MAX_UNSENT_FRAMES

    @property
    def unanswered_count(self) -> int:
        # Two counters with one writer each: the hub's thread asks, the listener answers.
        return self.asked - self.answered

    def passes(self, frame: bytes) -> bool:
        """Whether all of it could be sent at once; what could not is queued. OSError: it is broken."""
        sent = 0
        if not self.unsent:
            with suppress(BlockingIOError, InterruptedError):
                sent = self.sock.send(frame)
            if sent == len(frame):
                return True
        self.queue(frame[sent:])
        self.begun = self.begun or sent > 0
        return False

    def queue(self, frame: bytes) -> None:
        self.unsent.append(memoryview(frame))
        self.unsent_bytes += len(frame)

    def flush(self) -> bool:
        """Send what the network takes; True when nothing is left. OSError: it is broken."""
        while self.unsent:
            try:
                sent = self.sock.send(self.unsent[0])
            except (BlockingIOError, InterruptedError):
                return False
            self._forget(sent)
        return True

    def _forget(self, sent: int) -> None:
        self.unsent_bytes -= sent
        rest = self.unsent[0][sent:]
        self.begun = len(rest) > 0
        if self.begun:
            self.unsent[0] = rest
        else:
            self.unsent.popleft()

    def forget_unsent(self) -> None:
        """Keep only the frame that is half on its way: cutting it would garble the next."""
        begun = self.unsent[0] if self.begun else None
        self.unsent.clear()
        self.unsent_bytes = 0
        if begun is not None:
            self.queue(begun)

    def hang_up(self, *, at_once: bool = False) -> None:
        """Give the socket back; `at_once` also throws away what the system still holds."""
        self.is_open = False
        self.is_gone = True
        with suppress(OSError):
            if at_once:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif self.left is not None:
                # Another server holds a copy of this socket: closing ours tells nobody.
                self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        if self.left is not None:
            self.left.set()


class Present:
    """The open peers, for any thread to look at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._peers: dict[Peer, None] = {}

    def __bool__(self) -> bool:
        return bool(self._peers)

    def all(self) -> list[Peer]:
        with self._lock:
            return list(self._peers)

    def add(self, peer: Peer) -> None:
        with self._lock:
            self._peers[peer] = None

    def remove(self, peers: Iterable[Peer]) -> None:
        """From now on nothing is sent to them but the goodbye."""
        with self._lock:
            for peer in peers:
                peer.is_open = False
                self._peers.pop(peer, None)


def _tune(sock: socket.socket) -> None:
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SYSTEM_BUFFER)
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

"""The hub's thread: it alone reads, writes and closes the sockets.

Others give it orders, which it carries out in the order they came. One socket's trouble is
its own: whatever arrives on it, the thread and the other sockets go on.
"""

from __future__ import annotations

import logging
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from app.live import frames
from app.live.peers import Peer, Present

log = logging.getLogger(__name__)

PING_SECONDS = 25.0
CLOSE_SECONDS = 2.0
READ_BYTES = 4096
#: What a page may still pour in after we said goodbye, before we stop listening politely.
MAX_DISCARDED = 4 * 1024 * 1024

POLICY_VIOLATION = 1008


class Loop:
    def __init__(
        self,
        present: Present,
        hear: Callable[[Peer, str], bool],
        *,
        ping_seconds: float,
        close_seconds: float,
    ) -> None:
        self._present = present
        self._hear = hear
        self._ping_seconds = ping_seconds
        self._close_seconds = close_seconds
        self._closing: dict[Peer, float] = {}
        self._orders: deque[Callable[[], None]] = deque()
        self._is_woken = False
        self._next_ping = 0.0
        self._stop_by: float | None = None

    def start(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._bell, self._cord = socket.socketpair()
        self._bell.setblocking(False)
        self._cord.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._run, name="live-hub", daemon=True)
        self._thread.start()

    def join(self, within: float) -> None:
        self._thread.join(within)

    # Orders, from any thread.

    def watch(self, peer: Peer) -> None:
        self._order(partial(self._guarded, peer, partial(self._watch, peer)))

    def push(self, frame: bytes, peers: list[Peer]) -> None:
        self._order(partial(self._push, frame, peers))

    def say_goodbye(self, frame: bytes, peers: list[Peer]) -> None:
        self._order(partial(self._say_goodbye, frame, peers))

    def stop(self, *, by: float) -> None:
        """End as soon as nobody is left, and at the monotonic time `by` with whoever is."""
        self._order(partial(setattr, self, "_stop_by", by))

    def _order(self, order: Callable[[], None]) -> None:
        self._orders.append(order)
        # A ring that is already under way will find this order too.
        if not self._is_woken:
            self._is_woken = True
            with suppress(OSError):
                self._cord.send(b"!")

    # The thread.

    def _run(self) -> None:
        while self._stop_by is None or (self._peers() and time.monotonic() < self._stop_by):
            for key, mask in self._selector.select(self._patience()):
                if key.data is None:
                    self._obey()
                else:
                    self._guarded(key.data, partial(self._serve, key.data, mask))
            self._keep_time(time.monotonic())
        self._leave()

    def _peers(self) -> list[Peer]:
        return [key.data for key in self._selector.get_map().values() if key.data is not None]

    def _patience(self) -> float | None:
        """Seconds until something is due; None, when only an event can change anything."""
        due = list(self._closing.values())
        if self._present:
            due.append(self._next_ping)
        if self._stop_by is not None:
            due.append(self._stop_by)
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _obey(self) -> None:
        with suppress(BlockingIOError):
            self._bell.recv(READ_BYTES)
        self._is_woken = False
        while self._orders:
            self._orders.popleft()()

    def _guarded(self, peer: Peer, act: Callable[[], None]) -> None:
        if peer.is_gone:
            return
        try:
            act()
        except OSError:
            self._drop(peer)
        except Exception:
            log.exception("A websocket was dropped after an unexpected error")
            self._drop(peer)

    def _watch(self, peer: Peer) -> None:
        now = time.monotonic()
        if self._next_ping <= now:
            self._next_ping = now + self._ping_seconds
        self._selector.register(peer.sock, selectors.EVENT_READ, peer)

    def _leave(self) -> None:
        for peer in self._peers():
            self._drop(peer)
        self._selector.close()
        self._bell.close()
        self._cord.close()

    # Writing.

    def _push(self, frame: bytes, peers: list[Peer]) -> None:
        for peer in peers:
            if peer.is_open:
                self._guarded(peer, partial(self._tell, peer, frame))

    def _tell(self, peer: Peer, frame: bytes) -> None:
        # Nearly always the network takes it at once, and there is nothing to remember.
        if not peer.passes(frame) or peer in self._closing:
            self._flush(peer)

    def _flush(self, peer: Peer) -> None:
        is_done = peer.flush()
        if peer.is_too_slow:
            log.info("A websocket of agent %s reads too slowly; dropped", peer.client.agent_id)
            return self._drop(peer, at_once=True)
        if is_done and peer in self._closing:
            # The close frame is out. Ending our half makes the other side end theirs.
            peer.sock.shutdown(socket.SHUT_WR)
        wanted = selectors.EVENT_READ | (0 if is_done else selectors.EVENT_WRITE)
        if self._selector.get_key(peer.sock).events != wanted:
            self._selector.modify(peer.sock, wanted, peer)

    def _say_goodbye(self, frame: bytes, peers: list[Peer]) -> None:
        for peer in peers:
            if peer.is_gone or peer in self._closing:
                continue
            self._closing[peer] = time.monotonic() + self._close_seconds
            peer.forget_unsent()
            self._guarded(peer, partial(self._tell, peer, frame))

    # Reading.

    def _serve(self, peer: Peer, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            self._flush(peer)
        if mask & selectors.EVENT_READ and not peer.is_gone:
            self._read(peer)

    def _read(self, peer: Peer) -> None:
        try:
            received = peer.sock.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        if not received:
            return self._drop(peer)
        peer.spoke = True
        if peer.is_open:
            return self._understand(peer, received)
        # Closing with unread bytes would reset the connection and lose our close frame.
        peer.discarded += len(received)
        if peer.discarded > MAX_DISCARDED:
            self._drop(peer, at_once=True)

    def _understand(self, peer: Peer, received: bytes) -> None:
        try:
            for said in peer.inbound.feed(received):
                self._answer(peer, said)
                if not peer.is_open:
                    return
        except frames.Violation as violation:
            self._dismiss(peer, violation.code)

    def _answer(self, peer: Peer, said: frames.Said) -> None:
        match said:
            case frames.Text(text):
                if not self._hear(peer, text):
                    self._dismiss(peer, POLICY_VIOLATION)
            case frames.Ping(payload):
                self._tell(peer, frames.pong(payload))
            case frames.Close(code):
                self._dismiss(peer, code)

    def _dismiss(self, peer: Peer, code: int) -> None:
        self._present.remove([peer])
        self._say_goodbye(frames.close(code), [peer])

    # Time.

    def _keep_time(self, now: float) -> None:
        for peer in [peer for peer, by in self._closing.items() if by <= now]:
            self._drop(peer)
        if self._present and self._next_ping <= now:
            self._next_ping = now + self._ping_seconds
            for peer in self._present.all():
                self._guarded(peer, partial(self._ping, peer))

    def _ping(self, peer: Peer) -> None:
        if not peer.spoke:
            return self._drop(peer, at_once=True)
        peer.spoke = False
        self._tell(peer, frames.ping())

    def _drop(self, peer: Peer, *, at_once: bool = False) -> None:
        if peer.is_gone:
            return
        self._present.remove([peer])
        self._closing.pop(peer, None)
        with suppress(KeyError, ValueError):
            self._selector.unregister(peer.sock)
        peer.hang_up(at_once=at_once)

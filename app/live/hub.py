"""The hub: one thread that owns every open websocket of this process.

A request thread does the handshake and gives the socket away (`adopt`); from then on an
open page costs a few kilobytes and no thread. Any thread may `send`: the frame is encoded
once and nobody ever waits for a slow reader, who is dropped and will reconnect.

It knows sockets and clients. It refuses to know Flask, the database, who may see what
(the caller decides with `to`) and what a message means (`on_text` is the application's).
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress

from app.live import frames, handoff
from app.live.listener import Listener
from app.live.loop import CLOSE_SECONDS, PING_SECONDS, Loop
from app.live.peers import Client, Peer, Present

__all__ = ["Client", "Hub", "stop_all"]

SERVICE_RESTART = 1012

#: The hubs of this process, for a server that is about to exit.
_hubs: weakref.WeakSet[Hub] = weakref.WeakSet()


def stop_all() -> None:
    """Close every socket of this process with 1012; the pages reconnect elsewhere."""
    for hub in list(_hubs):
        hub.stop()


class Hub:
    """`on_text(client, text)` is called in order, on one thread of its own."""

    def __init__(
        self, *, ping_seconds: float = PING_SECONDS, close_seconds: float = CLOSE_SECONDS
    ) -> None:
        self.on_text: Callable[[Client, str], None] | None = None
        self._lock = threading.Lock()
        self._is_stopped = False
        self._is_running = False
        self._present = Present()
        self._listener = Listener(self._heard)
        self._loop = Loop(
            self._present,
            self._listener.hear,
            ping_seconds=ping_seconds,
            close_seconds=close_seconds,
        )
        _hubs.add(self)

    def adopt(self, ws: handoff.Handshaken, *, client: Client) -> None:
        """Own `ws` from now on. Returns at once under gunicorn; elsewhere when it is gone."""
        left = None if handoff.can_detach(ws) else threading.Event()
        peer = Peer(handoff.take(ws), client, left)
        if not self._welcome(peer):
            with suppress(OSError):
                peer.sock.send(frames.close(SERVICE_RESTART))
            peer.hang_up()
        if left is not None:
            left.wait()

    def send(self, *texts: str, to: Callable[[Client], bool]) -> int:
        """Queue these for every client that `to` is true of; how many clients these are."""
        peers = self._those(to)
        if peers and texts:
            self._loop.push(b"".join(map(frames.text, texts)), peers)
        return len(peers)

    def close(self, *, to: Callable[[Client], bool], code: int, reason: str = "") -> int:
        """Close the clients that `to` is true of: not one more frame reaches them."""
        peers = self._those(to)
        self._present.remove(peers)
        if peers:
            self._loop.say_goodbye(frames.close(code, reason), peers)
        return len(peers)

    def clients(self) -> list[Client]:
        return [peer.client for peer in self._present.all()]

    def stop(self, *, within: float = 1.0) -> None:
        """Close everybody with 1012, give that `within` seconds to arrive, take nobody new."""
        with self._lock:
            self._is_stopped = True
        if self._is_running:
            self.close(to=lambda _: True, code=SERVICE_RESTART, reason="restarting")
            self._loop.stop(by=time.monotonic() + within)
            self._loop.join(within + 1.0)

    def _those(self, to: Callable[[Client], bool]) -> list[Peer]:
        return [peer for peer in self._present.all() if to(peer.client)]

    def _welcome(self, peer: Peer) -> bool:
        with self._lock:
            if self._is_stopped:
                return False
            if not self._is_running:
                # Not before the first socket: a thread doesn't survive the server's fork.
                self._loop.start()
                self._is_running = True
            self._present.add(peer)
        self._loop.watch(peer)
        return True

    def _heard(self, client: Client, text: str) -> None:
        if self.on_text is not None:
            self.on_text(client, text)

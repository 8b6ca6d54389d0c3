"""The thread on which the application hears what pages say.

It may ask the database, so it is not the hub's own; and it is only one, so that a page
can't say more at once than a request could.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from app.live.peers import Client, Peer

log = logging.getLogger(__name__)

MAX_UNANSWERED = 32


class Listener:
    def __init__(self, on_text: Callable[[Client, str], None]) -> None:
        self._on_text = on_text
        self._heard: queue.SimpleQueue[tuple[Peer, str]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def hear(self, peer: Peer, text: str) -> bool:
        """Take `text` to be answered; False when this page waits for too much already."""
        if peer.unanswered_count >= MAX_UNANSWERED:
            return False
        peer.asked += 1
        self._heard.put((peer, text))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="live-text", daemon=True)
            self._thread.start()
        return True

    def _run(self) -> None:
        while True:
            peer, text = self._heard.get()
            try:
                if peer.is_open:
                    self._on_text(peer.client, text)
            except Exception:
                log.exception("What a websocket said could not be handled")
            finally:
                peer.answered += 1

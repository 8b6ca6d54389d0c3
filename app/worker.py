"""The gunicorn worker: gthread of gunicorn 27 without its stalls, and with our drain.

What it changes, and why (measured with 16 threads on gunicorn 27.0.1):

- A new connection used to occupy a thread until its first byte, 5 s at most; 40 silent ones
  (browsers open some in advance) froze everybody for 25 s, and 40 that stop in the middle of
  a header for ever. Here the main loop collects the header; threads see whole ones only.
- The polite end of a connection used to wait up to 2 s on the main loop, one after another;
  20 clients that don't close froze everybody for 40 s. Here they wait beside each other.
- A websocket given to the hub leaves the count of connections as it found it.
- On SIGTERM what the application does beside requests comes to its end first, while requests
  are answered as ever: a reply whose provider is silent takes ten seconds or more, and callers would
  find the port closed for as long. Then everything that has reached the worker is answered,
  the system's queue included, what comes later is refused, and websockets end with 1012.

It refuses TLS (the proxy's work), and knows of the application only that it may have
websockets to close and something that runs beside requests.
"""

from __future__ import annotations

import errno
import os
import select
import selectors
import socket
import struct
import sys
import threading
import time
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn import http, util
from gunicorn.config import Config
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn, ThreadWorker

#: From the connection, or the first byte of a further request, to the end of the header.
HEADER_SECONDS = 10.0
MAX_HEADER_BYTES = 64 * 1024
#: How long one read of a body or one write of an answer may make no progress at all.
STALL_SECONDS = 30
#: How long a whole body may take: a byte now and then must not hold a thread for ever (T2).
BODY_SECONDS = 20.0
#: And how much longer for what did come, so that a film may take its minutes over a slow line.
SLOWEST_BYTES_A_SECOND = 32 * 1024
#: A body that is not there after this long is slow, and only half of the threads wait for those.
PROMPT_SECONDS = 0.25
#: How long a client may take to close after our last byte, and what it may still send.
LINGER_SECONDS = 2.0
LINGER_BYTES = 4 * 1024 * 1024
#: At the stop: how long a connection without a request is still listened to.
LAST_CALL_SECONDS = 0.5

END_OF_HEADER = b"\r\n\r\n"
READ_BYTES = 64 * 1024


class TimedUnreader(SocketUnreader):
    """Reads a body until its time is up; the application then sees a client that went away."""

    read_until = float("inf")

    def __init__(self, sock: socket.socket, places: threading.Semaphore | None = None) -> None:
        super().__init__(sock)
        self.places = places or threading.Semaphore()

    def chunk(self, size_hint: int | None = None) -> bytes:
        if time.monotonic() > self.read_until:
            raise TimeoutError("the body takes too long")
        received = super().chunk(size_hint) if self._is_prompt() else self._wait(size_hint)
        self.read_until += len(received) / SLOWEST_BYTES_A_SECOND
        return received

    def _is_prompt(self) -> bool:
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return bool(poll.poll(PROMPT_SECONDS * 1000))

    def _wait(self, size_hint: int | None) -> bytes:
        """Who sends slowly takes a place among the slow ones; without one it is sent away."""
        if not self.places.acquire(blocking=False):
            raise TimeoutError("too many bodies are slow")
        try:
            return super().chunk(size_hint)
        finally:
            self.places.release()


class Connection(TConn):
    """A connection whose request header is collected before a thread looks at it."""

    def __init__(self, worker: Worker, sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(worker.cfg, sock, client, server)
        self.worker = worker
        self.header = bytearray()
        self.lingered = 0
        stall = struct.pack("ll", STALL_SECONDS, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, stall)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, stall)

    @property
    def is_handed_over(self) -> bool:
        return self.sock.fileno() == -1

    def collect(self) -> bool | None:
        """Read what is there: True with a whole header, None before that, False for never."""
        try:
            received = self.sock.recv(READ_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            return False
        if not received:
            return False
        searched = max(0, len(self.header) - len(END_OF_HEADER))
        self.header += received
        if self.header.find(END_OF_HEADER, searched) >= 0:
            return True
        return None if len(self.header) <= MAX_HEADER_BYTES else self._refuse_header()

    def _refuse_header(self) -> bool:
        with suppress(OSError):
            util.write_error(self.sock, 431, "Request Header Fields Too Large", "")
        return False

    def give_header_to_parser(self) -> None:
        if self.parser is None:
            self.parser = http.get_parser(self.cfg, self.sock, self.client)
            self.parser.unreader = TimedUnreader(self.sock, self.worker.slow_places)
        self.parser.unreader.read_until = time.monotonic() + BODY_SECONDS
        self.parser.unreader.unread(bytes(self.header))
        self.header.clear()
        # Or gunicorn's thread would wait for the bytes that were read here.
        self.data_ready = True

    def close(self, graceful: bool = False) -> None:
        if graceful:
            self.worker.linger(self)
        else:
            super().close()


class Worker(ThreadWorker):
    lifeline: tuple[int, int] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lingering: deque[Connection] = deque()
        self.is_leaving = self.is_told_to_stop = False
        self.slow_places = threading.Semaphore(max(1, self.cfg.threads // 2))
        # A pipe whose one end only the master holds: it ends when the master does.
        Worker.lifeline = Worker.lifeline or os.pipe()

    @classmethod
    def check_config(cls, cfg: Config, log: Any) -> None:
        super().check_config(cfg, log)
        if cfg.is_ssl:
            raise RuntimeError("Mado's worker speaks plain HTTP: let the proxy do the TLS.")

    def run(self) -> None:
        ours, masters = Worker.lifeline
        os.close(masters)
        # A worker without a master would keep the port busy for a second longer.
        self.poller.register(ours, selectors.EVENT_READ, self._on_orphaned)
        super().run()

    def _on_orphaned(self, lifeline: int) -> None:
        self.poller.unregister(lifeline)
        self.alive = False

    def is_parent_alive(self) -> bool:
        self.alive = self.alive and super().is_parent_alive()
        return self.alive

    def call(self, name: str) -> None:
        """Call what the application left for its server under this name, if it did."""
        extensions = getattr(getattr(self, "wsgi", None), "extensions", {})
        if name in extensions:
            extensions[name]()

    # Connections come.

    def accept(self, listener: Any) -> bool:
        """Take one connection; False when there is none to take."""
        try:
            sock, address = listener.accept()
        except OSError as error:
            return self._is_refused(error)
        self.nr_conns += 1
        conn = Connection(self, sock, address, listener.getsockname())
        self._await_header(conn)
        self.poller.register(
            sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn)
        )
        return True

    def _is_refused(self, error: OSError) -> bool:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            # The loop asks again at its next turn; a raise would end every websocket.
            self.log.warning("No file descriptor left for a new connection: %s", error)
            self.set_accept_enabled(False)
        elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
            raise error
        return False

    def _await_header(self, conn: Connection) -> None:
        conn.timeout = time.monotonic() + (HEADER_SECONDS if self.alive else LAST_CALL_SECONDS)
        self.pending_conns.append(conn)

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """A kept-alive connection: its next request is collected like its first."""
        self.keepalived_conns.remove(conn)
        self._await_header(conn)
        self.poller.modify(
            client, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn)
        )
        self.on_pending_socket_readable(conn, client)

    def on_pending_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        is_whole = conn.collect()
        if is_whole is None:
            return
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        if is_whole:
            conn.give_header_to_parser()
            self.enqueue_req(conn)
        else:
            self.nr_conns -= 1
            conn.close(graceful=len(conn.header) > 0)

    # Connections go.

    def finish_request(self, conn: Connection, fs: Future) -> None:
        if conn.is_handed_over:
            self.nr_conns -= 1
            return
        super().finish_request(conn, fs)

    def linger(self, conn: Connection) -> None:
        """Close once the client has: unread bytes would reset what it is still reading."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
        except OSError:
            return conn.close()
        conn.timeout = time.monotonic() + LINGER_SECONDS
        self.lingering.append(conn)
        self.poller.register(
            conn.sock, selectors.EVENT_READ, partial(self.on_lingering_socket_readable, conn)
        )

    def on_lingering_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        try:
            received = client.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        conn.lingered += len(received)
        if not received or conn.lingered > LINGER_BYTES:
            self.lingering.remove(conn)
            self._part(conn)

    def murder_pending(self) -> None:
        super().murder_pending()
        now = time.monotonic()
        while self.lingering and self.lingering[0].timeout <= now:
            self._part(self.lingering.popleft())

    def _part(self, conn: Connection) -> None:
        self.poller.unregister(conn.sock)
        conn.close()

    # The stop.

    def handle_exit(self, sig: int, frame: Any) -> None:
        """The polite stop; on the main loop, because a signal handler can't begin a thread safely."""
        self.method_queue.defer(self._finish_beside)

    def _finish_beside(self) -> None:
        if not self.is_told_to_stop:
            self.is_told_to_stop = True
            threading.Thread(target=self._end_work, name="work-stop").start()

    def _end_work(self) -> None:
        try:
            self.call("stop_in_worker")
        finally:
            self.method_queue.defer(setattr, self, "alive", False)

    def handle_quit(self, sig: int, frame: Any) -> None:
        """The quick stop, on the main loop: gunicorn's own takes locks in the signal handler,
        and hangs when it interrupted their owner."""
        self.method_queue.defer(self._quit)

    def _quit(self) -> None:
        self.alive = False
        self.cfg.worker_int(self)
        sys.exit(0)

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive and not self.is_leaving:
            self.is_leaving = True
            self._take_the_last()
            threading.Thread(target=stop_websockets, name="live-stop").start()

    def _take_the_last(self) -> None:
        """Who is connected already gets an answer; who comes later is refused at once."""
        # Between the last accept and the close the system would still let somebody in, only
        # to be cut off: don't spend that moment waiting for the interpreter.
        sys.setswitchinterval(1e-5)
        for listener in self.sockets:
            while self.accept(listener):
                pass
            listener.close()

    def _cap_keepalive(self, deadline: float) -> None:
        super()._cap_keepalive(deadline)
        last_call = time.monotonic() + LAST_CALL_SECONDS
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, last_call)


def stop_websockets() -> None:
    """Close every websocket of this process with 1012 (pages reconnect on that)."""
    from app.live import stop_all

    stop_all()

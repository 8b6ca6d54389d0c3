"""The network between one browser and Mado, which may lose everything without telling anybody.

The browser takes it for a SOCKS5 proxy (RFC 1928), so that addresses stay what they are. Connections that
were open, or begun, while it loses everything never come back to life: nobody hears of their end either,
as behind a router that was restarted.
"""

import socket
import struct
import threading
from contextlib import suppress

READ_BYTES = 65536
IPV4, NAME, IPV6 = 1, 3, 4
ADDRESS_BYTES = {IPV4: 4, IPV6: 16}


class Road:
    """`proxy` is what Playwright's contexts take for one."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._is_losing = False
        self._alive: set[Way] = set()
        self._sockets: list[socket.socket] = []
        self.proxy = {"server": f"socks5://127.0.0.1:{self._listener.getsockname()[1]}"}
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_everything(self) -> None:
        with self._lock:
            self._is_losing = True
            for way in self._alive:
                way.is_dead = True
            self._alive.clear()

    def come_back(self) -> None:
        """For connections that are begun from now on."""
        with self._lock:
            self._is_losing = False

    def stop(self) -> None:
        for sock in (self._listener, *self._sockets):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with suppress(OSError):
            self._sockets.append(near)
            far = socket.create_connection(_asked_for(near))
            self._sockets.append(far)
            way = Way()
            with self._lock:
                way.is_dead = self._is_losing
                if not way.is_dead:
                    self._alive.add(way)
            near.sendall(struct.pack("!BBBBIH", 5, 0, 0, IPV4, 0, 0))
            threading.Thread(target=way.carry, args=(far, near), daemon=True).start()
            way.carry(near, far)


class Way:
    """One connection through it."""

    is_dead = False

    def carry(self, here: socket.socket, there: socket.socket) -> None:
        """Bytes, and in the end that it has ended."""
        with suppress(OSError):
            while data := here.recv(READ_BYTES):
                if not self.is_dead:
                    there.sendall(data)
        if not self.is_dead:
            with suppress(OSError):
                there.shutdown(socket.SHUT_WR)


def _asked_for(near: socket.socket) -> tuple[str, int]:
    """The client's two words: which ways to prove oneself it knows, and where it wants to go."""
    _, methods = _read(near, 2)
    _read(near, methods)
    near.sendall(b"\x05\x00")
    *_, kind = _read(near, 4)
    name = _read(near, ADDRESS_BYTES.get(kind) or _read(near, 1)[0])
    (port,) = struct.unpack("!H", _read(near, 2))
    if kind == NAME:
        return name.decode(), port
    return socket.inet_ntop(socket.AF_INET if kind == IPV4 else socket.AF_INET6, name), port


def _read(near: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = near.recv(count - len(data))
        if not more:
            raise ConnectionError("the browser left")
        data += more
    return data

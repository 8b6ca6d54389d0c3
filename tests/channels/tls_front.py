"""What stands between Mado and LINE and speaks TLS: it passes everything on, or fails in an ordered way."""

import socket
import ssl
import struct
import threading
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

READ_BYTES = 65536
# No call of a test takes longer; what hangs on purpose ends with the front.
PATIENCE_SECONDS = 10.0
PLAIN = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Front:
    """`https://localhost:port` before a server on loopback.

    `way` is good; cut or reset (after the client's first word), silent, plain (no TLS at all), shut (as
    soon as the handshake is over), or unanswered (the call is passed on, the answer is cut off).
    """

    def __init__(self, certificate: Path, behind: str) -> None:
        self.way, self._behind = "good", urlsplit(behind)
        self._certificate = certificate
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._listener.getsockname()[1]}"
        self._over = threading.Event()
        self.handshakes = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def show(self, certificate: Path) -> None:
        """From the next handshake on."""
        self._certificate = certificate

    def stop(self) -> None:
        self._over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            near.settimeout(PATIENCE_SECONDS)
            threading.Thread(target=self._meet, args=(near, self.way), daemon=True).start()

    def _meet(self, near: socket.socket, way: str) -> None:
        with near, suppress(OSError):
            if way not in ("cut", "reset", "silent", "plain"):
                return self._serve(near, way)
            near.recv(READ_BYTES)
            if way == "reset":
                _reset(near)
            if way == "plain":
                near.sendall(PLAIN)
            if way == "silent":
                self._over.wait(PATIENCE_SECONDS)

    def _serve(self, near: socket.socket, way: str) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate)
        with context.wrap_socket(near, server_side=True) as secured:
            self.handshakes += 1
            if way != "shut":
                self._pass_on(secured, is_answered=way == "good")

    def _pass_on(self, secured: ssl.SSLSocket, *, is_answered: bool) -> None:
        """One call, and its answer until the server behind has closed."""
        behind = self._behind.hostname or "", self._behind.port or 0
        with socket.create_connection(behind, timeout=PATIENCE_SECONDS) as far:
            far.sendall(_request(secured))
            while data := far.recv(READ_BYTES):
                if is_answered:
                    secured.sendall(data)


def _request(secured: ssl.SSLSocket) -> bytes:
    """Head and body of one call; the client is told nothing of keeping the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(secured)
    head, _, body = data.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    size = int(fields.get(b"content-length", 0))
    while len(body) < size:
        body += _more(secured)
    return head + b"\r\nConnection: close\r\n\r\n" + body


def _more(secured: ssl.SSLSocket) -> bytes:
    data = secured.recv(READ_BYTES)
    if not data:
        raise ConnectionError("the client left before its call was complete")
    return data


def _reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

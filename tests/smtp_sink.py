"""A mail server on loopback that keeps what it is given and answers what a test tells it to."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from app.smtp import Smtp


@dataclass
class Sink:
    """`answers` are by command, used once each: {"RCPT": ["451 later"]}. `heard` is what came."""

    port: int = 0
    answers: dict[str, list[str]] = field(default_factory=dict)
    extensions: tuple[str, ...] = ()
    heard: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    released: threading.Event | None = None
    context: ssl.SSLContext | None = None  # for STARTTLS

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(one, policy=policy.default) for one in self.raw]

    def as_server(self, host: str = "127.0.0.1", *, is_tls: bool = False, secret: str = "") -> Smtp:
        """Settings that lead here; with a secret there is a user, too."""
        user = "mado" if secret else ""
        return Smtp(host, self.port, is_tls, user, secret, "Mado", "help@mado.example")


@contextmanager
def listening(context: ssl.SSLContext | None = None) -> Iterator[Sink]:
    """A sink; with a context it speaks TLS from the first byte."""
    sink = Sink()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if sink.released is not None:
                sink.released.wait()
                return
            self._say(_next(sink, "CONNECT", "220 sink"))
            while line := self.rfile.readline():
                command = line[:4].decode().strip().upper()
                sink.heard.append(command + line[4:].decode().rstrip())
                answer = _next(sink, command, _usual(sink, command))
                self._say(answer)
                if command == "STAR" and sink.context:
                    self._encrypt(sink.context)
                if command == "DATA" and answer.startswith("354"):
                    self._take()
                if command == "QUIT":
                    return

        def _encrypt(self, context: ssl.SSLContext) -> None:
            self.connection = context.wrap_socket(self.connection, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)

        def _take(self) -> None:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line.removeprefix(b"."))
            sink.raw.append(b"".join(lines))
            self._say(_next(sink, "MAILED", "250 taken"))

        def _say(self, answer: str) -> None:
            self.wfile.write(answer.encode() + b"\r\n")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A refused handshake is what some tests want."""

    server = Server(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    sink.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        if sink.released is not None:
            sink.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _next(sink: Sink, command: str, usual: str) -> str:
    waiting = sink.answers.get(command)
    return waiting.pop(0) if waiting else usual


def _usual(sink: Sink, command: str) -> str:
    if command == "EHLO":
        lines = ["sink", *sink.extensions]
        return "\r\n".join([f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"])
    return {"STAR": "220 go on", "DATA": "354 go on", "QUIT": "221 bye", "AUTH": "235 welcome"}.get(command, "250 fine")

"""Taking a websocket's connection out of the server that accepted it.

This is the only place that leans on internals of other people's code, and on three of them:

1. simple-websocket: `Server.mode` names the server underneath, `Server.sock` is the
   connection, `thread_class` starts the reader, and a false `Server.connected` makes its
   own `close()` raise instead of writing.
2. flask-sock: when the route returns it calls that `close()` and swallows the error; under
   gunicorn it then raises StopIteration, so that no HTTP answer is written.
3. gunicorn: the connection it closes after the request is the same socket object, so a
   detached one (`fileno() == -1`) costs it nothing (`app.worker` keeps its count right).

The versions are pinned, and tests/live/test_hub.py and test_worker.py fail when one of
these stops being true. It refuses TLS connections: the encryption belongs to the proxy.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from simple_websocket import ConnectionError as NoWebsocket
from wsproto.utilities import RemoteProtocolError

if TYPE_CHECKING:
    from flask import Flask

Environ = dict[str, Any]
WSGI = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Handshaken(Protocol):
    """What is used of simple_websocket.Server."""

    mode: str
    sock: socket.socket
    connected: bool


class NoReader(threading.Thread):
    """Stands where simple-websocket would start a reading thread; the hub reads."""

    def start(self) -> None:
        return None


#: For Flask's `SOCK_SERVER_OPTIONS`: the handshake, and nothing after it.
SOCK_SERVER_OPTIONS = {"thread_class": NoReader}


def prepare(app: Flask) -> None:
    """Make `app`'s flask-sock routes end in a handshake that the hub can take over."""
    app.config["SOCK_SERVER_OPTIONS"] = SOCK_SERVER_OPTIONS
    app.wsgi_app = without_deflate(app.wsgi_app)  # type: ignore[method-assign]
    # simple-websocket raises on a garbled handshake, which would be our error 500.
    for garbled in (RemoteProtocolError, NoWebsocket):
        app.register_error_handler(garbled, lambda _: ("", 400))


def can_detach(ws: Handshaken) -> bool:
    """Whether the server gives its connection away for good (gunicorn), or only a copy."""
    return ws.mode == "gunicorn"


def take(ws: Handshaken) -> socket.socket:
    """Return the connection of `ws`, which from now on belongs to the caller.

    Other servers than gunicorn (werkzeug in development and tests) would write to or close
    a connection they still hold, so they keep theirs and the caller keeps their thread.
    """
    if isinstance(ws.sock, ssl.SSLSocket):
        raise RuntimeError("Websockets need plain connections: let the proxy do the TLS.")
    sock = socket.socket(fileno=ws.sock.detach()) if can_detach(ws) else ws.sock.dup()
    ws.connected = False
    return sock


def without_deflate(wsgi_app: WSGI) -> WSGI:
    """Keep permessage-deflate from being negotiated.

    simple-websocket accepts it whenever it is offered, and every browser offers it: that is
    100 KB a socket, and a frame compressed for one socket can't be sent to another.
    """

    def app(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        return wsgi_app(environ, start_response)

    return app

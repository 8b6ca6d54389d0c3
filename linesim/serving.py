"""Runs the app on a threaded development server: in the foreground, or in a thread for tests."""

import logging
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from flask import Flask

from linesim.current import KEY
from linesim.faults import CutOff

# How long stop() may take to be noticed.
STOP_SECONDS = 0.05


class QuietHandler(WSGIRequestHandler):
    """The simulator has a call log of its own; the terminal belongs to Mado."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Says nothing."""

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        """Does what an ordered fault asked for: RST rather than FIN, by closing with a linger time of zero."""
        if isinstance(error, CutOff):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.close(self.connection.detach())
            self.close_connection = True


class Running:
    """A server in a thread. `url` has no slash at its end."""

    def __init__(self, app: "Flask", host: str = "127.0.0.1", port: int = 0) -> None:
        self.app, self.server = app, listen(app, host, port)
        self.url = f"http://{host}:{self.server.server_port}"
        serve = {"poll_interval": STOP_SECONDS}
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs=serve, name="linesim", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        let_go(self.app)
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


def listen(app: "Flask", host: str, port: int) -> BaseWSGIServer:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    return make_server(host, port, app, threaded=True, request_handler=QuietHandler)


def let_go(app: "Flask") -> None:
    """Stops the webhook thread and the calls that hang on an ordered fault."""
    app.extensions[KEY].courier.close()
    app.extensions[KEY].faults.clear()

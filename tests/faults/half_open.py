"""`unshare -n python -m tests.faults.half_open`: a network that goes away without a word, in a namespace of
its own.

A page is open when loopback goes down. Prints as JSON after how many heartbeats the hub has let go of it,
and what a page that comes once the network is back is told.
"""

import json
import socket
import subprocess
import time
from dataclasses import dataclass

from app.live import Client, Hub
from tests.live.pages import Page, eventually

HEARTBEAT = 1.0


@dataclass
class Handshaken:
    """What the hub takes over from gunicorn."""

    sock: socket.socket
    mode: str = "gunicorn"
    connected: bool = True


def main() -> None:
    loopback("up")
    hub = Hub(ping_seconds=HEARTBEAT, close_seconds=0.1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        lost = opened(hub, listener)
        hub.send("before", to=lambda _: True)
        before = lost.read_text()
        loopback("down")
        began = time.monotonic()
        hub.send("meanwhile", to=lambda _: True)
        eventually(lambda: not hub.clients(), within=10 * HEARTBEAT)
        heartbeats = (time.monotonic() - began) / HEARTBEAT
        loopback("up")
        back = opened(hub, listener)
        hub.send("after", to=lambda _: True)
        print(json.dumps({"heartbeats": heartbeats, "before": before, "after": back.read_text()}))
    hub.stop(within=0.1)


def loopback(state: str) -> None:
    subprocess.run(["ip", "link", "set", "lo", state], check=True)


def opened(hub: Hub, listener: socket.socket) -> Page:
    far = socket.create_connection(listener.getsockname(), timeout=5)
    near, _ = listener.accept()
    hub.adopt(Handshaken(near), client=Client(1, "session", "everybody"))
    return Page(far)


if __name__ == "__main__":
    main()

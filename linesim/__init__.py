"""A LINE of our own: LINE's HTTP API, its webhooks and its customers, for demos, hand trials and tests.

Nothing of Mado imports this package and this package imports nothing of Mado: they meet over HTTP only,
as they would in real life. It keeps everything in memory, checks what LINE checks, and refuses to be a
LINE for the public: it belongs on a loopback address.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_app(**account: object) -> "Flask":
    """The simulator as a WSGI app with the opening cast; `account` sets fields of state.Account."""
    from linesim.factory import build

    return build(**account)

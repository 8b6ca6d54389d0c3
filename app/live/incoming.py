"""The incoming part of the icon, for everybody at once.

One look at the database serves all audiences, and a row is rendered once, however many of them see
it, and kept as long as it says the same. It refuses to know sockets, and anything of a viewer.
"""

from collections.abc import Collection

from flask import Flask, get_template_attribute, render_template
from markupsafe import Markup

from app import rows
from app.domain.access import Audience
from app.rows import Row


class Incoming:
    """The rendered rows of one process; used by one thread."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._ready: dict[Row, Markup] = {}

    def html_for(self, audiences: Collection[Audience | None]) -> dict[Audience | None, str]:
        """What the icon of each audience shows; None are those whom no chats are offered."""
        with self._app.test_request_context(base_url=self._app.extensions["mado"].public_url):
            lists = rows.incoming_for(audiences)
            waiting = {row for found in lists.values() for row in found or ()}
            self._ready = {row: self._ready.get(row) or _rendered(row) for row in waiting}
            return {
                audience: render_template("chats/_incoming.html", incoming=found, ready=self._ready)
                for audience, found in lists.items()
            }


def _rendered(row: Row) -> Markup:
    return get_template_attribute("chats/_incoming_row.html", "incoming_row")(row)

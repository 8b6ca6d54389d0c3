"""What is measured against: the least that a server could do with the same request.

`bare` checks a webhook's signature and parses the JSON. `one_row` does that and commits one row,
through the application's own engine, writer lock and durability. `hub` has websockets and sends
them what it is told, with the application's own hub. All run under the application's gunicorn.
`counting` is the application itself, which also tells how often it rendered what it pushes. It and `hub`
tell what each of their threads has cost.
"""

import os
import threading
import time

from flask import Flask, abort, request, template_rendered
from flask_sock import Sock
from sqlalchemy import Column, Integer, MetaData, Table, Text, insert

from app import extensions
from app.channels.line.credentials import is_signed
from app.config import from_environment
from app.live.handoff import SOCK_SERVER_OPTIONS, without_deflate
from app.live.hub import Client, Hub
from bench import posts

_rows = Table("rows", MetaData(), Column("id", Integer, primary_key=True), Column("body", Text))


def bare() -> Flask:
    """The signature and the JSON."""
    app = Flask(__name__)

    @app.post("/line/webhook/<key>")
    def receive(key: str):
        _events()
        return {}

    return app


def one_row() -> Flask:
    """The same, and one committed row."""
    app = Flask(__name__)
    config = from_environment(os.environ)
    app.config["SQLALCHEMY_DATABASE_URI"] = config.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = config.engine_options
    extensions.db.init_app(app)
    with app.app_context():
        engine = extensions.db.engine
        extensions.open_database(engine)
        extensions.is_writing.set(True)
        _rows.create(engine)

    @app.post("/line/webhook/<key>")
    def receive(key: str):
        events = _events()
        extensions.is_writing.set(True)
        with engine.begin() as connection:
            connection.execute(insert(_rows), {"body": events[0]["webhookEventId"]})
        return {}

    return app


def hub() -> Flask:
    """Websockets, and a broadcast of any bytes to all of them."""
    app = Flask(__name__)
    app.config["SOCK_SERVER_OPTIONS"] = SOCK_SERVER_OPTIONS
    app.wsgi_app = without_deflate(app.wsgi_app)
    own = Hub()
    sock = Sock(app)

    @sock.route("/live")
    def live(ws):
        own.adopt(ws, client=Client(1, "session", "everybody"))

    @app.post("/send")
    def send():
        return {"sockets": own.send(request.get_data(as_text=True), to=lambda client: True)}

    app.add_url_rule("/threads", view_func=_threads)
    return app


def counting() -> Flask:
    """Mado, and at /renderings how often it rendered the incoming chats, at /threads what threads cost."""
    from app import create_app

    app = create_app()
    renderings: list[int] = []

    def count(_app, template, **_):
        if template.name == "chats/_incoming.html":
            renderings.append(1)

    template_rendered.connect(count, app, weak=False)
    app.add_url_rule("/renderings", view_func=lambda: {"renderings": len(renderings)})
    app.add_url_rule("/threads", view_func=_threads)
    return app


def _threads() -> dict[str, float]:
    """Processor milliseconds of each thread so far, by name: /proc counts in hundredths of a second."""
    return {
        thread.name: time.clock_gettime(time.pthread_getcpuclockid(thread.ident)) * 1000
        for thread in threading.enumerate()
        if thread.ident
    }


def _events() -> list[dict]:
    raw = request.get_data()
    if not is_signed(posts.SECRET, raw, request.headers["x-line-signature"].encode()):
        abort(401)
    return request.get_json()["events"]

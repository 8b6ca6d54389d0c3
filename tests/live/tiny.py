"""The smallest application with a hub, for tests of the server underneath it."""

from __future__ import annotations

import os
import threading
import time

from flask import Flask, request
from flask_sock import Sock

from app.live import Client, Hub, prepare

app = Flask(__name__)
prepare(app)
sock = Sock(app)
hub = app.extensions["live"] = Hub()
started = []
app.extensions["start_in_worker"] = lambda: started.append(os.getpid())
told_to_stop, is_idle = threading.Event(), threading.Event()
is_idle.set()


def stop_in_worker():
    told_to_stop.set()
    is_idle.wait(10)


app.extensions["stop_in_worker"] = stop_in_worker


@sock.route("/live")
def live(ws):
    hub.adopt(ws, client=Client(1, "session", "everybody"))


@app.get("/ping")
def ping():
    return {
        "pid": os.getpid(),
        "started": started,
        "clients": len(hub.clients()),
        "is_told_to_stop": told_to_stop.is_set(),
    }


@app.post("/work/begin")
def begin_work():
    is_idle.clear()
    return "begun"


@app.post("/work/end")
def end_work():
    is_idle.set()
    return "ended"


@app.get("/slow")
def slow():
    # Stands for a query that takes this long: what a graceful stop has to wait for.
    time.sleep(float(request.args.get("seconds", "1")))
    return "done"


@app.get("/seen")
def seen():
    return {"scheme": request.scheme, "address": request.remote_addr, "root": request.script_root}


@app.post("/send")
def send():
    return {"count": hub.send(request.get_data(as_text=True), to=lambda client: True)}


@app.post("/refuse")
def refuse():
    """Answers without reading the body, as a limit on its size does."""
    return "too large", 413

"""Several web processes and schedulers on PostgreSQL and Redis, as an operator runs them."""

import os
import signal
import time

import pytest
import requests
import simple_websocket
from sqlalchemy import create_engine, make_url, text

from linesim.serving import Running
from tests.channels.line_posts import text_event
from tests.processes.servers import Mado, soon
from tests.processes.visits import connect, cookie_of, prepared, send, signed_in

SOCKETS = 6


def has_ticked(mado: Mado) -> bool:
    return bool(requests.get(f"{mado.url}/readyz", timeout=10).json()["scheduler_last_tick"])


class Socket(simple_websocket.Client):
    """A client that names the port in its Host header, as browsers do."""

    def handshake(self) -> None:
        self.host = f"{self.host}:{self.port}"
        super().handshake()


def open_socket(mado: Mado, browser: requests.Session) -> simple_websocket.Client:
    headers = {"Origin": mado.url, "Cookie": cookie_of(browser)}
    return Socket(f"{mado.url.replace('http', 'ws')}/live", headers=headers)


def heard(socket: simple_websocket.Client, wanted: str, seconds: float = 10) -> bool:
    """Whether a frame with this text comes in time."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        frame = socket.receive(timeout=left)
        if frame and wanted in frame:
            return True
    return False


def test_what_one_web_process_takes_in_every_socket_of_all_hears(production: Mado):  # S13
    token, hook = prepared(production)
    production.start_web(workers=2)
    browser = signed_in(production)
    sockets = [open_socket(production, browser) for _ in range(SOCKETS)]
    for socket in sockets:
        socket.send('{"subscribe": ["chats"]}')
        assert heard(socket, "subscribed")

    assert send(hook, text_event("Where is my parcel?")) == 200

    assert [heard(socket, "Where is my parcel?") for socket in sockets] == [True] * SOCKETS
    assert production.get("/api/v1/cases?chat=active", token)["items"][0]["number"] == 1
    [socket.close() for socket in sockets]


def test_live_updates_go_on_without_redis(production: Mado):  # F9
    production.env["REDIS_URL"] = "redis://127.0.0.1:1/0"
    _, hook = prepared(production)
    production.start_web(workers=2)
    browser = signed_in(production)
    socket = open_socket(production, browser)
    socket.send('{"subscribe": ["chats"]}')
    assert heard(socket, "subscribed")

    assert send(hook, text_event("Anybody?")) == 200
    assert heard(socket, "Anybody?", 5)
    body = requests.get(f"{production.url}/readyz", timeout=10).json()
    assert body["redis"] == "unreachable"
    socket.close()


def test_two_schedulers_end_a_quiet_chat_once(production: Mado):  # F24, S18
    token, hook = prepared(production)
    production.start_web()
    for _ in range(2):
        production.start("scheduler.py")
    send(hook, text_event("hello"))
    url = make_url(production.env["DATABASE_URL"]).set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE cases SET last_activity_at = last_activity_at - interval '10 minutes'")
        )
    engine.dispose()

    soon(lambda: production.get("/api/v1/cases/1", token)["chat"] == "ended")
    kinds = [event["type"] for event in production.get("/api/v1/cases/1/events", token)["items"]]
    assert kinds.count("chat.ended") == 1


def test_reply_is_delivered_once_whoever_claims_it(production: Mado, line: Running):  # F24
    token, hook = prepared(production)
    production.start_web(workers=2)
    production.start("scheduler.py")
    requests.put(f"{line.url}/_sim/account", json={"webhook": hook}, timeout=5)
    customer = requests.post(f"{line.url}/_sim/customers", json={"name": "Nok"}, timeout=5).json()
    user = customer["user_id"]
    said = {"text": "สวัสดี", "wait": True}
    requests.post(f"{line.url}/_sim/customers/{user}/messages", json=said, timeout=10)

    for number in range(5):
        answer = production.post("/api/v1/cases/1/messages", token, {"text": f"answer {number}"})
        assert answer.status_code == 201, answer.text

    def states() -> list[str]:
        items = production.get("/api/v1/cases/1/messages", token)["items"]
        return [item["state"] for item in items if item["direction"] == "out"]

    soon(lambda: states() == ["sent"] * 5)
    talk = requests.get(f"{line.url}/_sim/customers/{user}/talk", timeout=5).json()["items"]
    answers = [said["text"] for said in talk if said["text"].startswith("answer")]
    assert answers == [f"answer {number}" for number in range(5)]


def test_sigterm_ends_web_and_scheduler_cleanly(production: Mado):  # F26
    prepared(production)
    web = production.start_web(workers=2)
    scheduler = production.start("scheduler.py")
    soon(lambda: has_ticked(production))
    browser = signed_in(production)
    socket = open_socket(production, browser)
    socket.send('{"subscribe": []}')
    assert heard(socket, "subscribed")

    web.send_signal(signal.SIGTERM)
    with pytest.raises(simple_websocket.ConnectionClosed) as closed:
        heard(socket, "never")
    scheduler.send_signal(signal.SIGTERM)

    assert closed.value.reason == 1012
    assert (web.wait(15), scheduler.wait(15)) == (0, 0)


def test_postgresql_without_a_secret_key_stops_with_a_sentence(production: Mado):
    del production.env["SECRET_KEY"]

    refused = production.run("agents", "list")

    assert refused.returncode != 0
    assert "SECRET_KEY is not set" in refused.stderr


def test_several_processes_on_sqlite_stop_with_a_sentence(embedded: Mado):
    embedded.env["WEB_CONCURRENCY"] = "2"
    web = embedded.start("-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app")
    scheduler = embedded.start("scheduler.py")

    said = [process.communicate(timeout=20)[0].decode() for process in (web, scheduler)]

    assert web.returncode and scheduler.returncode
    assert "SQLite" in said[0] and "SQLite" in said[1]


def test_embedded_mado_is_back_at_once_after_kill_9_and_has_lost_nothing(embedded: Mado):  # F1
    token, hook = prepared(embedded)
    first = embedded.start_embedded()
    assert send(hook, text_event("kept")) == 200
    os.killpg(first.pid, signal.SIGKILL)
    first.wait(10)

    begun = time.monotonic()
    embedded.start_embedded()

    assert time.monotonic() - begun < 10
    items = embedded.get("/api/v1/cases/1/messages", token)["items"]
    assert [item["text"] for item in items] == ["kept"]


def test_command_line_changes_reach_the_running_server_within_two_seconds(embedded: Mado):
    token, _ = prepared(embedded)
    embedded.start_embedded()
    _, hook, minutes = embedded.must(
        ["settings", "set", "chats.inactivity_minutes", "1"],
        connect("Late"),
        ["settings", "get", "chats.inactivity_minutes"],
    )

    assert soon(lambda: send(hook, text_event("hi")) == 200, seconds=2)
    assert minutes == "1"
    assert embedded.get("/api/v1/cases?chat=active", token)["items"][0]["channel"]["name"] == "Late"


def test_embedded_mado_runs_its_scheduler(embedded: Mado):
    embedded.start_embedded()

    assert soon(lambda: has_ticked(embedded))

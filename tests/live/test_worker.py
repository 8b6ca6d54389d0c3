"""Our gunicorn worker and configuration, under real gunicorn, with the smallest application."""

from __future__ import annotations

import http.client
import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import gunicorn.workers.gthread as gthread
import pages
import pytest
import simple_websocket
import tiny
from gunicorn.config import Config
from pages import DEADLINE, eventually
from werkzeug.serving import make_server

from app.worker import (
    BODY_SECONDS,
    PROMPT_SECONDS,
    SLOWEST_BYTES_A_SECOND,
    Connection,
    TimedUnreader,
    Worker,
)

ROOT = Path(__file__).resolve().parents[2]
PROMPT = 2.0  # seconds; what these tests guard against took 10 to 40


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Server:
    def __init__(self, errors: Path, *arguments: str, port: int | None = None) -> None:
        self.port = port or free_port()
        self.errors = errors
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                "-c",
                ROOT / "gunicorn.conf.py",
                *arguments,
                "tiny:app",
            ],
            cwd=errors.parent,
            env=environment(PORT=str(self.port)),
            stderr=errors.open("a"),
        )
        try:
            eventually(self.is_answering, within=15)
        except AssertionError:
            self.process.kill()
            pytest.fail(self.errors.read_text())

    def is_answering(self) -> bool:
        try:
            return self.get("/ping")[0] == 200
        except OSError:
            return False

    def get(self, path: str, within: float = DEADLINE, **headers: str) -> tuple[int, bytes]:
        return self.ask("GET", path, within=within, headers=headers)

    def begin(self, path: str) -> http.client.HTTPConnection:
        """Ask, and don't wait for the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        connection.request("GET", path)
        return connection

    def ask(
        self, method: str, path: str, body: bytes | None = None, *, within=DEADLINE, headers=None
    ):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=within)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def ping(self) -> dict:
        return json.loads(self.get("/ping", PROMPT)[1])

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE)

    def open_pages(self, count: int) -> list[pages.Page]:
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda _: pages.connect(self.port), range(count)))

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(DEADLINE)


def environment(**more: str) -> dict[str, str]:
    own = {
        k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "WEB_CONCURRENCY", "HOST")
    }
    return {**own, "PYTHONPATH": f"{ROOT}:{Path(__file__).parent}", **more}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server") / "errors", "--threads", "8")
    yield server
    server.stop()


@pytest.fixture
def own_server(tmp_path):
    server = Server(tmp_path / "errors", "--threads", "8")
    yield server
    server.stop()


@pytest.fixture
def closing():
    """Sockets to be closed when the test is over, and not before."""
    sockets: list[socket.socket] = []
    yield sockets
    for sock in sockets:
        sock.close()


def answered(sock: socket.socket) -> list[bytes]:
    """The status lines of everything that arrives until the server closes."""
    received = b""
    while data := sock.recv(65536):
        received += data
    return re.findall(rb"HTTP/1\.1 (\d+)", received)


def test_silent_connections_hold_nobody_up(server, closing):
    closing += [server.connect() for _ in range(40)]

    assert server.ping()


def test_half_spoken_headers_hold_nobody_up(server, closing):
    closing += [server.connect() for _ in range(40)]
    for sock in closing:
        sock.sendall(b"GET /ping HTTP/1.1\r\nHost: ")

    assert server.ping()


def test_half_spoken_headers_on_used_connections_hold_nobody_up(server, closing):
    closing += [server.connect() for _ in range(40)]
    for sock in closing:
        sock.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
        sock.recv(4096)
        sock.sendall(b"GET /pi")

    assert server.ping()


def test_clients_that_never_close_hold_nobody_up(server, closing):
    closing += [server.connect() for _ in range(20)]
    for sock in closing:
        sock.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert [answered(sock) for sock in closing] == [[b"200"]] * 20

    assert server.ping()


def test_a_request_in_many_pieces_is_answered(server, closing):
    closing.append(sock := server.connect())
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    for (
        byte
    ) in b"POST /send HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi":
        sock.sendall(bytes([byte]))

    assert answered(sock) == [b"200"]


def test_requests_sent_in_one_go_are_all_answered(server, closing):
    closing.append(sock := server.connect())
    one = b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"
    last = one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")

    sock.sendall(one * 3 + last)

    assert answered(sock) == [b"200"] * 4


def test_a_header_without_end_is_refused(server, closing):
    closing.append(sock := server.connect())

    sock.sendall(b"GET / HTTP/1.1\r\n" + b"X-Long: " + b"x" * 70_000)

    assert answered(sock)[0].startswith(b"4")


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5, 6\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length : 5\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"X-Folded: a\r\n Content-Length: 5\r\n",
    ],
)
def test_a_request_whose_end_could_be_read_in_two_ways_is_refused(server, closing, framing):
    closing.append(sock := server.connect())
    hidden = b"0\r\n\r\nGET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    sock.sendall(b"POST /send HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n" + hidden)

    [status] = answered(sock)
    assert status in (b"400", b"501")


def test_an_answer_before_the_body_was_read_arrives(server):
    status, body = server.ask("POST", "/refuse", b"x" * 2_000_000)

    assert (status, body) == (413, b"too large")


def test_headers_of_a_proxy_are_not_believed_here(server):
    _, body = server.get(
        "/seen", **{"X-Forwarded-Proto": "https", "X-Forwarded-For": "1.2.3.4", "Script-Name": "/x"}
    )

    assert json.loads(body) == {"scheme": "http", "address": "127.0.0.1", "root": ""}


def test_two_hundred_pages_leave_all_threads_to_requests(server, closing):
    opened = server.open_pages(200)
    closing += [page.sock for page in opened]
    eventually(lambda: server.ping()["clients"] == 200)

    status, body = server.ask("POST", "/send", "สวัสดี".encode())

    assert (status, json.loads(body)) == (200, {"count": 200})
    assert [page.read_text() for page in opened] == ["สวัสดี"] * 200


def test_a_page_that_leaves_is_forgotten(server):
    eventually(lambda: server.ping()["clients"] == 0)
    page = pages.connect(server.port)
    eventually(lambda: server.ping()["clients"] == 1)

    page.sock.close()

    eventually(lambda: server.ping()["clients"] == 0)


@pytest.mark.parametrize(
    "more",
    [
        b"",
        b"Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: x\r\n",
        b"Sec-WebSocket-Version: 13\r\n",
    ],
)
def test_a_garbled_handshake_is_a_bad_request(server, closing, more):  # T15
    closing.append(sock := server.connect())
    start = b"GET /live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"

    sock.sendall(start + more + b"\r\n")

    assert sock.recv(4096).startswith(b"HTTP/1.1 400 ")


def test_compression_is_never_agreed_on(server, closing):
    page = pages.connect(server.port, offer="Sec-WebSocket-Extensions: permessage-deflate\r\n")
    closing.append(page.sock)

    assert "extensions" not in page.handshake.lower()


def test_another_websocket_client_gets_along_with_the_hub(server):
    eventually(lambda: server.ping()["clients"] == 0)
    client = simple_websocket.Client(f"ws://127.0.0.1:{server.port}/live")
    eventually(lambda: server.ping()["clients"] == 1)

    server.ask("POST", "/send", b"hello")

    assert client.receive(timeout=DEADLINE) == "hello"
    client.close()


def test_the_worker_starts_what_the_application_asked_for(server):
    seen = server.ping()

    assert seen["started"] == [seen["pid"]]


def test_sigterm_answers_what_has_begun_and_waits_for_nobody_else(own_server, closing):  # F26
    closing += [own_server.connect(), own_server.connect()]
    closing[0].sendall(b"GET /ping HTTP/1.1\r\n")
    opened = own_server.open_pages(50)
    slow = [own_server.begin("/slow?seconds=1") for _ in range(4)]
    queued = [own_server.begin("/slow?seconds=0.02") for _ in range(100)]
    assert queued[0].getresponse().status == 200
    began = time.monotonic()
    own_server.process.terminate()

    assert [page.read_close() for page in opened] == [1012] * 50
    assert [asked.getresponse().status for asked in slow + queued[1:]] == [200] * 103
    for page in opened:
        page.sock.close()
    assert own_server.process.wait(DEADLINE) == 0
    assert time.monotonic() - began < 5.0  # 1.5 on an idle machine, 25 is the limit
    assert "Traceback" not in own_server.errors.read_text()


def test_sigterm_keeps_the_port_open_until_work_beside_requests_has_ended(own_server):  # F26
    own_server.ask("POST", "/work/begin")
    own_server.process.terminate()
    eventually(lambda: own_server.ping()["is_told_to_stop"])

    page = pages.connect(own_server.port)
    assert own_server.get("/ping")[0] == 200
    assert own_server.ask("POST", "/work/end")[0] == 200

    assert page.read_close() == 1012
    page.sock.close()
    assert own_server.process.wait(DEADLINE) == 0
    assert "Traceback" not in own_server.errors.read_text()


def test_sigterm_under_load_answers_open_connections_and_says_goodbye(own_server):  # F26
    answers: list[object] = []

    def ask_until_told_to_go() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", own_server.port, timeout=DEADLINE)
        try:
            connection.connect()
            while connection.sock:
                connection.request("GET", "/ping")
                answers.append(connection.getresponse().read() and "answered")
            answers.append("told to go")
        except (OSError, http.client.HTTPException) as error:
            answers.append(repr(error))

    threads = [threading.Thread(target=ask_until_told_to_go) for _ in range(20)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(answers) > 200)

    own_server.process.terminate()
    for thread in threads:
        thread.join(DEADLINE)

    assert set(answers) == {"answered", "told to go"}
    assert answers.count("told to go") == 20


def test_a_quick_stop_closes_pages_too(own_server):
    page = pages.connect(own_server.port)

    own_server.process.send_signal(signal.SIGINT)

    assert page.read_close() == 1012
    page.sock.close()
    assert own_server.process.wait(DEADLINE) == 0


def test_after_kill_9_it_starts_again_at_once(own_server, tmp_path):
    worker = own_server.ping()["pid"]
    own_server.process.kill()
    own_server.process.wait(DEADLINE)
    eventually(lambda: not own_server.is_answering())

    again = Server(tmp_path / "again", port=own_server.port)
    try:
        assert again.ping()["pid"] != worker
    finally:
        again.stop()
    eventually(lambda: not Path(f"/proc/{worker}").exists())


def test_more_than_one_worker_on_sqlite_is_refused_with_a_sentence(tmp_path):
    refused = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", ROOT / "gunicorn.conf.py", "tiny:app"],
        env=environment(PORT=str(free_port()), WEB_CONCURRENCY="2", DATABASE_URL="sqlite:///x.db"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=15,
    )

    assert refused.returncode != 0
    assert "Mado can't run 2 workers on SQLite" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_postgresql_may_have_more_workers(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/mado")
    settings = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    server = type("Arbiter", (), {"cfg": type("Config", (), {"workers": 4})})

    settings["on_starting"](server)


@pytest.mark.parametrize(
    ("host", "port", "bind"),
    [("", "", "127.0.0.1:8000"), ("0.0.0.0", "80", "0.0.0.0:80"), ("::1", "8000", "[::1]:8000")],
)
def test_host_and_port_come_from_the_environment(monkeypatch, host, port, bind):
    monkeypatch.setenv("HOST", host)
    monkeypatch.setenv("PORT", port)

    assert runpy.run_path(str(ROOT / "gunicorn.conf.py"))["bind"] == bind


def test_python_wsgi_py_becomes_gunicorn_from_anywhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MADO_EMBEDDED", "")
    commands = []
    monkeypatch.setattr(os, "execv", lambda path, command: commands.append((path, command)))

    runpy.run_path(str(ROOT / "wsgi.py"), run_name="__main__")

    ((path, command),) = commands
    assert path == command[0] == sys.executable
    assert command[-3:] == ["--workers", "1", "wsgi:app"]
    assert os.environ["MADO_EMBEDDED"] == "1"
    assert Path.cwd() == ROOT


@pytest.fixture
def development_server():
    server = make_server("127.0.0.1", 0, tiny.app, threaded=True)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield server
    server.shutdown()
    serving.join(DEADLINE)


def test_the_development_server_keeps_a_thread_for_each_page(development_server, closing):
    page = pages.connect(development_server.port)
    closing.append(page.sock)
    eventually(lambda: len(tiny.hub.clients()) == 1)

    tiny.hub.send("hello", to=lambda client: True)
    assert page.read_text() == "hello"
    tiny.hub.close(to=lambda client: True, code=4401)
    assert page.read_close() == 4401


def test_everything_of_gunicorn_we_lean_on_is_still_there():
    """Read app/worker.py beside gunicorn's gthread.py when this fails after an upgrade."""
    overridden = {
        "accept", "finish_request", "is_parent_alive", "murder_pending", "on_client_socket_readable",
        "on_pending_socket_readable", "run", "set_accept_enabled", "_cap_keepalive",
    }  # fmt: skip
    assert overridden <= vars(gthread.ThreadWorker).keys()
    assert overridden <= vars(Worker).keys()
    used = ("pending_conns", "keepalived_conns", "nr_conns", "poller", "enqueue_req", "data_ready")
    source = Path(gthread.__file__).read_text()
    assert [name for name in used if f"self.{name}" not in source] == []
    assert "conn.close(graceful=True)" in source
    assert "if self.parser is None:" in source


def test_body_that_takes_too_long_ends_like_a_client_that_went_away():  # T2
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"a byte")
        unreader = TimedUnreader(ours)
        unreader.read_until = time.monotonic() + 60
        assert unreader.chunk() == b"a byte"

        unreader.read_until = time.monotonic() - 1
        with pytest.raises(TimeoutError):
            unreader.chunk()


def test_forty_slow_bodies_leave_threads_for_everybody_else(own_server, closing):  # T2
    header = b"POST /send HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nslow"
    closing += [own_server.connect() for _ in range(40)]
    [client.sendall(header) for client in closing]
    began = time.monotonic()
    assert own_server.get("/ping")[0] == 200
    assert own_server.ask("POST", "/send", b"prompt")[0] == 200
    assert time.monotonic() - began < PROMPT + 40 * PROMPT_SECONDS / 8
    assert own_server.ask("POST", "/send", b"prompt")[0] == 200


def test_every_request_of_a_connection_has_its_own_time_for_the_body():  # T2
    ours, theirs = socket.socketpair()
    with theirs:
        worker = SimpleNamespace(cfg=Config(), slow_places=threading.Semaphore())
        conn = Connection(worker, ours, None, None)
        deadlines = []
        for _ in range(2):
            conn.header += b"POST / HTTP/1.1\r\n\r\n"
            conn.give_header_to_parser()
            deadlines.append(conn.parser.unreader.read_until)
        conn.sock.close()

    assert deadlines[0] < deadlines[1] <= time.monotonic() + BODY_SECONDS


def test_a_body_has_more_time_for_what_came_and_none_for_waiting():  # T2
    ours, theirs = socket.socketpair()
    with ours, theirs:
        unreader = TimedUnreader(ours)
        unreader.read_until = until = time.monotonic() + BODY_SECONDS
        theirs.sendall(bytes(SLOWEST_BYTES_A_SECOND // 4))
        received = len(unreader.chunk())
        assert unreader.read_until == until + received / SLOWEST_BYTES_A_SECOND

        unreader.read_until = time.monotonic() - 1
        with pytest.raises(TimeoutError):
            unreader.chunk()

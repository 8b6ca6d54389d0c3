"""A simulated LINE with its opening cast, and a bot server that takes its webhooks."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask.testing import FlaskClient
from linesim_tools import CHANNEL_ID, SECRET, TOKEN, texts_as_messages

from linesim import create_app, ids
from linesim.serving import Running
from tests.chromium import launching

DEADLINE = 10.0


class BotServer:
    """Takes webhooks, keeps them raw, answers with `statuses` one after another, then 200."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.hold = threading.Event()
        self.hold.set()
        self._news = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?key=k"

    def wait_for(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        with self._news:
            assert self._news.wait_for(lambda: len(self.received) >= count, DEADLINE), self.received
            return list(self.received)

    def stop(self) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(bot) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = bot.statuses.pop(0) if bot.statuses else 200
                with bot._news:
                    bot.received.append(({k.lower(): v for k, v in self.headers.items()}, body))
                    bot._news.notify_all()
                bot.hold.wait(DEADLINE)
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                """Says nothing."""

        return Handler


@pytest.fixture
def bot() -> Iterator[BotServer]:
    server = BotServer()
    yield server
    server.stop()


@pytest.fixture
def app(bot: BotServer) -> Any:
    app = create_app(token=TOKEN, secret=SECRET, channel_id=CHANNEL_ID, webhook=bot.url, name="Mado Test")
    yield app
    app.extensions["linesim"].courier.close()


@pytest.fixture
def sim(app: Any) -> FlaskClient:
    """The control API and the page, as tests and people use them."""
    return app.test_client()


class Line:
    """LINE's API with the account's token."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def get(self, path: str, **more: Any) -> Any:
        return self._client.get(path, headers=self._headers(more), **more)

    def post(self, path: str, **more: Any) -> Any:
        return self._client.post(path, headers=self._headers(more), **more)

    def put(self, path: str, **more: Any) -> Any:
        return self._client.put(path, headers=self._headers(more), **more)

    def push(self, to: str, *texts: str, **headers: str) -> Any:
        return self.post("/v2/bot/message/push", json={"to": to, "messages": texts_as_messages(texts)}, headers=headers)

    def reply(self, token: str, *texts: str, **headers: str) -> Any:
        body = {"replyToken": token, "messages": texts_as_messages(texts)}
        return self.post("/v2/bot/message/reply", json=body, headers=headers)

    def _headers(self, more: dict[str, Any]) -> dict[str, str]:
        return {"Authorization": f"Bearer {TOKEN}"} | more.pop("headers", {})


@pytest.fixture
def line(app: Any) -> Line:
    return Line(app.test_client())


@pytest.fixture
def running(app: Any) -> Iterator[Running]:
    """The same simulator on a real port."""
    server = Running(app)
    yield server
    server.stop()


@pytest.fixture
def somchai() -> str:
    return ids.user_id("Somchai")


@pytest.fixture
def kenji() -> str:
    """Member of the office group who never added the account."""
    return ids.user_id("Kenji")


@pytest.fixture
def office() -> str:
    return ids.group_id("Office move 引越し")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return launching(browser_type_launch_args)

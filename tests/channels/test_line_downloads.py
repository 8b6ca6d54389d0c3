"""LINE's content host: what each of its answers means for a file, and that none is held in memory."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask

from app.channels import registry
from app.channels.base import Gone, NotReady, TemporaryError, WantedFile
from app.channels.line import downloads
from app.channels.line.credentials import Credentials
from app.models import Channel

TOKEN = "CANARY-token"
CONTENT = "/v2/bot/message/123/content"


@dataclass
class Said:
    """One answer; `length` is what its header says, the real one where that is None."""

    status: int = 200
    body: bytes = b""
    content_type: str = "image/jpeg"
    length: int | None = None


@dataclass
class ContentHost:
    """LINE's content host as the test wants it, on a port of this machine."""

    answers: dict[str, Said] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(host) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.asked.append((self.path, self.headers.get("Authorization")))
                said = host.answers.get(self.path, Said(404))
                self.send_response(said.status)
                self.send_header("Content-Type", said.content_type)
                self.send_header("Content-Length", str(said.length or len(said.body)))
                self.end_headers()
                self.wfile.write(said.body)
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_WR)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        return Handler


@pytest.fixture
def host(app: Flask) -> Iterator[ContentHost]:
    running, config = ContentHost(), app.extensions["mado"]
    app.extensions["mado"] = replace(config, line_data_api_url=running.url)
    with app.app_context():
        yield running
    app.extensions["mado"] = config
    running.stop()


def wanted(message_id: str = "123", kind: str = "image") -> WantedFile:
    channel = Channel(kind="line", name="Shop")
    Credentials(token=TOKEN).keep(channel)
    return WantedFile(channel, message_id, kind, 0)


def fetched(file: WantedFile) -> tuple[int | None, list[bytes]]:
    with registry.adapter("line").download(file) as download:
        return download.size, list(download.chunks)


def test_file_comes_in_pieces_with_the_channels_token(host):  # L2
    body = bytes(range(256)) * 4000
    host.answers[CONTENT] = Said(body=body)
    size, pieces = fetched(wanted())
    assert (size, b"".join(pieces)) == (len(body), body)
    assert max(map(len, pieces)) <= downloads.PIECE_BYTES < len(body)
    assert host.asked == [(CONTENT, f"Bearer {TOKEN}")]


def test_id_of_a_message_is_no_path(host):
    with pytest.raises(Gone):
        fetched(wanted("../../x?y"))
    assert host.asked[0][0] == "/v2/bot/message/..%2F..%2Fx%3Fy/content"


@pytest.mark.parametrize(
    ("status", "raised", "breaks_channel"),
    [
        (404, Gone, None),
        (410, Gone, None),
        (400, TemporaryError, False),
        (401, TemporaryError, True),
        (403, TemporaryError, False),
        (429, TemporaryError, False),
        (302, TemporaryError, False),
        (500, TemporaryError, False),
        (503, TemporaryError, False),
    ],
)
def test_each_answer_is_a_decision(host, status, raised, breaks_channel):  # L2
    host.answers[CONTENT] = Said(status, b"{}", "application/json")
    with pytest.raises(raised) as caught:
        fetched(wanted())
    assert getattr(caught.value, "breaks_channel", None) is breaks_channel
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("told", "raised"),
    [
        (Said(200, json.dumps({"status": "processing"}).encode()), NotReady),
        (Said(200, json.dumps({"status": "succeeded"}).encode()), NotReady),
        (Said(200, json.dumps({"status": "failed"}).encode()), Gone),
        (Said(500, b"failed"), NotReady),
    ],
)
def test_film_in_preparation_is_waited_for_until_line_gives_up(host, told, raised):  # L2
    host.answers[CONTENT] = Said(202)
    host.answers[f"{CONTENT}/transcoding"] = told
    with pytest.raises(raised):
        fetched(wanted(kind="video"))
    assert [path for path, _ in host.asked] == [CONTENT, f"{CONTENT}/transcoding"]


def test_cut_connection_is_no_whole_file(host):  # L2
    host.answers[CONTENT] = Said(body=bytes(50_000), length=100_000)
    with pytest.raises(TemporaryError):
        fetched(wanted())


def test_page_instead_of_a_picture_is_no_picture(host):  # L2
    host.answers[CONTENT] = Said(body=b"<html>", content_type="text/html; charset=utf-8")
    with pytest.raises(TemporaryError):
        fetched(wanted())
    assert fetched(wanted(kind="file"))[1] == [b"<html>"]


def test_host_that_is_not_there_is_asked_again_later(app, host):
    host.stop()
    with pytest.raises(TemporaryError):
        fetched(wanted())


def test_silent_host_lets_go(app, host, monkeypatch):
    """Nobody answers on this socket, though it takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        app.extensions["mado"] = replace(app.extensions["mado"], line_data_api_url=url)
        monkeypatch.setattr(downloads, "READ_SECONDS", 0.2)
        monkeypatch.setattr(downloads, "_pools", [])
        with pytest.raises(TemporaryError):
            fetched(wanted())

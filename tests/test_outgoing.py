"""The guarded way out: what is never called, and what is not taken (T10)."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import outgoing
from tests import certificates

PUBLIC = "93.184.216.34"


@dataclass
class Canary:
    """A server on loopback that notes every call and answers as told."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "image/png"})
    body: bytes = b"picture"
    drip: threading.Event | None = None
    hits: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0


def _handler(canary: Canary) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            canary.hits.append((self.headers["Host"], self.path))
            self.send_response(canary.status)
            for name, value in canary.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if canary.drip is None:
                self.wfile.write(canary.body)
                return
            try:
                while not canary.drip.wait(0.02):
                    self.wfile.write(b".")
            except OSError:
                return

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    return Handler


def _serve(canary: Canary, context: ssl.SSLContext | None = None) -> Iterator[Canary]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(canary))
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # a refused handshake is what some tests want
    canary.port = server.server_port
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    yield canary
    if canary.drip:
        canary.drip.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def canary() -> Iterator[Canary]:
    yield from _serve(Canary())


@pytest.fixture
def allow(app: Flask) -> Iterator[Callable[..., None]]:
    """A function that puts hosts into ALLOW_PRIVATE_HOSTS."""
    config = app.extensions["mado"]

    def put(*hosts: str) -> None:
        app.extensions["mado"] = replace(config, allow_private_hosts=frozenset(hosts))

    with app.app_context():
        yield put
    app.extensions["mado"] = config


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names and their addresses, one address used up by each question but the last."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def ask(host: str, port: int, *args: Any, **more: Any) -> Any:
        if host not in known:
            return real(host, port, *args, **more)
        address = known[host].pop(0) if len(known[host]) > 1 else known[host][0]
        return real(address, port, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    return known


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "0.0.0.0",
        "169.254.169.254",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "[::]",
        "[fd00::1]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::]",
        "[2001::1]",
        "2130706433",
        "0x7f.1",
        "127.1",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "name.test",
    ],
)
def test_private_address_is_refused_when_saved_and_when_sent(
    host: str, allow: Callable[..., None], names: dict[str, list[str]]
) -> None:
    """T10"""
    names["name.test"] = ["192.168.0.7"]
    with pytest.raises(outgoing.NotAllowed):
        outgoing.check(f"http://{host}/")
    with pytest.raises(outgoing.NotAllowed):
        outgoing.request("GET", f"http://{host}/")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "ftp://example.com/",
        "//example.com/",
        "example.com",
        "",
        "http://",
        "http:///path",
        "http://ok@127.0.0.1/",
        f"http://name:word@{PUBLIC}/",
        f"http://{PUBLIC}:6379/",
        f"http://{PUBLIC}:99999/",
        f"http://{PUBLIC}\\@127.0.0.1/",
        f"http://{PUBLIC}/a\r\nX-Injected: 1",
        f"http://{PUBLIC}/a b",
        "http://[::1",
        "http://" + "a" * 3000,
    ],
)
def test_what_is_no_plain_web_address_is_refused(url: str, allow: Callable[..., None]) -> None:
    """T10"""
    with pytest.raises(outgoing.NotAllowed):
        outgoing.request("GET", url)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", PUBLIC, "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_public_address_passes_the_check(address: str, allow: Callable[..., None]) -> None:
    """The precondition of every refusal above."""
    host = f"[{address}]" if ":" in address else address
    outgoing.check(f"https://{host}/path")


def test_loopback_canary_is_never_hit(canary: Canary, allow: Callable[..., None]) -> None:
    """T10"""
    with pytest.raises(outgoing.NotAllowed):
        outgoing.request("GET", f"http://127.0.0.1:{canary.port}/")
    assert canary.hits == []


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.1:{port}"])
def test_allowed_host_is_called(canary: Canary, allow: Callable[..., None], entry: str) -> None:
    """ALLOW_PRIVATE_HOSTS names a host, or one of its ports."""
    allow(entry.format(port=canary.port))
    answer = outgoing.request(
        "GET", f"http://127.0.0.1:{canary.port}/a%20b?c=ด", content_types=("image/png",)
    )
    assert answer == outgoing.Answer(200, "image/png", b"picture")
    assert canary.hits == [(f"127.0.0.1:{canary.port}", "/a%20b?c=%E0%B8%94")]


def test_allowing_one_port_allows_no_other(canary: Canary, allow: Callable[..., None]) -> None:
    allow(f"127.0.0.1:{canary.port + 1}")
    with pytest.raises(outgoing.NotAllowed):
        outgoing.request("GET", f"http://127.0.0.1:{canary.port}/")
    assert canary.hits == []


def test_name_is_resolved_once_and_the_checked_address_called(
    canary: Canary,
    allow: Callable[..., None],
    names: dict[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """T10, a name that answers differently the second time."""
    names["rebinding.test"] = [PUBLIC, "127.0.0.1"]
    called: list[str] = []
    real = socket.create_connection

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        called.append(address[0])
        return real(("127.0.0.1", canary.port), timeout)

    monkeypatch.setattr(socket, "create_connection", connect)
    outgoing.request("GET", "http://rebinding.test/p")
    assert called == [PUBLIC]
    assert canary.hits == [("rebinding.test", "/p")]


def test_name_with_one_private_address_among_public_ones_is_refused(
    allow: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """T10"""
    both = [(2, 1, 6, "", (PUBLIC, 80)), (2, 1, 6, "", ("10.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    with pytest.raises(outgoing.NotAllowed):
        outgoing.check("http://both.test/")


def test_redirect_is_not_followed(canary: Canary, allow: Callable[..., None]) -> None:
    """T10"""
    allow("127.0.0.1")
    canary.status, canary.headers = 302, {"Location": f"http://127.0.0.1:{canary.port}/secret"}
    with pytest.raises(outgoing.BadAnswer):
        outgoing.request("GET", f"http://127.0.0.1:{canary.port}/")
    assert [path for _, path in canary.hits] == ["/"]


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "5000"}])
def test_large_answer_is_not_taken(
    canary: Canary, allow: Callable[..., None], headers: dict[str, str]
) -> None:
    allow("127.0.0.1")
    canary.headers, canary.body = headers, b"x" * 5000
    with pytest.raises(outgoing.BadAnswer, match="more than"):
        outgoing.request("GET", f"http://127.0.0.1:{canary.port}/", largest=4999)


def test_answer_that_stops_in_the_middle_is_not_taken(
    canary: Canary, allow: Callable[..., None]
) -> None:
    allow("127.0.0.1")
    canary.headers = {"Content-Length": "100"}
    with pytest.raises(outgoing.BadAnswer):
        outgoing.request("GET", f"http://127.0.0.1:{canary.port}/")


def test_answer_of_another_type_is_not_taken(canary: Canary, allow: Callable[..., None]) -> None:
    allow("127.0.0.1")
    canary.headers = {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(outgoing.BadAnswer, match="another type"):
        outgoing.request("GET", f"http://127.0.0.1:{canary.port}/", content_types=("image/png",))


def test_answer_that_drips_is_cut_off_in_time(canary: Canary, allow: Callable[..., None]) -> None:
    allow("127.0.0.1")
    canary.drip = threading.Event()
    with pytest.raises(outgoing.Unreachable):
        outgoing.request("GET", f"http://127.0.0.1:{canary.port}/", seconds=0.3)


def test_closed_port_is_unreachable(canary: Canary, allow: Callable[..., None]) -> None:
    allow("127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(outgoing.Unreachable):
            outgoing.request("GET", f"http://127.0.0.1:{free.getsockname()[1]}/")


def test_error_tells_nothing_of_the_url_but_its_host(
    canary: Canary, allow: Callable[..., None]
) -> None:
    """T26: such an address may hold a token."""
    with pytest.raises(outgoing.NotAllowed) as refused:
        outgoing.request("GET", "http://127.0.0.1/CANARY-path?token=CANARY")
    assert "127.0.0.1" in str(refused.value)
    assert "CANARY" not in str(refused.value)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return certificates.made(tmp_path, "canary.test")


@pytest.fixture
def tls_canary(certificate: Path) -> Iterator[Canary]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    yield from _serve(Canary(), context)


def test_certificate_that_nobody_vouches_for_is_refused(
    tls_canary: Canary, allow: Callable[..., None], names: dict[str, list[str]]
) -> None:
    allow("canary.test")
    names["canary.test"] = ["127.0.0.1"]
    with pytest.raises(outgoing.BadAnswer, match="certificate"):
        outgoing.request("GET", f"https://canary.test:{tls_canary.port}/")
    assert tls_canary.hits == []


def test_certificate_is_checked_against_the_name_not_the_address(
    tls_canary: Canary,
    allow: Callable[..., None],
    names: dict[str, list[str]],
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    allow("canary.test")
    names["canary.test"] = ["127.0.0.1"]
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
    answer = outgoing.request("GET", f"https://canary.test:{tls_canary.port}/p")
    assert answer.body == b"picture"
    assert tls_canary.hits == [(f"canary.test:{tls_canary.port}", "/p")]


def test_tls_answer_that_drips_is_cut_off_in_time(
    tls_canary: Canary,
    allow: Callable[..., None],
    names: dict[str, list[str]],
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    allow("canary.test")
    names["canary.test"] = ["127.0.0.1"]
    tls_canary.drip = threading.Event()
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
    with pytest.raises(outgoing.Unreachable):
        outgoing.request("GET", f"https://canary.test:{tls_canary.port}/", seconds=0.5)


# ── Streams ─────────────────────────────────────────────────────────────────────────────────


def streamed(url: str, **options: Any) -> bytes:
    with outgoing.stream(url, **options) as stream:
        return b"".join(stream.chunks)


def test_stream_comes_piece_by_piece(canary: Canary, allow: Callable[..., None]) -> None:
    allow("127.0.0.1")
    canary.body = bytes(1_000_000)
    canary.headers["Content-Length"] = "1000000"
    with outgoing.stream(f"http://127.0.0.1:{canary.port}/film?x=1") as stream:
        pieces = list(stream.chunks)
    assert (stream.status, stream.size) == (200, 1_000_000)
    assert b"".join(pieces) == canary.body
    assert max(map(len, pieces)) <= outgoing.PIECE_BYTES
    assert canary.hits == [(f"127.0.0.1:{canary.port}", "/film?x=1")]


def test_stream_to_a_private_address_is_not_opened(canary: Canary, allow: Callable[..., None]) -> None:
    allow()
    with pytest.raises(outgoing.NotAllowed):
        streamed(f"http://127.0.0.1:{canary.port}/")
    with pytest.raises(outgoing.NotAllowed):
        streamed("http://127.0.0.1:80/")
    assert canary.hits == []


def test_stream_follows_no_redirect(canary: Canary, allow: Callable[..., None]) -> None:
    allow("127.0.0.1")
    canary.status, canary.headers["Location"] = 302, "http://169.254.169.254/"
    with pytest.raises(outgoing.BadAnswer):
        streamed(f"http://127.0.0.1:{canary.port}/")


def test_stream_that_stops_in_the_middle_is_no_whole_one(
    canary: Canary, allow: Callable[..., None]
) -> None:
    allow("127.0.0.1")
    canary.headers["Content-Length"] = "1000"
    with pytest.raises(outgoing.BadAnswer):
        streamed(f"http://127.0.0.1:{canary.port}/")


def test_stream_that_drips_is_cut(canary: Canary, allow: Callable[..., None]) -> None:
    allow("127.0.0.1")
    canary.drip = threading.Event()
    with pytest.raises(outgoing.Unreachable):
        streamed(f"http://127.0.0.1:{canary.port}/", seconds=0.3)

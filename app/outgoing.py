"""The one way out to an address that somebody else chose: pictures, files, webhook calls.

An address may lead to our own machine or network (T10), so the name is resolved once, every answer
must be public, and the connection goes to the very address that was checked. It refuses redirects,
other schemes, names and passwords in the URL, ports of other services, and answers that are too
slow, too large or of another type. Hosts in ALLOW_PRIVATE_HOSTS may be private and use any port.
LINE's own API does not come this way: its host is configuration, not somebody's choice.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

from flask import current_app

SECONDS = 5.0
STREAM_SECONDS = 120.0
PIECE_BYTES = 128 * 1024
LARGEST_ANSWER = 1_000_000
LONGEST_URL = 2_000
PORTS = frozenset({80, 443, 8080, 8443})
DEFAULT_PORTS = {"http": 80, "https": 443}
USER_AGENT = "Mado"

# Everything public in IPv6 is in here, but not everything in here is public.
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# Answers that carry an IPv4 address which somebody on the way unpacks again.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
TUNNELS = tuple(
    map(ipaddress.ip_network, ("2001::/23", "2002::/16", "3fff::/20", "192.88.99.0/24"))
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class OutgoingError(Exception):
    """Nothing usable came back. Its text is for people and holds no part of the URL but the host."""


class NotAllowed(OutgoingError):
    """An address that is never called: not http(s), or not public."""


class Unreachable(OutgoingError):
    """No answer in time."""


class BadAnswer(OutgoingError):
    """An answer that we do not take: a redirect, too large, of another type, or no HTTP."""


@dataclass(frozen=True)
class Answer:
    """What came back, whole."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True)
class Stream:
    """What is coming back: its size where that is told, and its bytes piece by piece."""

    status: int
    size: int | None
    chunks: Iterator[bytes]


@dataclass(frozen=True)
class _Target:
    """A URL taken apart once, so that what is checked is what is called."""

    scheme: str
    host: str
    port: int
    path: str
    is_allowed: bool


@dataclass(frozen=True)
class _Wanted:
    """Which answers are taken: these types (none named: any) up to this many bytes."""

    content_types: tuple[str, ...]
    largest: int


def check(url: str) -> None:
    """Raise NotAllowed or Unreachable for what `request` would refuse: ask before saving a URL."""
    _addresses(_target(url))


def check_unresolved(url: str) -> None:
    """The same without asking for the name's address: what can be said inside a transaction."""
    target = _target(url)
    if target.is_allowed:
        return
    if target.host == "localhost" or target.host.endswith(".localhost"):
        raise NotAllowed(f"{target.host} is not a public address.")
    with suppress(Unreachable):  # a name: who it is, is asked when it is called
        _addresses(target, flags=socket.AI_NUMERICHOST)


def request(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    content_types: tuple[str, ...] = (),
    largest: int = LARGEST_ANSWER,
    seconds: float = SECONDS,
) -> Answer:
    """One call to the address as given; any status but a redirect comes back as an Answer.

    `content_types` are the only ones taken (empty: any), `seconds` the time for everything after
    the name is resolved. Raise NotAllowed, Unreachable or BadAnswer.
    """
    target = _target(url)
    addresses = _addresses(target)
    deadline = time.monotonic() + seconds
    raw = _connect(target, addresses, deadline)
    wanted = _Wanted(content_types, largest)
    with _in_words(target, deadline), _cut_at(deadline, raw):
        answer = _exchange(target, raw, method, body, headers or {}, wanted)
    if time.monotonic() >= deadline:  # an answer without a length may have been cut short
        raise Unreachable(f"{target.host} did not answer in time.")
    return answer


@contextmanager
def stream(url: str, *, seconds: float = STREAM_SECONDS) -> Iterator[Stream]:
    """GET the address and read the answer piece by piece; the caller counts how much it takes.

    Raise NotAllowed, Unreachable or BadAnswer, also from the chunks when they stop too early.
    """
    target = _target(url)
    addresses = _addresses(target)
    deadline = time.monotonic() + seconds
    raw = _connect(target, addresses, deadline)
    with _cut_at(deadline, raw), ExitStack() as stack:
        with _in_words(target, deadline):
            call = stack.enter_context(_calling(target, raw, "GET", None, {}))
            response = _not_elsewhere(target, call.getresponse())
        yield Stream(response.status, response.length, _pieces(target, response, deadline))


def _pieces(
    target: _Target, response: http.client.HTTPResponse, deadline: float
) -> Iterator[bytes]:
    while True:
        with _in_words(target, deadline):
            piece = response.read1(PIECE_BYTES)
        if time.monotonic() >= deadline:
            raise Unreachable(f"{target.host} did not answer in time.")
        if not piece:
            break
        yield piece
    if response.length:
        raise BadAnswer(f"{target.host} stopped in the middle.")


@contextmanager
def _in_words(target: _Target, deadline: float) -> Iterator[None]:
    """What a call can raise, as what people can read."""
    try:
        yield
    except ssl.SSLCertVerificationError as problem:
        raise BadAnswer(f"{target.host} has no certificate that can be trusted.") from problem
    except (OSError, http.client.HTTPException, ValueError) as problem:
        if time.monotonic() >= deadline or isinstance(problem, TimeoutError):
            raise Unreachable(f"{target.host} did not answer in time.") from problem
        raise BadAnswer(f"{target.host} gave no proper answer.") from problem


@contextmanager
def _cut_at(deadline: float, raw: socket.socket) -> Iterator[None]:
    """End the connection when time is up, whoever waits on it.

    A socket's own timeout counts from byte to byte, so a drip would never meet it. The copy of the
    handle reaches the connection also after TLS has taken the original over.
    """
    handle = raw.dup()
    watch = threading.Timer(max(0.0, deadline - time.monotonic()), _cut, [handle])
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()
        watch.join()
        handle.close()
        raw.close()


def _cut(handle: socket.socket) -> None:
    with suppress(OSError):  # the other side was quicker
        handle.shutdown(socket.SHUT_RDWR)


def _target(url: str) -> _Target:
    if len(url) > LONGEST_URL or not url.isprintable() or " " in url or "\\" in url:
        raise NotAllowed("This is not a web address.")
    try:
        parts = urlsplit(url)
        port, host = parts.port, _host(parts)
    except ValueError as problem:
        raise NotAllowed("This is not a web address.") from problem
    if parts.scheme not in DEFAULT_PORTS or not host:
        raise NotAllowed("Only addresses that start with http:// or https:// are called.")
    if "@" in parts.netloc:
        raise NotAllowed("An address must not hold a name or password.")
    port = DEFAULT_PORTS[parts.scheme] if port is None else port
    path = quote(parts.path or "/", safe="/%:=&~+!$,;'@()*")
    query = f"?{quote(parts.query, safe='/%:=&?~+!$,;@()*')}" if parts.query else ""
    return _Target(parts.scheme, host, port, path + query, _is_allowed(host, port))


def _host(parts: SplitResult) -> str:
    """The name in small ASCII letters, without the dot that makes it absolute. Raise ValueError."""
    host = (parts.hostname or "").rstrip(".")
    return host if host.isascii() else host.encode("idna").decode().lower()


def _is_allowed(host: str, port: int) -> bool:
    allowed = current_app.extensions["mado"].allow_private_hosts
    shown = f"[{host}]" if ":" in host else host
    return bool(allowed & {host, shown, f"{shown}:{port}"})


def _addresses(target: _Target, *, flags: int = 0) -> list[Address]:
    """Where the host is, asked once. Raise NotAllowed when any of it is not public."""
    if not target.is_allowed and target.port not in PORTS:
        raise NotAllowed(f"Port {target.port} is not called: it may belong to another service.")
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM, flags=flags)
    except (OSError, UnicodeError) as problem:
        raise Unreachable(f"{target.host} has no address.") from problem
    addresses = [ipaddress.ip_address(str(entry[4][0])) for entry in found]
    if not target.is_allowed and not all(map(is_public, addresses)):
        raise NotAllowed(f"{target.host} is not a public address.")
    return addresses


def is_public(address: Address) -> bool:
    """Whether this is somebody on the internet, and not us, our network or everybody."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if address in NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address.scope_id or address not in GLOBAL_UNICAST:
            return False
    is_tunnel = any(address.version == net.version and address in net for net in TUNNELS)
    return address.is_global and not (is_tunnel or address.is_multicast or address.is_reserved)


def _connect(target: _Target, addresses: list[Address], deadline: float) -> socket.socket:
    """A connection to the first checked address that takes one."""
    problem: OSError | None = None
    for address in addresses:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            return socket.create_connection((str(address), target.port), timeout=left)
        except OSError as refused:
            problem = refused
    raise Unreachable(f"{target.host} can't be reached.") from problem


def _exchange(
    target: _Target,
    raw: socket.socket,
    method: str,
    body: bytes | None,
    headers: Mapping[str, str],
    wanted: _Wanted,
) -> Answer:
    with _calling(target, raw, method, body, headers) as call:
        return _taken(target, call.getresponse(), wanted)


@contextmanager
def _calling(
    target: _Target,
    raw: socket.socket,
    method: str,
    body: bytes | None,
    headers: Mapping[str, str],
) -> Iterator[http.client.HTTPConnection]:
    # http.client makes the Host header from the name, and uses the connection that it finds.
    call = http.client.HTTPConnection(target.host, target.port)
    call.default_port = DEFAULT_PORTS[target.scheme]
    call.sock = _secured(raw, target.host) if target.scheme == "https" else raw
    sent = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", "Connection": "close"}
    try:
        call.request(method, target.path, body=body, headers={**sent, **headers})
        yield call
    finally:
        call.close()


def _secured(raw: socket.socket, host: str) -> socket.socket:
    return ssl.create_default_context().wrap_socket(raw, server_hostname=host)


def _not_elsewhere(
    target: _Target, response: http.client.HTTPResponse
) -> http.client.HTTPResponse:
    if 300 <= response.status < 400:
        raise BadAnswer(f"{target.host} leads elsewhere; redirects are not followed.")
    return response


def _taken(target: _Target, response: http.client.HTTPResponse, wanted: _Wanted) -> Answer:
    _not_elsewhere(target, response)
    content_type = response.headers.get_content_type()
    types = wanted.content_types
    if response.status < 300 and types and content_type not in types:
        raise BadAnswer(f"{target.host} sent something of another type.")
    too_much = BadAnswer(f"{target.host} sent more than {wanted.largest // 1000} KB.")
    if (response.length or 0) > wanted.largest:
        raise too_much
    body = response.read(wanted.largest + 1)
    if len(body) > wanted.largest:
        raise too_much
    if response.length:
        raise BadAnswer(f"{target.host} stopped in the middle.")
    return Answer(response.status, content_type, body)

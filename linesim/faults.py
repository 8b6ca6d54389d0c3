"""Faults to order: what LINE, or the way to it, does wrong now and then.

`before` faults refuse the call; `after` faults let LINE accept it and spoil the answer, so that the
message really arrives. Refuses to invent: each fault is something a caller of LINE has met.
"""

import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from flask import Response, jsonify

RATE_LIMIT = "The API rate limit has been exceeded. Try again later."
MONTHLY_LIMIT = "You have reached your monthly limit."
OTHER_LIMIT = "Too many messages have been sent to the same user."
KEY_ACCEPTED = "The retry key is already accepted"
NOT_UTF8 = "<html>サーバーエラー</html>".encode("shift_jis")
HTML_ERROR = "<html><head><title>500</title></head><body><h1>Internal Server Error</h1></body></html>"

BEFORE = {
    "202", "400", "400-reply-token", "401", "403", "404", "409", "409-with-ids", "410", "429", "429-monthly", "429-other",
    "429-retry-after", "500", "500-bytes", "500-html", "503", "reset", "timeout-before",
}
# How LINE's own webhook test went; whatever the bot server would have answered.
TESTS = {
    "test-could-not-connect": ("COULD_NOT_CONNECT", 0, "TLS handshake failure"),
    "test-timeout": ("REQUEST_TIMEOUT", 0, "Request timeout"),
    "test-401": ("ERROR_STATUS_CODE", 401, "401"),
    "test-403": ("ERROR_STATUS_CODE", 403, "403"),
    "test-404": ("ERROR_STATUS_CODE", 404, "404"),
    "test-302": ("ERROR_STATUS_CODE", 302, "302"),
    "test-502": ("ERROR_STATUS_CODE", 502, "502"),
    "test-unclassified": ("UNCLASSIFIED", 0, ""),
}
AFTER = {"500-after", "half-200", "odd-200", "odd-200-bytes", "odd-200-html", "reset-after", "timeout-after"}
ALL = BEFORE | AFTER | set(TESTS)
# What LINE answers in JSON, and bodies that are no answer of LINE's.
ERRORS = {
    "400": (400, "The request body has 1 error(s)"),
    "400-reply-token": (400, "Invalid reply token"),
    "401": (401, "Authentication failed. Confirm that the access token in the authorization header is valid."),
    "403": (403, "You cannot use this API with your plan"),
    "404": (404, "Not found"),
    "409": (409, KEY_ACCEPTED),
    "410": (410, "Gone"),
    "429": (429, RATE_LIMIT),
    "429-monthly": (429, MONTHLY_LIMIT),
    "429-other": (429, OTHER_LIMIT),
    "500": (500, "The API server encountered an unexpected error."),
    "500-after": (500, "The API server encountered an unexpected error."),
    "503": (503, "Service unavailable"),
}
BODIES = {
    "202": ("{}", 202, "application/json"),
    "500-bytes": (NOT_UTF8, 500, "text/html"),
    "500-html": (HTML_ERROR, 500, "text/html"),
    "odd-200": ("{}", 200, "application/json"),
    "odd-200-bytes": (NOT_UTF8, 200, "text/html"),
    "odd-200-html": ("<html>OK</html>", 200, "text/html"),
}
# As the page tells them.
WORDS = {
    "202": "202, still preparing",
    "400": "400, something in it is wrong",
    "400-reply-token": "400, invalid reply token",
    "403": "403, not in this plan",
    "404": "404",
    "409": "409, retry key accepted already",
    "409-with-ids": "409, with the message's ids",
    "410": "410, no longer there",
    "429-other": "429, too many to one person",
    "500-bytes": "500, bytes that are no text",
    "odd-200-bytes": "200, bytes that are no text",
    "429": "429, too fast",
    "429-retry-after": "429, again in 2 s",
    "429-monthly": "429, month's quota spent",
    "500": "500",
    "500-html": "500, as a web page",
    "503": "503",
    "401": "401, token refused",
    "timeout-before": "no answer for 30 s",
    "reset": "connection cut",
    "500-after": "500",
    "timeout-after": "no answer for 30 s",
    "reset-after": "connection cut",
    "half-200": "half an answer",
    "odd-200": "200 with an empty body",
    "odd-200-html": "200 with a web page",
    "test-could-not-connect": "could not connect (TLS)",
    "test-timeout": "timed out",
    "test-401": "was answered 401",
    "test-403": "was answered 403",
    "test-404": "was answered 404",
    "test-302": "was answered 302",
    "test-502": "was answered 502",
    "test-unclassified": "failed, nobody knows why",
}


class CutOff(ConnectionResetError):
    """The answer ends here on purpose; the server resets the connection and says nothing of it."""


@dataclass
class Fault:
    """`call` is the call's name or "*"; it strikes `times` times."""

    call: str
    what: str
    times: int = 1
    seconds: float = 30.0

    @property
    def comes_before(self) -> bool:
        return self.what in BEFORE

    @property
    def comes_after(self) -> bool:
        return self.what in AFTER

    def strikes(self, call: str) -> bool:
        return call == "webhook_test" if self.what in TESTS else self.call in (call, "*")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Faults:
    """The faults still to come, first ordered first served."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._release = threading.Event()

    def order(self, fault: Fault) -> None:
        if fault.what not in ALL:
            raise ValueError(f"no such fault: {fault.what!r}; there are {', '.join(sorted(ALL))}")
        with self._lock:
            self._faults.append(fault)

    def take(self, call: str) -> Fault | None:
        with self._lock:
            fault = next((f for f in self._faults if f.strikes(call)), None)
            if fault is not None:
                fault.times -= 1
                self._faults = [f for f in self._faults if f.times > 0]
            return fault

    def waiting(self) -> list[Fault]:
        with self._lock:
            return list(self._faults)

    def clear(self) -> None:
        """Forgets what is to come and lets go of the calls that hang."""
        with self._lock:
            self._faults.clear()
            release, self._release = self._release, threading.Event()
        release.set()

    def spoil(self, fault: Fault, answer: Response | None = None) -> Response:
        """The answer with the fault in it; `answer` is LINE's own when it accepted the call."""
        match fault.what:
            case "409-with-ids":
                return _error(409, KEY_ACCEPTED, sentMessages=[{"id": "461230966842064897"}])
            case "429-retry-after":
                return _error(429, RATE_LIMIT, {"Retry-After": "2"})
            case what if what in ERRORS:
                return _error(*ERRORS[what])
            case what if what in BODIES:
                body, status, type_ = BODIES[what]
                return Response(body, status, mimetype=type_)
            case "half-200":
                return _half(answer or Response("{}"))
            case "reset" | "reset-after":
                return Response(_cut_off())
            case _:
                return Response(_hang(fault.seconds, self._release))


def _error(status: int, message: str, headers: dict[str, str] | None = None, **rest: Any) -> Response:
    response = jsonify({"message": message} | rest)
    response.status_code = status
    response.headers.update(headers or {})
    return response


def _cut_off() -> Iterator[bytes]:
    """A body that never comes: the connection is reset instead of answered."""
    raise CutOff
    yield b""


def _hang(seconds: float, release: threading.Event) -> Iterator[bytes]:
    release.wait(seconds)
    raise CutOff
    yield b""


def _half(answer: Response) -> Response:
    """The headers promise the whole body, half of it comes, then the connection is cut."""
    whole = answer.get_data()

    def body() -> Iterator[bytes]:
        yield whole[: len(whole) // 2]
        raise CutOff

    return Response(body(), 200, {"Content-Length": str(len(whole))}, mimetype=answer.mimetype)

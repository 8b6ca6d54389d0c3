"""Webhooks out: signed, logged, in order from one background thread, redelivered when the switch is on.

Refuses to hold anything up: a customer's message is in the talk before its webhook leaves.
"""

import base64
import copy
import hashlib
import heapq
import hmac
import http.client
import itertools
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from linesim.calls import FROM_LINE, CallLog
from linesim.events import Event
from linesim.state import Sim

# With "reversed" on, webhooks gather for so long and then leave, the newest first.
GATHER_SECONDS = 3.0
# LINE counts a webhook as failed after two seconds.
ANSWER_SECONDS = 2.0
USER_AGENT = "LineBotWebhook/2.0"
# LINE's words for how a webhook call went.
OK, REFUSED, TIMED_OUT, NO_CONNECTION = "OK", "ERROR_STATUS_CODE", "REQUEST_TIMEOUT", "COULD_NOT_CONNECT"


@dataclass
class Delivery:
    """One webhook call with its attempts; `status` is the last answer, None when there was none."""

    events: list[Event]
    signature: str | None = None
    attempt: int = 0
    status: int | None = None
    outcome: str = ""
    tried: threading.Event = field(default_factory=threading.Event)

    def wait(self, seconds: float) -> bool:
        """Waits for the first attempt."""
        return self.tried.wait(seconds)


@dataclass
class Answer:
    status: int | None
    reason: str
    outcome: str = ""
    milliseconds: int = 0


class Courier:
    """Carries webhooks to the account's URL. Its thread starts with the first one."""

    def __init__(self, sim: Sim, calls: CallLog) -> None:
        self._sim, self._calls = sim, calls
        self._queue: list[tuple[float, int, Delivery]] = []
        self._order = itertools.count(1)
        self._gathered_until = 0.0
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False

    def send(self, events: list[Event], *, signature: str | None = None) -> Delivery:
        """Queues one call with these events. `signature` replaces the right one, for bad-signature trials."""
        delivery = Delivery(events, signature)
        account = self._sim.account
        self._push(delivery, delay=account.late_seconds)
        if account.twice:  # LINE: the same event may come again without being marked as redelivered
            self._push(Delivery(events, signature), delay=account.late_seconds)
        return delivery

    def redeliver(self, events: list[Event]) -> Delivery:
        """The same events again, marked as redelivered; their reply tokens live anew."""
        return self.send(self._redelivered(events))

    def forget(self) -> None:
        with self._wake:
            self._queue.clear()

    def close(self) -> None:
        with self._wake:
            self._closing = True
            self._wake.notify()

    def _push(self, delivery: Delivery, *, delay: float) -> None:
        with self._wake:
            heapq.heappush(self._queue, (*self._turn(delay), delivery))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
                self._thread.start()
            self._wake.notify()

    def _turn(self, delay: float) -> tuple[float, int]:
        """When it leaves, and its place among those that leave at the same moment."""
        moment, place = time.monotonic(), next(self._order)
        if not self._sim.account.reversed:
            return moment + delay, place
        if self._gathered_until < moment:
            self._gathered_until = moment + GATHER_SECONDS
        return self._gathered_until + delay, -place

    def _run(self) -> None:
        while (delivery := self._next()) is not None:
            self._attempt(delivery)

    def _next(self) -> Delivery | None:
        with self._wake:
            while not self._closing:
                due = self._queue[0][0] - time.monotonic() if self._queue else None
                if due is not None and due <= 0:
                    return heapq.heappop(self._queue)[2]
                self._wake.wait(due)
            return None

    def _attempt(self, delivery: Delivery) -> None:
        account = self._sim.account
        if not (account.use_webhook and account.webhook_url):
            answer = Answer(None, NO_CONNECTION, "not sent: no webhook URL, or Use webhook is off")
        else:
            answer = self._post_events(delivery)
        delivery.status, delivery.outcome = answer.status, answer.outcome
        self._record(delivery, answer)
        delivery.tried.set()
        if account.use_webhook and not _is_success(answer.status):
            self._try_later(delivery)

    def _post_events(self, delivery: Delivery) -> Answer:
        account = self._sim.account
        body = encode({"destination": account.user_id, "events": delivery.events})
        signature = delivery.signature or sign(account.channel_secret, body)
        return post(account.webhook_url, body, signature)

    def _try_later(self, delivery: Delivery) -> None:
        account = self._sim.account
        if not account.redelivery or delivery.attempt >= len(account.redelivery_seconds):
            return
        delay = account.redelivery_seconds[delivery.attempt]
        delivery.attempt += 1
        delivery.events = self._redelivered(delivery.events)
        self._push(delivery, delay=delay)

    def _redelivered(self, events: list[Event]) -> list[Event]:
        copies = copy.deepcopy(events)
        with self._sim.lock:
            for event in copies:
                event["deliveryContext"] = {"isRedelivery": True}
                self._sim.renew_reply_token(event.get("replyToken", ""))
        return copies

    def _record(self, delivery: Delivery, answer: Answer) -> None:
        kinds = ", ".join(event.get("type", "?") for event in delivery.events)
        again = f"redelivery {delivery.attempt}. " if delivery.attempt else ""
        self._calls.record(
            direction=FROM_LINE,
            name=kinds or "verify",
            method="POST",
            path=self._sim.account.webhook_url,
            status=answer.status,
            milliseconds=answer.milliseconds,
            request={"events": delivery.events},
            note=again + answer.outcome,
        )


def sign(secret: str, body: bytes) -> str:
    """x-line-signature: base64 of HMAC-SHA256 with the channel secret over the raw body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def encode(body: dict[str, Any]) -> bytes:
    """Compact JSON with plain UTF-8, as LINE sends it; escaped only where UTF-8 can't hold it."""
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(body, separators=(",", ":")).encode()


def post(url: str, body: bytes, signature: str) -> Answer:
    """One POST to the bot server, without redirects, for at most ANSWER_SECONDS."""
    started = time.monotonic()
    answer = _try_to_post(url, body, signature)
    answer.milliseconds = round((time.monotonic() - started) * 1000)
    return answer


def _try_to_post(url: str, body: bytes, signature: str) -> Answer:
    try:
        status = _status_of_post(url, body, signature)
    except TimeoutError:
        return Answer(None, TIMED_OUT, f"no answer within {ANSWER_SECONDS:g} s")
    except (OSError, http.client.HTTPException, ValueError) as problem:
        return Answer(None, NO_CONNECTION, f"could not connect: {problem}")
    if _is_success(status):
        return Answer(status, OK)
    return Answer(status, REFUSED, f"the bot server answered {status}")


def _status_of_post(url: str, body: bytes, signature: str) -> int:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, _headers(signature))
        return connection.getresponse().status
    finally:
        connection.close()


def _headers(signature: str) -> dict[str, str]:
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": USER_AGENT,
        "x-line-signature": signature,
        "Connection": "close",
    }


def _is_success(status: int | None) -> bool:
    return status is not None and 200 <= status < 300

"""Files that LINE's users sent, streamed from LINE's content host (LINE.md 2.6, 5.3).

Not by the SDK: it holds a whole film in memory and takes a 202 for an empty one. urllib3 instead,
without retries of its own; what goes wrong becomes a decision.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from flask import current_app

from app.channels.base import Download, Gone, NotReady, TemporaryError, WantedFile
from app.channels.line.credentials import Credentials

CONNECT_SECONDS = 3.05
READ_SECONDS = 10.0  # from one piece to the next
WHOLE_SECONDS = 600.0
PIECE_BYTES = 128 * 1024
SMALL_ANSWER_BYTES = 10_000
# What stands where a file should be when something on the way answers instead of LINE.
PAGES = ("text/html", "application/json")
GONE = frozenset({404, 410})

NO_LONGER = "LINE has it no more."
NOT_PREPARED = "LINE could not prepare it."

_lock = threading.Lock()
_pools: list[Any] = []


@contextmanager
def download(file: WantedFile) -> Iterator[Download]:
    """The bytes of one file, its connection open meanwhile."""
    token = Credentials.of(file.channel).token
    with _asked(token, file.message_id, "content") as response:
        _judge(response, file, token)
        yield Download(response.length_remaining, _pieces(response))


def _judge(response: Any, file: WantedFile, token: str) -> None:
    """Nothing for an answer that holds the file. Raise what any other one means."""
    status = response.status
    if status == 202:
        _raise_preparation(file, token)
    if status in GONE:
        raise Gone(NO_LONGER)
    if status == 401:
        raise TemporaryError("LINE refused the channel access token.", breaks_channel=True)
    if status != 200:
        raise TemporaryError(f"LINE answered {status}.")
    type_ = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if file.kind != "file" and type_ in PAGES:
        raise TemporaryError("Something else came instead of the file.")


def _raise_preparation(file: WantedFile, token: str) -> None:
    """202: a large film is being prepared. How far that is, its own call tells."""
    with _asked(token, file.message_id, "content/transcoding") as response:
        body = response.read(SMALL_ANSWER_BYTES) if response.status == 200 else b""
    if b'"failed"' in body:
        raise Gone(NOT_PREPARED)
    raise NotReady("LINE is still preparing it.")


def _pieces(response: Any) -> Iterator[bytes]:
    """Until the end; a cut connection, a stall and a drip raise TemporaryError."""
    deadline = time.monotonic() + WHOLE_SECONDS
    with _in_words():
        while piece := response.read1(PIECE_BYTES):
            if time.monotonic() > deadline:
                raise TemporaryError("LINE sent it too slowly.")
            yield piece


@contextmanager
def _asked(token: str, message_id: str, what: str) -> Iterator[Any]:
    host = current_app.extensions["mado"].line_data_api_url
    url = f"{host}/v2/bot/message/{quote(message_id, safe='')}/{what}"
    with _in_words():
        response = _pool().request(
            "GET",
            url,
            headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"},
            preload_content=False,
            decode_content=False,
            redirect=False,
        )
    try:
        yield response
    finally:
        response.close()  # what was not read to its end can't be used again


@contextmanager
def _in_words() -> Iterator[None]:
    from urllib3.exceptions import HTTPError

    try:
        yield
    except HTTPError as problem:
        raise TemporaryError("The connection to LINE broke.") from problem


def _pool() -> Any:
    """One for all threads; urllib3 is imported when the first file comes."""
    from urllib3 import PoolManager, Timeout

    with _lock:
        if not _pools:
            timeout = Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
            _pools.append(PoolManager(retries=False, timeout=timeout, maxsize=4))
        return _pools[0]

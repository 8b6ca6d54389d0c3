"""line-bot-sdk, loaded only when something is sent, and calls for which it is too much.

Importing it costs a second and 66 MB (LINE.md 5.1). One client per channel and token, no retries
of its own, a timeout on every call; what it raises becomes a decision.
"""

import threading
from functools import cache
from typing import Any

from flask import current_app

CONNECT_SECONDS = 3.05
READ_SECONDS = 10.0
TIMEOUT = (CONNECT_SECONDS, READ_SECONDS)

_clients: dict[tuple[str, str], Any] = {}
_lock = threading.Lock()


def messaging(token: str) -> Any:
    """The Messaging API for this token, shared by all threads."""
    from linebot.v3.messaging import ApiClient, Configuration, MessagingApi

    host = current_app.extensions["mado"].line_api_url
    with _lock:
        if (host, token) not in _clients:
            configuration = Configuration(access_token=token, host=host)
            configuration.retries = False
            _clients[host, token] = MessagingApi(ApiClient(configuration))
        return _clients[host, token]


def forget(token: str) -> None:
    """Drop the client of a token that was replaced."""
    with _lock:
        for key in [key for key in _clients if key[1] == token]:
            del _clients[key]


@cache
def _pool() -> Any:
    from urllib3 import PoolManager  # with the first question: most commands ask none

    return PoolManager(retries=False)


def call(method: str, path: str, **options: Any) -> Any:
    """One call without the SDK: urllib3's answer, whatever its status, or an HTTPError."""
    from urllib3 import Timeout

    connect, read = TIMEOUT
    url = f"{current_app.extensions['mado'].line_api_url}{path}"
    timeout = Timeout(connect=connect, read=read)
    return _pool().request(method, url, redirect=False, timeout=timeout, **options)

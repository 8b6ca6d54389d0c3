"""A Redis that freezes, is full or comes late: nothing but the speed of wake-ups hangs on it (F9)."""

import json
import shutil
import signal
import time
from collections.abc import Iterator

import pytest
import redis

from tests.channels.line_posts import text_event
from tests.conftest import missing
from tests.faults.services import Redis
from tests.live.pages import Page, connect
from tests.processes.servers import Mado, soon
from tests.processes.visits import cookie_of, prepared, send, signed_in

CALLS = 10


@pytest.fixture
def own_redis(production: Mado) -> Iterator[Redis]:
    if not shutil.which("redis-server"):
        missing("redis-server")
    server = Redis()
    production.env["REDIS_URL"] = server.url
    yield server
    server.stop()


def page_of(mado: Mado) -> Page:
    """One that hears of new chats; of several processes it is at one."""
    cookie = f"Cookie: {cookie_of(signed_in(mado))}\r\nOrigin: {mado.url}\r\n"
    page = connect(mado.port, offer=cookie)
    page.say(json.dumps({"subscribe": ["chats"]}))
    soon(lambda: hears(page, "subscribed"))
    return page


def hears(page: Page, wanted: str) -> bool:
    frame = page.read(60)
    return frame is not None and wanted in frame.payload.decode()


def told(hook: str, page: Page, said: str) -> list[float]:
    """How long calls took, each of somebody else; the page heard of the last."""
    seconds = []
    for number in range(CALLS):
        event = text_event(f"{said} {number}", user=f"U{said}{number}")
        began = time.monotonic()
        assert send(hook, event) == 200
        seconds.append(time.monotonic() - began)
    soon(lambda: hears(page, f"{said} {CALLS - 1}"))
    return seconds


def test_frozen_redis_keeps_nobody_waiting(production: Mado, own_redis: Redis):
    _, hook = prepared(production)
    production.start_web(workers=2)
    page = page_of(production)
    told(hook, page, "before")

    own_redis.process.send_signal(signal.SIGSTOP)
    seconds = told(hook, page, "meanwhile")
    own_redis.process.send_signal(signal.SIGCONT)

    assert sorted(seconds)[CALLS // 2] < 1.0  # not one waited for Redis's timeout of 2 s
    told(hook, page, "afterwards")
    page.sock.close()


def test_full_redis_keeps_nobody_waiting(production: Mado, own_redis: Redis):
    _, hook = prepared(production)
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("maxmemory", "1")
    production.start_web(workers=2)
    page = page_of(production)

    told(hook, page, "hello")
    page.sock.close()


def test_redis_that_comes_late_is_used_from_then_on(production: Mado, own_redis: Redis):
    _, hook = prepared(production)
    own_redis.stop()
    production.start_web(workers=2)
    page = page_of(production)
    told(hook, page, "without")

    own_redis.start()

    with redis.Redis.from_url(own_redis.url) as client:
        soon(lambda: client.pubsub_numsub("mado:wake")[0][1] > 0)
    told(hook, page, "with")
    page.sock.close()

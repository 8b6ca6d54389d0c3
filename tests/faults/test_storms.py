"""A thousand open pages on one process: all of them come at once, hear the next news, and leave."""

import resource
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.live.service import MOST_PAGES
from bench import cpu
from bench.sockets import Crowd, Page
from linesim.webhooks import ANSWER_SECONDS
from tests.channels.line_posts import text_event
from tests.conftest import missing
from tests.processes.servers import DEADLINE_SECONDS, Mado, soon
from tests.processes.visits import cookie_of, prepared, send, signed_in

PAGES = 1000
# Theirs and ours, with what both have open anyway; gunicorn takes a quarter of what it may have.
DESCRIPTORS = 4 * PAGES + 96
# More than the server has threads, so that they are all taken until everybody is back.
CALLERS = 32
PAUSE_SECONDS = 0.05
# 6 KB each, as `python -m bench crowds` measures, and what a busy server's threads allocate once.
MOST_MEGABYTES = 20


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """As many as the system lets us have; a server that is started inherits them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < DESCRIPTORS:
        missing(f"the right to {DESCRIPTORS} open files (ulimit -Hn says {hard})")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, DESCRIPTORS), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Calls:
    """LINE calls meanwhile, one call after another; how long each answer took."""

    def __init__(self, hook: str) -> None:
        self._hook, self._over = hook, threading.Event()
        self.answers: Counter[int] = Counter()
        self.seconds: list[float] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Calls":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(DEADLINE_SECONDS)

    def _run(self) -> None:
        while not self._over.wait(PAUSE_SECONDS):
            began = time.monotonic()
            event = text_event(f"meanwhile {len(self.seconds)}")
            self.answers[send(self._hook, event, seconds=DEADLINE_SECONDS)] += 1
            self.seconds.append(time.monotonic() - began)


def come_at_once(port: int, cookies: list[str]) -> Crowd:
    """All pages, none of which waits for another; a page that is turned away is an error."""
    with ThreadPoolExecutor(CALLERS) as callers:
        sessions = [cookies[number % len(cookies)] for number in range(PAGES)]
        return Crowd(callers.map(lambda cookie: Page(port, cookie), sessions))


def hear(crowd: Crowd, wanted: str) -> float:
    """How many seconds it takes until every page has been told this."""
    waits, _ = crowd.arrivals(time.perf_counter(), lambda text: wanted.encode() in text)
    return max(waits)


def subscribe(crowd: Crowd) -> None:
    for page in crowd.pages:
        page.say({"subscribe": ["chats", "cases"]})


def test_thousand_pages_that_come_at_once_are_told_and_hold_up_no_call(
    embedded: Mado, many_descriptors: None
):  # F21
    _, hook = prepared(embedded)
    pids = cpu.tree(embedded.start_embedded().pid)
    cookies = [cookie_of(signed_in(embedded)) for _ in range(PAGES // MOST_PAGES)]
    assert send(hook, text_event("before")) == 200
    megabytes, files = cpu.anonymous_megabytes(pids), cpu.descriptors(pids)

    began = time.monotonic()
    with Calls(hook) as calls:
        crowd = come_at_once(embedded.port, cookies)
        subscribe(crowd)
        subscribed = hear(crowd, "subscribed")
    back = time.monotonic() - began
    assert send(hook, text_event("The next news")) == 200
    told = hear(crowd, "The next news")

    assert back < DEADLINE_SECONDS  # five on a quiet machine
    assert set(calls.answers) == {200}
    assert max(calls.seconds) < ANSWER_SECONDS
    assert max(subscribed, told) < ANSWER_SECONDS
    assert cpu.anonymous_megabytes(pids) - megabytes < MOST_MEGABYTES
    crowd.close()
    soon(lambda: cpu.descriptors(pids) < files + CALLERS)

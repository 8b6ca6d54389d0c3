"""Told to stop, renewed or frozen instead of killed: nobody is refused, and nothing is done twice."""

import http.client
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import create_engine, update

from app.clock import now
from app.models import Case
from tests.channels.line_posts import text_event
from tests.faults.killer import children
from tests.faults.sender import numbered
from tests.live.pages import CLOSE, Page, connect
from tests.processes.servers import DEADLINE_SECONDS, Mado, soon
from tests.processes.visits import cookie_of, prepared, send, signed, signed_in, texts

CALLS, PAGES = 200, 50
CALLERS = 4
QUIET = 20
CASES = Case.__table__


def under_way(hook: str, number: int) -> http.client.HTTPConnection:
    """A call that was made and not answered yet."""
    call = http.client.HTTPConnection(urlsplit(hook).netloc, timeout=DEADLINE_SECONDS)
    call.request("POST", urlsplit(hook).path, *signed(numbered(number)))
    return call


def farewell(page: Page) -> int:
    """The code that it is closed with, after whatever news came before."""
    while (frame := page.read()) is not None and frame.opcode != CLOSE:
        pass
    assert frame is not None
    return frame.code


def test_sigterm_answers_every_call_under_way_and_says_goodbye_to_pages(embedded: Mado):  # F26
    token, hook = prepared(embedded)
    server = embedded.start_embedded()
    cookie = f"Cookie: {cookie_of(signed_in(embedded))}\r\nOrigin: {embedded.url}\r\n"
    pages = [connect(embedded.port, offer=cookie) for _ in range(PAGES)]
    calls = [under_way(hook, number) for number in range(CALLS)]

    server.send_signal(signal.SIGTERM)

    assert Counter(call.getresponse().status for call in calls) == {200: CALLS}
    assert [farewell(page) for page in pages] == [1012] * PAGES
    assert server.wait(DEADLINE_SECONDS) == 0
    embedded.start_embedded()
    assert sorted(texts(embedded, token)) == sorted(f"event {n}" for n in range(CALLS))


def test_renewed_workers_refuse_no_call(production: Mado):  # F27
    token, hook = prepared(production)
    web = production.start_web(workers=2)
    old, is_done = set(children(web.pid)), threading.Event()

    def call_until_done(caller: int) -> list[str]:
        said: list[str] = []
        while not is_done.is_set():
            said.append(f"{caller}: {len(said)}")
            event = text_event(said[-1], user=f"U{caller:032x}")
            assert send(hook, event, seconds=DEADLINE_SECONDS) == 200
        return said

    with ThreadPoolExecutor(CALLERS) as crowd:
        callers = [crowd.submit(call_until_done, caller) for caller in range(CALLERS)]
        web.send_signal(signal.SIGHUP)
        soon(lambda: not old & set(children(web.pid)))
        is_done.set()
        said = [caller.result() for caller in callers]

    assert min(map(len, said)) > 1
    found = [
        production.get(f"/api/v1/cases/{number + 1}/messages?limit=200", token)["items"]
        for number in range(CALLERS)
    ]
    assert sorted([one["text"] for one in items] for items in found) == said


def test_frozen_scheduler_does_what_is_overdue_once(production: Mado):  # F25
    token, hook = prepared(production)
    production.start_web()
    scheduler = production.start("scheduler.py")
    soon(lambda: production.get("/readyz", token)["scheduler_last_tick"])
    scheduler.send_signal(signal.SIGSTOP)
    people = [f"U{number:032x}" for number in range(QUIET)]
    assert [send(hook, text_event("hello", user=user)) for user in people] == [200] * QUIET
    engine = create_engine(production.env["DATABASE_URL"].replace("://", "+psycopg://", 1))
    with engine.begin() as connection:
        hour_ago = now() - timedelta(hours=1)
        connection.execute(update(CASES).values(last_activity_at=hour_ago))
    engine.dispose()

    scheduler.send_signal(signal.SIGCONT)

    soon(lambda: not production.get("/api/v1/cases?chat=active", token)["items"])
    told = [
        [one["type"] for one in production.get(f"/api/v1/cases/{number}/events", token)["items"]]
        for number in range(1, QUIET + 1)
    ]
    assert [kinds.count("chat.ended") for kinds in told] == [1] * QUIET

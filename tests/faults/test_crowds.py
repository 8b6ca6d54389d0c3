"""Many at once: the same call, a burst, and pages that never read."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from linesim.serving import Running
from tests.channels.line_posts import text_event
from tests.faults import burst, trial
from tests.live.pages import Page, connect
from tests.processes.servers import Mado, soon
from tests.processes.visits import cookie_of, prepared, send, signed_in, texts

CROWD = 20
# The start of each is shown in every page's icon, whose frames grow with each chat that waits: in all they are
# about twice what the system's buffers and the hub's own queue (MAX_UNSENT_BYTES) hold.
PEOPLE, LONG = 30, " สวัสดี" * 100
RECEIVE_BYTES = 4096


def test_twenty_same_calls_at_once_to_two_processes_are_one_message(production: Mado):  # F12, T3
    token, hook = prepared(production)
    production.start_web(workers=2)
    event = text_event("once")

    with ThreadPoolExecutor(CROWD) as crowd:
        answers = list(crowd.map(lambda _: send(hook, event), range(CROWD)))

    assert answers == [200] * CROWD
    assert texts(production, token) == ["once"]
    kinds = [event["type"] for event in production.get("/api/v1/cases/1/events", token)["items"]]
    assert kinds == ["case.created", "message.received"]


def test_burst_is_stored_and_shown_once_while_agents_work(
    embedded: Mado, line: Running, tmp_path: Path
):  # F22
    with (tmp_path / "log").open("wb") as embedded.log:
        outcome = trial.run(embedded, line, trial.EMBEDDED, burst.plan(events=1000))

    assert outcome.wrong() == {}
    assert outcome.browsing.answers[200] > 0
    assert outcome.browsing.answers.keys() <= {200, 503}
    assert outcome.drain_seconds <= burst.DRAINED_SECONDS


def heard(page: Page, wanted: str) -> bool:
    frame = page.read(60)
    return frame is not None and wanted.encode() in frame.payload


def is_dropped(page: Page) -> bool:
    """Whether the server has cut it off, once whatever had arrived is read."""
    try:
        while page.sock.recv(65536):
            pass
        return False
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True
    finally:
        page.sock.close()


def test_pages_that_never_read_are_dropped_and_keep_nothing_from_the_others(embedded: Mado):  # F19
    _, hook = prepared(embedded)
    embedded.start_embedded()
    cookie = f"Cookie: {cookie_of(signed_in(embedded))}\r\nOrigin: {embedded.url}\r\n"
    *asleep, awake = [connect(embedded.port, offer=cookie) for _ in range(CROWD)]
    for page in asleep:
        page.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    for page in (*asleep, awake):
        page.say(json.dumps({"subscribe": ["chats"]}))
    soon(lambda: heard(awake, "subscribed"))

    for number in range(PEOPLE):
        word = f"Number {number}:"
        assert send(hook, text_event(word + LONG, user=f"U{number:032x}")) == 200
        soon(lambda word=word: heard(awake, word))

    assert [is_dropped(page) for page in asleep] == [True] * len(asleep)
    awake.sock.close()

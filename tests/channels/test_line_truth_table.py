"""What LINE can answer to a reply and to a push, and what becomes of the message (L6, L7, L8).

One table for LINE.md 2.2 to 2.4 and 5.3. Each row runs through the simulator and both databases: the
state, the words, when and how it is tried again, and how often it arrived in the end.
"""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app import transaction
from app.channels.line import client
from app.domain import call_failures, chats, messages
from app.extensions import db
from app.models import Case, Channel, Delivery, Message
from tests.channels import line_sending
from tests.channels.line_sending import (
    HASTY,
    PATIENT,
    PERHAPS,
    TOKEN,
    arrived,
    ask,
    deliver,
    keys,
    point_at,
    waiting,
)
from tests.world import receive, said

pytestmark = pytest.mark.usefixtures("asked")

line = line_sending.line
asked = line_sending.asked
somchai = line_sending.somchai
channel = line_sending.channel

NOBODY_THERE = "nobody there"


@dataclass(frozen=True)
class Row:
    """After the first try: the state, its words, seconds until the next one and its method; and
    how often the message has arrived when nothing goes wrong any more."""

    what: str
    way: str
    state: str
    words: str
    again_after: float | None
    method: str | None
    arrived: int


def sent(what: str, way: str, arrived: int = 1) -> Row:
    return Row(what, way, "sent", "", None, None, arrived)


def failed(what: str, way: str, words: str) -> Row:
    return Row(what, way, "failed", words, None, None, 0)


def unconfirmed(what: str, words: str, arrived: int) -> Row:
    return Row(what, "reply", "unconfirmed", f"{words} {PERHAPS}", None, None, arrived)


def again(what: str, way: str, words: str, after: float = 1.0, method: str = "") -> Row:
    return Row(what, way, "queued", words, after, method or way, 1)


NO_ANSWER = "LINE did not answer in time."
CUT = "The connection to LINE broke off before it answered."
OWN_FAILURE = "LINE had a failure of its own."
SLOWLY = "LINE asks to send more slowly."
SPENT = "This month's LINE messages are used up."
REFUSED_TOKEN = "LINE refused the channel access token. An admin can issue a new one"
NO_PLAN = "LINE does not allow this for the account's plan. An admin can look at it"

TABLE = [
    # What both come to alike.
    *(sent(what, way) for what in ("nothing", "odd-200", "odd-200-bytes", "odd-200-html") for way in ("reply", "push")),
    *(failed("400", way, "LINE refused the message: The request body has 1 error(s). Write it in") for way in ("reply", "push")),
    *(failed("403", way, NO_PLAN) for way in ("reply", "push")),
    *(failed("404", way, "LINE refused the message: Not found.") for way in ("reply", "push")),
    *(again("401", way, REFUSED_TOKEN) for way in ("reply", "push")),
    *(again("429", way, SLOWLY) for way in ("reply", "push")),
    *(again("429-other", way, SLOWLY) for way in ("reply", "push")),
    *(again("429-retry-after", way, SLOWLY, after=2.0) for way in ("reply", "push")),
    again("429-monthly", "reply", SPENT, after=30.0),
    again("429-monthly", "push", SPENT, after=30.0),
    *(again(NOBODY_THERE, way, "LINE could not be reached.") for way in ("reply", "push")),
    # A reply has no key: what may have arrived is never repeated by itself.
    again("400-reply-token", "reply", "LINE's free reply had run out.", after=0.0, method="push"),
    unconfirmed("409", "LINE says that it has this already.", 0),
    unconfirmed("409-with-ids", "LINE says that it has this already.", 0),
    unconfirmed("500", OWN_FAILURE, 0),
    unconfirmed("500-html", OWN_FAILURE, 0),
    unconfirmed("500-bytes", OWN_FAILURE, 0),
    unconfirmed("503", OWN_FAILURE, 0),
    unconfirmed("500-after", OWN_FAILURE, 1),
    unconfirmed("timeout-before", NO_ANSWER, 0),
    unconfirmed("timeout-after", NO_ANSWER, 1),
    unconfirmed("reset", CUT, 0),
    unconfirmed("reset-after", CUT, 1),
    unconfirmed("half-200", CUT, 1),
    # A push has one: it is repeated with it, and arrives once.
    failed("400-reply-token", "push", "LINE refused the message: Invalid reply token."),
    sent("409", "push", arrived=0),
    sent("409-with-ids", "push", arrived=0),
    again("500", "push", OWN_FAILURE),
    again("500-html", "push", OWN_FAILURE),
    again("500-bytes", "push", OWN_FAILURE),
    again("503", "push", OWN_FAILURE),
    again("500-after", "push", OWN_FAILURE),
    again("timeout-before", "push", NO_ANSWER),
    again("timeout-after", "push", NO_ANSWER),
    again("reset", "push", CUT),
    again("reset-after", "push", CUT),
    again("half-200", "push", CUT),
]  # fmt: skip
EVERY_ROW = pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.way} {row.what}")
ANSWERED = {"400": 400, "401": 401, "403": 403, "404": 404, "429": 429, "500-html": 500, "timeout-before": None}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def queue(app, line, channel, somchai, alice, clock, monkeypatch):
    """A function that queues a message to go out one way, with the fault that waits for it."""

    def do(what: str, way: str) -> Message:
        token = ask(line, "POST", f"customers/{somchai}/messages", text="hi")["replyToken"]
        receive(channel, said("hi", who=somchai, reply_token={"reply": token, "push": None}[way]))
        monkeypatch.setattr(client, "TIMEOUT", HASTY if what.startswith("timeout") else PATIENT)
        order = {NOBODY_THERE: lambda: point_at(app, "http://127.0.0.1:9", monkeypatch), "nothing": lambda: None}
        order.get(what, lambda: ask(line, "POST", "faults", call=way, what=what, times=1, seconds=3))()
        chat = db.session.scalars(select(Case)).one()
        with transaction.writing():
            return chats.reply(chat, "Hello", by=alice)

    return do


@EVERY_ROW
def test_first_try_comes_to_its_state_and_its_words(row, queue):
    message = queue(row.what, row.way)

    assert deliver(1) == 1

    told = message.error or getattr(messages.delivery_of(message), "problem", None) or ""
    assert message.state == row.state
    assert told.startswith(row.words)


@pytest.mark.parametrize("row", [row for row in TABLE if row.again_after is not None], ids=lambda row: f"{row.way} {row.what}")  # fmt: skip
def test_next_try_comes_when_and_how_it_should(row, queue):
    message = queue(row.what, row.way)
    deliver(1)

    problem, seconds, method = waiting(message)

    assert problem.startswith(row.words)
    assert (seconds, method) == (row.again_after, row.method)


@EVERY_ROW
def test_in_the_end_it_has_arrived_once_or_its_state_says_otherwise(
    row, queue, app, line, somchai, clock, monkeypatch
):
    message = queue(row.what, row.way)
    deliver(1)
    monkeypatch.setattr(client, "TIMEOUT", PATIENT)
    point_at(app, line.url, monkeypatch)
    clock.shift(timedelta(seconds=row.again_after or 600))
    deliver(5)

    assert message.state == {"queued": "sent"}.get(row.state, row.state)
    assert arrived(line, somchai) == row.arrived
    assert len(keys(line)) <= 1


@pytest.mark.parametrize("way", ["reply", "push"])
@pytest.mark.parametrize(("what", "status"), ANSWERED.items())
def test_failed_call_is_kept_with_what_lines_support_asks_for(way, what, status, queue, channel, line):
    queue(what, way)
    deliver(1)

    (failure,) = call_failures.of_channel(channel.id)
    logged = ask(line, "GET", f"calls?name={way}")["items"][-1]
    assert (failure.call, failure.status) == (way, status)
    assert failure.request_id == {None: None}.get(status, logged["request_id"])
    assert "Hello" not in failure.reason
    assert TOKEN not in failure.reason


@pytest.mark.parametrize("what", ["400-reply-token", "400", "403"])
def test_refusal_after_a_try_that_nobody_answered_is_unconfirmed_and_never_a_push(
    what, queue, line, clock
):  # L6
    message = queue(what, "reply")
    with transaction.writing():
        db.session.execute(update(Delivery).values(is_ambiguous=True))
    deliver(1)
    clock.shift(timedelta(hours=1))
    deliver(5)

    assert message.state == "unconfirmed"
    assert message.error.endswith("An earlier try may have arrived.")
    assert keys(line) == set()


def test_push_refused_after_a_try_that_nobody_answered_is_unconfirmed(queue, line, clock, monkeypatch):  # L8
    message = queue("timeout-after", "push")
    deliver(1)
    monkeypatch.setattr(client, "TIMEOUT", PATIENT)
    ask(line, "POST", "faults", call="push", what="403", times=1)
    clock.shift(timedelta(seconds=1))
    deliver(1)

    assert message.state == "unconfirmed"


def test_refused_token_breaks_the_channel_until_a_call_succeeds(queue, channel, clock):
    queue("401", "push")
    deliver(1)
    assert db.session.get_one(Channel, channel.id).problem.startswith(REFUSED_TOKEN)

    clock.shift(timedelta(seconds=1))
    deliver(1)
    assert db.session.get_one(Channel, channel.id).problem is None


@pytest.mark.parametrize("way", ["reply", "push"])
def test_body_that_line_could_never_take_is_failed_and_not_called_sent(way, queue):  # L5
    message = queue("nothing", way)
    with transaction.writing():
        db.session.execute(update(Delivery).values(body="[]"))
    deliver(1)

    assert message.state == "failed"

"""The trial's own counting: how many strikes were kills, and which calls waited for an answer in vain."""

import threading
from random import Random
from unittest.mock import Mock

import pytest
from flask import Flask

from linesim.serving import listen
from tests.faults import sender
from tests.faults.__main__ import unanswered
from tests.faults.killer import Hit, Killer
from tests.faults.sender import CUT_OFF, UNANSWERED, Late, Sender, numbered

PATIENCE_SECONDS = 30.0


def killer(*hits: Hit, kills: int = 0, others: int = 0) -> Killer:
    """One that may kill web, or freeze or cut something else; these are its hits so far."""
    parts = {"web": Mock()}, {"Redis asleep": Mock(), "connections": Mock()}
    made = Killer(Mock(), *parts, Mock(count=100), Random(1), kill_count=kills, other_count=others)
    made.hits += hits
    return made


def test_other_strikes_come_in_addition_to_the_kills():
    striking = killer(kills=5, others=2)

    striking.start()
    striking.join(PATIENCE_SECONDS)

    assert striking.killed == 5
    assert striking.struck == {"web": 5, "Redis asleep": 1, "connections": 1}


@pytest.mark.parametrize(
    ("began", "ended", "was_ready"),
    [(7, 9, True), (9, 11, False), (11, 13, False), (9, 13, False), (13, 15, True)],
)
def test_mado_was_ready_while_no_strike_lasted(began: float, ended: float, was_ready: bool):
    assert killer(Hit("web", began=10, ready=12)).was_ready(began, ended) is was_ready


def test_calls_that_waited_in_vain_are_told_apart_by_whether_a_strike_lasted():
    striking = killer(Hit("web", began=10, ready=12), Hit("Redis asleep", began=20, ready=20.1))
    late = [
        Late(11, 13, UNANSWERED),
        Late(21, 23, UNANSWERED),
        Late(22, 24, UNANSWERED),
        Late(25, 26.5, 200),
        Late(9, 10.5, CUT_OFF),
    ]

    ready, struck = unanswered(late, striking)

    assert (ready.value, ready.goal, ready.note) == (2, "<= 0", "after Redis asleep: 2")
    assert (struck.value, struck.goal, struck.note) == (1, "", "after web: 1")


def test_call_without_an_answer_is_the_slowest(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sender, "ANSWER_SECONDS", 0.3)
    is_over, held = threading.Event(), iter([True])
    app = Flask("held")

    @app.post("/hook")
    def take() -> str:
        if next(held, False):
            is_over.wait(PATIENCE_SECONDS)
        return ""

    server = listen(app, "127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    hook = f"http://127.0.0.1:{server.server_port}/hook"
    calling = Sender(hook, 1, numbered, Random(1), copies=1)
    calling.start()
    calling.join(PATIENCE_SECONDS)
    is_over.set()
    server.shutdown()
    server.server_close()

    assert calling.answers[UNANSWERED] >= 1 and calling.answers[200] == 1
    assert calling.slowest >= 0.3
    assert calling.late[0].answer == UNANSWERED

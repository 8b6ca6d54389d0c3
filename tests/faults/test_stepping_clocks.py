"""Clocks of real processes that step: what is due is done once, and nothing waits for an hour to come again (F14)."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import requests
from sqlalchemy import Engine, create_engine, func, select

from app.models import Case
from linesim.current import KEY
from linesim.serving import Running
from linesim.state import FRIEND, Customer, Sim
from tests.channels.line_posts import text_event
from tests.faults.clocks import Clock
from tests.processes.servers import Mado, soon
from tests.processes.visits import prepared, send

HOUR = timedelta(hours=1)
QUIET = 10
PEOPLE = [f"U{number:032x}" for number in range(QUIET)]
ANSWER = "We are open until six."


def told_by(mado: Mado) -> datetime:
    """What the web process takes for the present."""
    return parsedate_to_datetime(requests.get(f"{mado.url}/healthz", timeout=5).headers["Date"])


def newest_activity(engine: Engine) -> datetime:
    with engine.connect() as connection:
        return connection.execute(select(func.max(Case.last_activity_at))).scalar_one()


def active(mado: Mado, token: str) -> list[int]:
    return [one["number"] for one in mado.get("/api/v1/cases?chat=active", token)["items"]]


def times(mado: Mado, token: str, kind: str) -> list[int]:
    """How often each case tells of this."""
    told = [
        mado.get(f"/api/v1/cases/{number}/events", token)["items"] for number in range(1, QUIET + 1)
    ]
    return [[one["type"] for one in items].count(kind) for items in told]


def simulated(line: Running) -> Sim:
    return line.app.extensions[KEY].sim


def delivered(line: Running) -> list[str]:
    """What arrived at phones."""
    sim = simulated(line)
    with sim.lock:
        return [one.body["text"] for one in sim.messages if one.is_from_account]


def test_two_schedulers_whose_clock_steps_do_what_is_due_once(
    production: Mado, line: Running, tmp_path: Path
):  # F14, G7
    simulated(line).customers[PEOPLE[0]] = Customer(PEOPLE[0], "Somchai", relation=FRIEND)
    clock = Clock(production, tmp_path / "clock")
    token, hook = prepared(production)
    production.start_web()
    for _ in range(2):
        production.start("scheduler.py")
    soon(lambda: production.get("/readyz", token)["scheduler_last_tick"])
    assert [send(hook, text_event("hello", user=user)) for user in PEOPLE] == [200] * QUIET
    engine = create_engine(production.env["DATABASE_URL"].replace("://", "+psycopg://", 1))

    clock.step_to(-HOUR)
    soon(lambda: told_by(production) <= clock.now())
    soon(lambda: newest_activity(engine) <= clock.now())
    answer = production.post("/api/v1/cases/1/messages", token, {"text": ANSWER})
    assert answer.status_code == 201
    soon(lambda: delivered(line) == [ANSWER])
    assert len(active(production, token)) == QUIET

    clock.step_to(HOUR)
    soon(lambda: not active(production, token))
    assert times(production, token, "chat.ended") == [1] * QUIET
    assert delivered(line) == [ANSWER]
    engine.dispose()

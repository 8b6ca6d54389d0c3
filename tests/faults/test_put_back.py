"""Yesterday's SQLite file put back by hand: what waited in it goes out by nobody's doing but a person's (F34)."""

import shutil
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, insert, select

from app.domain.queues import TOO_LATE
from app.models import Notification, WebhookCall
from linesim.current import KEY
from linesim.faults import Fault
from linesim.serving import Running
from linesim.state import FRIEND, Customer
from tests.channels.line_posts import text_event
from tests.faults.clocks import Clock
from tests.processes.servers import Mado, soon
from tests.processes.visits import prepared, send

SOMCHAI = f"U{0:032x}"
DAY = timedelta(days=1)
MAILS, CALLS = Notification.__table__, WebhookCall.__table__


def states(mado: Mado, token: str) -> list[str]:
    items = mado.get("/api/v1/cases/1/messages", token)["items"]
    return [one["state"] for one in items if one["direction"] == "out"]


def move_database(source: Path, target: Path, move: Callable[[Path, Path], object]) -> None:
    """The file, and those beside it that belong to it."""
    target.mkdir(exist_ok=True)
    for file in source.glob("mado.sqlite3*"):
        move(file, target / file.name)


def leave_waiting(engine: Engine, clock: Clock) -> None:
    """A mail, and a call of another program, that nobody has tried yet."""
    moment, of = clock.now(), {"case_id": 1}
    told = {"agent_id": 1, "text": "New", "mail": "queued", "mail_due_at": moment}
    with engine.begin() as connection:
        connection.execute(insert(MAILS).values(created_at=moment, **told, **of))
        called = {"key": "a call's", "url": "https://example.com/hook", "due_at": moment}
        connection.execute(insert(CALLS).values(created_at=moment, **called, **of))


def given_up(engine: Engine) -> list[Any]:
    """How it is with the mail and the call, and why."""
    with engine.connect() as connection:
        mail = connection.execute(select(MAILS.c.mail, MAILS.c.mail_problem)).one()
        call = connection.execute(select(CALLS.c.state, CALLS.c.problem)).one()
    return [tuple(mail), tuple(call)]


def test_yesterdays_file_sends_nothing_by_itself(embedded: Mado, line: Running, tmp_path: Path):
    simulator = line.app.extensions[KEY]
    simulator.sim.customers[SOMCHAI] = Customer(SOMCHAI, "Somchai", relation=FRIEND)
    clock = Clock(embedded, tmp_path / "clock")
    clock.step_to(-DAY)
    token, hook = prepared(embedded)
    server = embedded.start_embedded()
    assert send(hook, text_event("hello", user=SOMCHAI)) == 200
    simulator.faults.order(Fault("*", "429", times=1000))
    embedded.post("/api/v1/cases/1/messages", token, {"text": "We are open until six."})
    soon(lambda: states(embedded, token) == ["queued"])
    server.send_signal(signal.SIGTERM)  # in peace: a kill could leave the try unconfirmed that is under way
    server.wait(30)
    move_database(tmp_path, tmp_path / "kept", shutil.copy)
    simulator.faults.clear()
    embedded.start_embedded()
    soon(lambda: states(embedded, token) == ["sent"])
    embedded.stop()

    move_database(tmp_path, tmp_path / "thrown away", shutil.move)
    move_database(tmp_path / "kept", tmp_path, shutil.move)
    engine = create_engine(f"sqlite:///{tmp_path}/mado.sqlite3")
    leave_waiting(engine, clock)
    clock.step_to(timedelta())
    embedded.start_embedded()

    soon(lambda: states(embedded, token) == ["unconfirmed"])
    soon(lambda: given_up(engine) == [("failed", TOO_LATE)] * 2)
    engine.dispose()
    arrived = [one.body["text"] for one in simulator.sim.messages if one.is_from_account]
    assert arrived == ["We are open until six."]

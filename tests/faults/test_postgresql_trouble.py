"""A PostgreSQL that cuts, refuses or is held by others: 503 in time, and on by itself afterwards."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random

from sqlalchemy import Engine, create_engine, make_url, text

from tests.channels.line_posts import text_event
from tests.conftest import postgresql_server
from tests.faults.sender import Sender, numbered
from tests.faults.services import cut_connections
from tests.processes.servers import Mado
from tests.processes.visits import prepared, send, texts

AT_ONCE = 12


def test_connections_that_are_cut_lose_nothing(production: Mado):  # F8
    token, hook = prepared(production)
    production.start_web(workers=2)
    assert send(hook, text_event("hello")) == 200
    sender = Sender(hook, 120, numbered, Random(1))
    sender.start()
    url = production.env["DATABASE_URL"]
    cut = [sender.wait_for(share, seconds=60) or cut_connections(url) for share in (20, 50, 80)]
    sender.join(60)

    assert min(cut) > 0
    assert {answer for answer in sender.answers if isinstance(answer, int)} <= {200, 503}
    assert sorted(texts(production, token)) == sorted(
        ["hello", *(f"event {n}" for n in range(120))]
    )


@contextmanager
def closed(mado: Mado) -> Iterator[None]:
    """Nobody is let in, as when all of a server's connections are taken."""
    engine = create_engine(postgresql_server() or "", isolation_level="AUTOCOMMIT")
    allow = f'ALTER DATABASE "{make_url(mado.env["DATABASE_URL"]).database}" WITH ALLOW_CONNECTIONS'
    _say(engine, f"{allow} false")
    cut_connections(mado.env["DATABASE_URL"])
    yield
    _say(engine, f"{allow} true")
    engine.dispose()


def _say(engine: Engine, statement: str) -> None:
    with engine.connect() as connection:
        connection.execute(text(statement))


def test_server_without_a_free_connection_is_503_until_it_has_one(production: Mado):  # F8
    token, hook = prepared(production)
    production.start_web(workers=2)
    event, reply = text_event("while it was full"), {"text": "answered"}
    assert send(hook, text_event("before")) == 200

    with closed(production):
        refused = (
            send(hook, event),
            production.post("/api/v1/cases/1/messages", token, reply).status_code,
        )

    assert refused == (503, 503)
    assert send(hook, event) == 200
    assert production.post("/api/v1/cases/1/messages", token, reply).status_code == 201
    assert texts(production, token) == ["before", "while it was full", "answered"]


@contextmanager
def locked(mado: Mado) -> Iterator[None]:
    """Another program holds what every message is written to; reading is free."""
    engine = create_engine(mado.env["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as outsider:
        outsider.execute(text("LOCK TABLE messages IN EXCLUSIVE MODE"))
        yield
    engine.dispose()


def test_locked_table_refuses_everybody_without_waiting_for_its_end(production: Mado):  # F8, F17
    token, hook = prepared(production)
    production.start_web(workers=2)
    assert send(hook, text_event("before")) == 200
    events = [numbered(number) for number in range(AT_ONCE)]

    with ThreadPoolExecutor(AT_ONCE) as crowd:
        with locked(production):
            refused = list(crowd.map(lambda event: send(hook, event, seconds=30), events))
            shown = texts(production, token)
        taken = list(crowd.map(lambda event: send(hook, event), events))

    assert (refused, shown) == ([503] * AT_ONCE, ["before"])
    assert taken == [200] * AT_ONCE
    assert sorted(texts(production, token)) == sorted(
        ["before", *(f"event {n}" for n in range(AT_ONCE))]
    )

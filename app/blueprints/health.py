"""What a load balancer asks: is the process there, and can it do its work?

Not ready is a process that can't: others should get the requests. What else is wrong is told and
judged no reason, or one stopped scheduler would take every page away.
"""

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from app import background, schema, storage
from app.domain import ticks
from app.extensions import db, is_read_only
from app.live import service

blueprint = Blueprint("health", __name__)

# With less, a burst of messages can't be stored.
LEAST_FREE_BYTES = 1024 * 1024
SHUT_FILE = "The database's file, or its folder, is read-only: nothing that comes in can be stored."
SHUT_SERVER = (
    "PostgreSQL is read-only: nothing that comes in can be stored."
    " Is it a standby, or is default_transaction_read_only on?"
)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return {"status": "ok"}


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """503 when this process can't work; `problems` says in words what is wrong, here or elsewhere."""
    try:
        connection = db.session.connection()
        is_migrated = schema.is_current(connection)
        is_shut = is_read_only(connection)
        tick = ticks.latest() if is_migrated else None
    except SQLAlchemyError:
        return _unavailable("unreachable", "The database can't be reached.")
    if not is_migrated:
        return _unavailable("migrations are missing", "The database lacks migrations: run `flask --app wsgi db upgrade`.")
    is_sqlite = current_app.extensions["mado"].is_sqlite
    if is_shut:
        return _unavailable("read-only", SHUT_FILE if is_sqlite else SHUT_SERVER)
    is_late, is_full = background.is_late(tick), storage.free_bytes() < LEAST_FREE_BYTES
    unavailable = storage.place().problem
    redis = service.bus_state(current_app)
    problems = {
        "The scheduler has not run for a minute: chats don't end by themselves.": is_late,
        "The disk that DATA_DIR is on is full.": is_full,
        "Redis can't be reached: pages hear of each other a second later.": redis == "unreachable",
    }
    is_unable = is_sqlite and is_full  # the database is on that disk
    found = [problem for problem, is_there in problems.items() if is_there]
    found += [unavailable] if unavailable else []
    status = "unavailable" if is_unable else "degraded" if found else "ok"
    return {
        "status": status,
        "problems": found,
        "database": "sqlite" if is_sqlite else "postgresql",
        "scheduler_last_tick": tick.isoformat() if tick else None,
        "scheduler_is_late": is_late,
        "disk": "full" if is_full else "ok",
        "storage": "unavailable" if unavailable else "ok",
        "redis": redis,
    }, 503 if is_unable else 200


def _unavailable(database: str, problem: str) -> ResponseReturnValue:
    return {"status": "unavailable", "problems": [problem], "database": database}, 503

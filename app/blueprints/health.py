"""What a load balancer asks: is the process there, and can it work?"""

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import background, schema
from app.extensions import db
from app.live import service

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return {"status": "ok"}


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """503 only for the database and its migrations; the rest is told, not judged."""
    try:
        db.session.execute(text("SELECT 1"))
        is_migrated = schema.is_current(db.session.connection())
    except SQLAlchemyError:
        return {"status": "unavailable", "database": "unreachable"}, 503
    if not is_migrated:
        return {"status": "unavailable", "database": "migrations are missing"}, 503
    tick = background.last_tick()
    return {
        "status": "ok",
        "database": (current_app.extensions["mado"].is_sqlite and "sqlite") or "postgresql",
        "scheduler_last_tick": tick.isoformat() if tick else None,
        "scheduler_is_late": background.is_late(tick),
        "redis": service.bus_state(current_app),
    }

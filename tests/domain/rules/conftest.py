"""A chat channel that is played, and rules written as programs write them."""

from typing import Any

import pytest
from flask import Flask

from app import transaction
from app.domain.rules import book, definitions
from app.extensions import db
from app.models import Agent, Case, Channel, Rule
from tests.world import ToyAdapter, connected, play

Clause = tuple[str, str, Any]


@pytest.fixture
def channel(app: Flask) -> Channel:
    play(ToyAdapter())
    return connected("toy")


def rule(
    type_: str,
    *clauses: Clause,
    then: list[tuple[str, Any]],
    match: str = "all",
    name: str = "A rule",
    by: Agent | None = None,
) -> Rule:
    """A saved, active rule of one block."""
    conditions = [dict(zip(("condition", "operator", "value"), one, strict=True)) for one in clauses]
    blocks = [{"match": match, "conditions": conditions}] if clauses else []
    actions = [{"action": action, "value": value} for action, value in then]
    given = {"type": type_, "name": name, "join": "and", "blocks": blocks, "actions": actions}
    with transaction.writing():
        return book.add(definitions.read(given), by=by)


def again(case: Case) -> Case:
    """The case as it is in the database now."""
    db.session.expire_all()
    return db.session.get_one(Case, case.id)

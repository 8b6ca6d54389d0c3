"""Who records what happened in a case has locked its conversation, so that ids there are in commit order.

Open pages rest on it (ADR 1): they ask for what came after the last event they know of. What is recorded
without the lock does not move them, and is named in `events.UNORDERED`.
"""

import re
import sys
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg.pq import TransactionStatus

from app.domain import events

TESTS = str(Path(__file__).parent)
APP = str(Path(__file__).parent.parent / "app")
_LOCKS = re.compile(r"FROM conversations.*FOR (NO KEY )?UPDATE|INSERT INTO conversations|UPDATE conversations", re.S)
_RECORDS = re.compile(r"^\s*INSERT INTO events\b")
_locked: WeakKeyDictionary[psycopg.Connection, bool] = WeakKeyDictionary()


def judge(connection: psycopg.Connection, query: str, given: Any = None) -> None:
    """Refuse an event of a case in a transaction that has locked no conversation."""
    if connection.info.transaction_status == TransactionStatus.IDLE:
        _locked.pop(connection, None)
    if _LOCKS.search(query):
        _locked[connection] = True
    elif _RECORDS.match(query) and connection not in _locked:
        is_ordered = given["case_id"] is not None and given["type"] not in events.UNORDERED
        if is_ordered and not _is_a_test_the_caller():
            raise AssertionError(f"{given['type']} is recorded without a lock")


def _is_a_test_the_caller() -> bool:
    """Whether a test calls a verb of the domain itself: whose caller has locked what it is about."""
    frame: Any = sys._getframe(2)
    outermost = ""
    while frame and not (outermost and frame.f_code.co_filename.startswith(TESTS)):
        name = frame.f_code.co_filename
        outermost = name if name.startswith(APP) else outermost
        frame = frame.f_back
    return outermost.startswith(f"{APP}/domain/")

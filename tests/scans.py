"""No statement of the product's reads a whole table that grows with the years.

It would be quick in every test and slow for whoever has used Mado for long. So each new statement is asked
for its plan before it runs for the first time. SQLite has no statistics here as in production, so it plans
the same whether tables are empty or full.
"""

import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.extensions import SerialConnection

#: Tables that get rows by being used; the others hold what somebody has set up.
GROWING = frozenset({
    *("attachments", "cases", "contacts", "conversations", "deliveries", "events", "identities"),
    *("message_search", "messages", "receipts", "rule_passes", "rule_runs", "sent_parts"),
})  # fmt: skip
#: What may, and why.
ALLOWED = (
    re.compile(r"^INSERT "),  # plans tell of foreign keys' checks that only deferred ones would need
    re.compile(r"WHERE 0 = 1"),
    re.compile(r"ORDER BY (cases|events)\.id DESC LIMIT"),  # from the newest on, until there are enough
    re.compile(r"ORDER BY receipts\.id LIMIT"),  # from the oldest on, to the first that is young enough
    re.compile(r"^DELETE FROM groups "),  # takes it off its cases; seldom, and by an admin
)
_PLANNED = ("SELECT", "WITH", "UPDATE", "DELETE")
_WHOLE = re.compile(r"^SCAN (\w+)$")
APP = str(Path(__file__).parent.parent / "app")
_MIGRATIONS = f"{APP}/schema.py"


class Cursor(sqlite3.Cursor):
    """Looks at each statement's plan once."""

    _seen: set[str] = set()

    def execute(self, sql: str, *given: Any) -> "Cursor":
        if sql not in self._seen and _is_the_products():
            self._seen.add(sql)
            if read := read_whole(self.connection, sql, *given):
                raise AssertionError(f"reads all of {read}: {sql}")
        return super().execute(sql, *given)


def _is_the_products() -> bool:
    """Whether it is asked by the application, while it works: not by a test, nor by a migration."""
    frame: Any = sys._getframe(2)
    while frame:
        name = frame.f_code.co_filename
        if name.startswith(APP):
            return name != _MIGRATIONS
        if "/tests/" in name and name != __file__:
            return False
        frame = frame.f_back
    return False


def read_whole(connection: sqlite3.Connection, sql: str, *given: Any) -> str | None:
    said = " ".join(sql.split())
    if not said.startswith(_PLANNED) or any(one.search(said) for one in ALLOWED):
        return None
    for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {sql}", *given):
        if (found := _WHOLE.match(step)) and (table := _table(found[1], said)) in GROWING:
            return table
    return None


def _table(name: str, sql: str) -> str:
    """The table of this name, or that goes by it in this statement."""
    if name in GROWING:
        return name
    found = re.search(rf"\b(?:FROM|JOIN) (\w+) (?:AS )?{name}\b", sql)
    return found[1] if found else name


@contextmanager
def refused() -> Iterator[None]:
    """While this lasts, whoever asks so is told."""
    SerialConnection.cursor = lambda self, *_: sqlite3.Connection.cursor(self, Cursor)  # type: ignore[assignment]
    yield
    del SerialConnection.cursor

"""Statements of the product's that read a whole table which grows with the years.

They are quick in every test and slow for whoever has used Mado for long. So each new statement is asked for
its plan before it runs for the first time. SQLite has no statistics here as in production, so it plans the
same whether tables are empty or full. What is not seen: a part of a table that is nearly all of it, and an
index that is walked until a page is full of what few rows are.
"""

import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.extensions import SerialConnection
from app.models import Base

#: Tables that stay small: set up by people, a few rows for each of them or each month, or soon forgotten.
SMALL = frozenset({
    *("agents", "api_tokens", "channels", "group_members", "groups", "invitations", "labels", "last_given"),
    *("leases", "macros", "metrics", "monthly_counts", "recovery_codes", "rule_versions", "rules", "settings"),
    *("deliveries", "early_changes", "password_requests", "sessions"),
})  # fmt: skip
GROWING = frozenset(Base.metadata.tables) - SMALL
#: What may read all of which tables, and why.
ALLOWED = (
    (r"^UPDATE cases .* WHERE 0 = 1", "cases"),  # nothing is asked for, and nothing read
    (r"ORDER BY cases\.id DESC LIMIT", "cases"),  # the newest, until there are enough
    (r"ORDER BY events\.id DESC LIMIT", "events"),
    (r"ORDER BY webhook_calls\.id DESC LIMIT", "webhook_calls"),
    (r"ORDER BY receipts\.id LIMIT", "receipts"),  # from the oldest on, to the first that is young enough
    (r"^DELETE FROM groups ", "cases"),  # takes it off its cases; seldom, and by an admin
    (r"^DELETE FROM rules ", "notifications webhook_calls"),  # and this off what it told people and others
    (r"lower\(contacts\.name\) LIKE", "contacts"),  # an admin looks for a person in a rule's form
    (r"^SELECT case_labels\.label_id, count", "case_labels"),  # an admin looks at how often labels are used
    (r"^UPDATE identities SET lookup_due_at", "contacts"),  # an admin gave a channel a new way to learn names
)
_PLANNED = ("SELECT", "WITH", "UPDATE", "DELETE")
_WALKED = re.compile(r"^SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?$")
_INDEXED_FOR_IT = re.compile(r"^SEARCH (\w+) USING AUTOMATIC ")
_TESTS = str(Path(__file__).parent)
APP = str(Path(__file__).parent.parent / "app")
#: Where a table may be read whole on purpose: to change it, to copy it, to make up all that is in it.
WHOLE = tuple(f"{APP}/{place}" for place in ("schema.py", "backups/", "rotation.py", "demo/"))


class Cursor(sqlite3.Cursor):
    """Looks at each statement's plan once, and refuses it as often as it comes."""

    judged: dict[str, str | None] = {}

    def execute(self, sql: str, *given: Any) -> "Cursor":
        self._judge(sql, *given)
        return super().execute(sql, *given)

    def executemany(self, sql: str, rows: Any) -> "Cursor":
        self._judge(sql, *rows[:1])
        return super().executemany(sql, rows)

    def _judge(self, sql: str, *given: Any) -> None:
        if self.judged.get(sql, "") is None or not _is_the_products():
            return
        if sql not in self.judged:
            self.judged[sql] = read_whole(self.connection, sql, *given)
        if read := self.judged[sql]:
            raise AssertionError(f"reads all of {read}: {sql}")


def _is_the_products() -> bool:
    """Whether it is asked by the application, while it works: not by a test, nor where all is wanted."""
    frame: Any = sys._getframe(3)
    while frame:
        name = frame.f_code.co_filename
        if name.startswith(APP):
            return not name.startswith(WHOLE)
        if name.startswith(_TESTS):
            return False
        frame = frame.f_back
    return False


def read_whole(connection: sqlite3.Connection, sql: str, *given: Any) -> str | None:
    """The growing table that this statement reads all of, if there is one that it may not."""
    said = " ".join(sql.split())
    if not said.startswith(_PLANNED):
        return None
    allowed = {table for words, tables in ALLOWED if re.search(words, said) for table in tables.split()}
    plan = [step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {sql}", *given)]
    has_end = " LIMIT " in said and not any(step.startswith("USE TEMP B-TREE") for step in plan)
    for step in plan:
        found = _WALKED.match(step) or _INDEXED_FOR_IT.match(step)
        if found is None or (table := _table(found[1], said)) not in GROWING - allowed:
            continue
        index = found[2] if found.re is _WALKED else None
        if index is None or not (has_end or _is_partial(connection, index)):
            return table
    return None


def _table(name: str, sql: str) -> str:
    """The table of this name, or that goes by it in this statement."""
    if name in GROWING:
        return name
    found = re.search(rf"(?:\b(?:FROM|JOIN)|,) (\w+) (?:AS )?{name}\b", sql)
    return found[1] if found else name


def _is_partial(connection: sqlite3.Connection, index: str) -> bool:
    query = "SELECT sql LIKE '%WHERE%' FROM sqlite_master WHERE name = ?"
    return bool(connection.execute(query, (index,)).fetchone()[0])


@contextmanager
def refused() -> Iterator[None]:
    """While this lasts, whoever asks so is told, and at its end once more, who may have kept it silent."""
    SerialConnection.cursor = lambda self, *_: sqlite3.Connection.cursor(self, Cursor)  # type: ignore[assignment]
    try:
        yield
    finally:
        del SerialConnection.cursor
    told = [sql for sql, read in Cursor.judged.items() if read]
    assert not told, told

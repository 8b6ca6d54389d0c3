"""The cases that all of them hold, read from a filled Mado and written once for the peers to read.

A line of JSON a case, oldest first: `id` (its number everywhere), `subject`, `status`, `contact`,
`assignee` (an agent's number or None), `at` (seconds since 1970) and `messages`: pairs of a
direction and a text.
"""

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

Case = dict[str, Any]
FILE = "cases.jsonl"
_ORDER = re.compile(r"ORD-\d+")


@dataclass(frozen=True)
class History:
    """What the checks must know of the cases."""

    file: Path

    @cached_property
    def cases(self) -> dict[int, Case]:
        with self.file.open(encoding="utf-8") as lines:
            return {case["id"]: case for case in map(json.loads, lines)}

    def newest(self, count: int) -> list[int]:
        return sorted(self.cases, reverse=True)[:count]

    def subject(self, number: int) -> str:
        return self.cases[number]["subject"]

    def order_after(self, number: int) -> str:
        """The first order's number from this case on that its first message names."""
        texts = (self.texts(one)[0] for one in sorted(self.cases) if one >= number)
        return next(found[0] for found in map(_ORDER.search, texts) if found)

    def having(self, word: str, *, in_first: bool = False) -> set[int]:
        """Cases with this word in any message, or `in_first` in what they began with."""
        word = word.casefold()
        return {
            number
            for number, case in self.cases.items()
            if any(
                word in said.casefold() for _, said in case["messages"][: 1 if in_first else None]
            )
        }

    def texts(self, number: int) -> list[str]:
        return [said for _, said in self.cases[number]["messages"]]


def write(database: Path, file: Path) -> None:
    """Take the history out of Mado's SQLite database."""
    with sqlite3.connect(database) as connection, file.open("w", encoding="utf-8") as lines:
        for case in _cases(connection):
            lines.write(json.dumps(case, ensure_ascii=False) + "\n")


def _cases(connection: sqlite3.Connection) -> Iterator[Case]:
    connection.row_factory = sqlite3.Row
    cases = connection.execute(
        "SELECT cases.id, subject, status, contacts.name AS contact, assignee_id AS assignee,"
        " cases.created_at AS at FROM cases JOIN contacts ON contacts.id = contact_id ORDER BY cases.id"
    )
    said = connection.execute("SELECT case_id, direction, text FROM messages ORDER BY case_id, id")
    messages = groupby(said, key=lambda row: row["case_id"])
    for case, (number, rows) in zip(cases, messages, strict=True):
        assert case["id"] == number
        moment = datetime.fromisoformat(case["at"]).replace(tzinfo=UTC).timestamp()
        yield dict(case) | {
            "at": moment,
            "messages": [[row["direction"], row["text"]] for row in rows],
        }

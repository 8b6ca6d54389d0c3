"""The search index in SQLite: FTS5, fed with tokens of our own making.

The messages' table is contentless (its rowid is the message's id): the text stands in `messages`
already. So what was indexed has to be said again to be taken out. The `ascii` tokenizer takes every
other character as part of a word, so what Python put between two spaces is one token, whatever
Unicode version this SQLite was built with.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, text
from sqlalchemy.engine import Connection

from app.domain import hot
from app.domain.search.tokens import Term, Words

# A word that no text can have, so that no phrase reaches over the seam.
SEAM = "\ue000"

_DDL = (
    "CREATE VIRTUAL TABLE message_search USING fts5"
    "(words, content='', columnsize=0, tokenize='ascii')",
    "CREATE VIRTUAL TABLE case_search USING fts5(words, columnsize=0, tokenize='ascii')",
    # Every commit of one message makes a segment. Merging four at a time, as FTS5 does untold, costs
    # intake more than twice of what this does, and searching has no gain from it.
    "INSERT INTO message_search(message_search, rank) VALUES ('automerge', 16), ('crisismerge', 64)",
    "INSERT INTO case_search(case_search, rank) VALUES ('automerge', 16), ('crisismerge', 64)",
)
_ADD = hot.Statement(text("INSERT INTO message_search(rowid, words) VALUES (:id, :words)"))
_REMOVE = "INSERT INTO message_search(message_search, rowid, words) VALUES ('delete', ?, ?)"
_DROP_CASE = "DELETE FROM case_search WHERE rowid = ?"
_PUT_CASE = "INSERT OR REPLACE INTO case_search(rowid, words) VALUES (?, ?)"
_COUNT = (
    "SELECT (SELECT count(*) FROM (SELECT 1 FROM case_search WHERE case_search MATCH :match LIMIT :most))"
    " + (SELECT count(*) FROM"
    " (SELECT 1 FROM message_search WHERE message_search MATCH :match LIMIT :most))"
)
# CROSS JOIN is SQLite's word for "in this order".
_IS_HIT = (
    "cases.id IN (SELECT rowid FROM case_search WHERE case_search MATCH :match UNION ALL"
    " SELECT m.case_id FROM message_search s CROSS JOIN messages m ON m.id = s.rowid"
    " WHERE s.message_search MATCH :match)"
)
_SPAN = (
    "SELECT min(id), max(id) FROM messages WHERE case_id IN (SELECT value FROM json_each(:cases))"
)
# One pass over the hits between the cases' first and last message. To ask for one rowid after the
# other would begin the whole match anew for each. LIMIT -1 keeps the messages a table of their own.
_NEWEST_HITS = (
    "SELECT m.case_id, max(m.id) FROM message_search s CROSS JOIN"
    " (SELECT id, case_id FROM messages"
    " WHERE case_id IN (SELECT value FROM json_each(:cases)) LIMIT -1) m ON m.id = s.rowid"
    " WHERE s.message_search MATCH :match AND s.rowid BETWEEN :first AND :last GROUP BY m.case_id"
)
_CASES_AMONG = (
    "SELECT rowid FROM case_search WHERE case_search MATCH :match"
    " AND rowid BETWEEN :first AND :last AND +rowid IN (SELECT value FROM json_each(:cases))"
)


def create(connection: Connection) -> None:
    for statement in _DDL:
        connection.exec_driver_sql(statement)


def drop(connection: Connection) -> None:
    connection.exec_driver_sql("DROP TABLE message_search")
    connection.exec_driver_sql("DROP TABLE case_search")


def add_message(connection: Connection, message_id: int, case_id: int, words: Words) -> None:
    _ADD.count(connection, id=message_id, words=stored(words))


def add_messages(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Many at once: `id` and `words` of each, the words as `stored` gives them."""
    _ADD.many(connection, rows)


def remove_message(connection: Connection, message_id: int, words: Words) -> None:
    connection.exec_driver_sql(_REMOVE, (message_id, stored(words)))


def put_case(connection: Connection, case_id: int, texts: Iterable[Words]) -> None:
    words = f" {SEAM} ".join(map(stored, texts))
    connection.exec_driver_sql(_PUT_CASE, (case_id, words))


def remove_case(connection: Connection, case_id: int) -> None:
    connection.exec_driver_sql(_DROP_CASE, (case_id,))


def gather(connection: Connection, terms: Sequence[Term], most: int) -> ColumnElement[bool] | None:
    """The condition that a case has a hit, or None when there are more hits than `most`."""
    match = _match(terms)
    count = connection.exec_driver_sql(_COUNT, {"match": match, "most": most + 1}).scalar_one()
    return text(_IS_HIT).bindparams(match=match) if count <= most else None


def matching(connection: Connection, terms: Sequence[Term], case_ids: Sequence[int]) -> set[int]:
    """Those of these cases that have a hit."""
    span = {"first": min(case_ids), "last": max(case_ids)}
    asked = {"match": _match(terms), "cases": _array(case_ids), **span}
    own = connection.exec_driver_sql(_CASES_AMONG, asked).scalars()
    return {*own, *newest_hits(connection, terms, case_ids)}


def newest_hits(
    connection: Connection, terms: Sequence[Term], case_ids: Sequence[int]
) -> dict[int, int]:
    """The newest message with a hit, by case, for those of these cases that have one."""
    asked = {"match": _match(terms), "cases": _array(case_ids)}
    first, last = connection.exec_driver_sql(_SPAN, asked).one()
    rows = connection.exec_driver_sql(_NEWEST_HITS, {**asked, "first": first, "last": last})
    return {case_id: message_id for case_id, message_id in rows}


def stored(words: Words) -> str:
    if not words.joined:
        return " ".join(words.tokens)
    return f" {SEAM} ".join([" ".join(words.tokens), *words.joined])


def _match(terms: Sequence[Term]) -> str:
    """Tokens hold letters, digits and marks only, so that nothing in quotes needs escaping."""
    return " AND ".join(
        f'"{" ".join(term.tokens)}"{" *" if term.is_prefix else ""}' for term in terms
    )


def _array(case_ids: Iterable[int]) -> str:
    return f"[{','.join(map(str, case_ids))}]"

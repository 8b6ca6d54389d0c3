"""Search over case number, subject, names and all message text, in any script (H4).

A case is found by its number, by its own words (subject, names), or by one message that has every
term of the query. Both engines find the same; tokens.py says what a term is, finding.py how cases
are found. Everything works on the session's connection and nothing commits.
"""

from sqlalchemy.engine import Connection

from app.domain import hot
from app.domain.search import engines, tokens
from app.domain.search.cursors import Cursor
from app.domain.search.finding import Page, find_cases, newest_hits
from app.domain.search.snippets import snippet
from app.extensions import db

__all__ = [
    "Cursor",
    "Page",
    "add_message",
    "create",
    "drop",
    "find_cases",
    "is_ours",
    "newest_hits",
    "put_case",
    "remove_case",
    "remove_message",
    "snippet",
]


def create(connection: Connection) -> None:
    """Make the tables; for a migration."""
    engines.of(connection).create(connection)


def drop(connection: Connection) -> None:
    engines.of(connection).drop(connection)


def is_ours(name: str | None) -> bool:
    """Whether a table or index is the search's own, which migrations must not compare."""
    return name is not None and name.startswith(("message_search", "case_search"))


def add_message(message_id: int, case_id: int, text: str) -> None:
    """Let a new message be found. A text without words costs nothing."""
    words = tokens.read(text)
    if words.tokens:
        connection = hot.connection()
        engines.of(connection).add_message(connection, message_id, case_id, words)


def remove_message(message_id: int, text: str) -> None:
    """Let a message be found no more.

    `text` must be what was added, and added it must have been: SQLite keeps only the index of it,
    and takes out of that what it is told.
    """
    words = tokens.read(text)
    if words.tokens:
        connection = db.session.connection()
        engines.of(connection).remove_message(connection, message_id, words)


def put_case(case_id: int, *texts: str | None) -> None:
    """Let a case be found by these texts, and no longer by those it had before."""
    connection = db.session.connection()
    words = [tokens.read(text) for text in texts if text]
    engines.of(connection).put_case(connection, case_id, words)


def remove_case(case_id: int) -> None:
    """Let a deleted case go; its messages are removed one by one."""
    connection = db.session.connection()
    engines.of(connection).remove_case(connection, case_id)

"""The search index in PostgreSQL: tsvectors made in Python and a GIN index, no extension.

A tsvector keeps at most 255 places of a word and none past 16,383, so phrases are not asked of it:
it says which rows have all the pairs, and `words`, the normalised text itself, says whether they
stand in a row. That is exact for every length.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import ColumnElement, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT
from sqlalchemy.engine import Connection

from app.domain import hot
from app.domain.search.tokens import Term, Words
from app.models import Case

# What no needle can have in it, so that no phrase reaches over the seam.
SEAM = " \n"

# A GIN index is read to its end, whatever the LIMIT: to learn that a word is in too many of four million
# messages takes up to a second. So SAMPLE rows are looked at first, and the index isn't asked when they
# speak for more than SURELY times too many. Steps of the golden ratio spread them over the whole table
# without a beat that the texts could have, too.
SAMPLE = 100
SURELY = 2
GOLDEN = 0.6180339887

# A short pending list keeps both the unlucky insert that empties it and every search quick.
_TABLES = (
    "CREATE TABLE message_search (message_id bigint PRIMARY KEY, case_id bigint NOT NULL,"
    " tokens tsvector NOT NULL, words text NOT NULL)",
    "CREATE TABLE case_search (case_id bigint PRIMARY KEY, tokens tsvector NOT NULL,"
    " words text NOT NULL)",
)
_INDEXES = (
    "CREATE INDEX message_search_case ON message_search (case_id)",
    "CREATE INDEX message_search_tokens ON message_search USING gin (tokens)"
    " WITH (gin_pending_list_limit = 512)",
    "CREATE INDEX case_search_tokens ON case_search USING gin (tokens)"
    " WITH (gin_pending_list_limit = 512)",
)
_NO_INDEXES = "DROP INDEX message_search_case, message_search_tokens, case_search_tokens"
_ADD = hot.Statement(
    text(
        "INSERT INTO message_search (message_id, case_id, tokens, words)"
        " VALUES (:message_id, :case_id, CAST(:tokens AS tsvector), :words)"
    )
)
_REMOVE = "DELETE FROM message_search WHERE message_id = %s"
_DROP_CASE = "DELETE FROM case_search WHERE case_id = %s"
_PUT_CASE = (
    "INSERT INTO case_search (case_id, tokens, words) VALUES (%s, %s::tsvector, %s)"
    " ON CONFLICT (case_id) DO UPDATE SET tokens = EXCLUDED.tokens, words = EXCLUDED.words"
)


def create(connection: Connection) -> None:
    for statement in _TABLES:
        connection.exec_driver_sql(statement)
    create_indexes(connection)


def create_indexes(connection: Connection) -> None:
    for statement in _INDEXES:
        connection.exec_driver_sql(statement)


def drop_indexes(connection: Connection) -> None:
    """For who fills the tables anew."""
    connection.exec_driver_sql(_NO_INDEXES)


def drop(connection: Connection) -> None:
    connection.exec_driver_sql("DROP TABLE message_search, case_search")


def add_message(connection: Connection, message_id: int, case_id: int, words: Words) -> None:
    found = columns([words])
    _ADD.count(connection, message_id=message_id, case_id=case_id, tokens=found[0], words=found[1])


def remove_message(connection: Connection, message_id: int, words: Words) -> None:
    connection.exec_driver_sql(_REMOVE, (message_id,))


def put_case(connection: Connection, case_id: int, texts: Iterable[Words]) -> None:
    connection.exec_driver_sql(_PUT_CASE, (case_id, *columns(list(texts))))


def remove_case(connection: Connection, case_id: int) -> None:
    connection.exec_driver_sql(_DROP_CASE, (case_id,))


def gather(connection: Connection, terms: Sequence[Term], most: int) -> ColumnElement[bool] | None:
    """The condition that a case has a hit, or None when there are more hits than `most`."""
    condition, parameters = _hit(terms)
    found: set[int] = set()
    with _by_index(connection):
        for table, key in (("case_search", "case_id"), ("message_search", "message_id")):
            if _estimate(connection, table, key, condition, parameters) > SURELY * most:
                return None
            query = f"SELECT case_id FROM {table} WHERE {condition} LIMIT {most + 1}"  # noqa: S608 - our own words  # nosec
            rows = connection.exec_driver_sql(query, parameters).all()
            if len(rows) > most:
                return None
            found.update(row[0] for row in rows)
    # As rows, because the planner would compare a long array with every case, one by one.
    return Case.id.in_(select(func.unnest(bindparam(None, list(found), type_=ARRAY(BIGINT)))))


def _estimate(
    connection: Connection, table: str, key: str, condition: str, parameters: tuple[str, ...]
) -> float:
    """How many hits a table has, by the share of those among SAMPLE rows spread over all of it."""
    query = (
        f"WITH whole AS (SELECT max({key}) AS last FROM {table}), spread AS MATERIALIZED"  # noqa: S608 - our own words  # nosec
        f" (SELECT {table}.* FROM whole, generate_series(1, {SAMPLE}) AS nth, {table}"
        f" WHERE {key} = 1 + floor(last * mod(nth * {GOLDEN}, 1))::bigint)"
        f" SELECT coalesce((SELECT last FROM whole), 0), count(*) FROM spread WHERE {condition}"
    )
    last, hits = connection.exec_driver_sql(query, parameters).one()
    return last * hits / SAMPLE


def matching(connection: Connection, terms: Sequence[Term], case_ids: Sequence[int]) -> set[int]:
    """Those of these cases that have a hit."""
    found = _newest_among(connection, "message_search", "1", terms, case_ids)
    return set(found) | set(_newest_among(connection, "case_search", "1", terms, case_ids))


def newest_hits(
    connection: Connection, terms: Sequence[Term], case_ids: Sequence[int]
) -> dict[int, int]:
    """The newest message with a hit, by case, for those of these cases that have one."""
    return _newest_among(connection, "message_search", "message_id", terms, case_ids)


def _newest_among(
    connection: Connection,
    table: str,
    message_id: str,
    terms: Sequence[Term],
    case_ids: Sequence[int],
) -> dict[int, int]:
    """Look at the cases' own rows. MATERIALIZED keeps the planner from the index of all texts."""
    condition, parameters = _hit(terms)
    query = (
        f"WITH own AS MATERIALIZED (SELECT * FROM {table} WHERE case_id = ANY(%s))"  # noqa: S608 - our own words  # nosec
        f" SELECT case_id, max({message_id}) FROM own WHERE {condition} GROUP BY case_id"
    )
    rows = connection.exec_driver_sql(query, (list(case_ids), *parameters)).all()
    return {case_id: newest for case_id, newest in rows}


@contextmanager
def _by_index(connection: Connection) -> Iterator[None]:
    """Let the planner use the index: it takes rare combinations of common pairs for common."""
    connection.exec_driver_sql("SET enable_seqscan = off")
    try:
        yield
    finally:  # readers have no transaction whose end would undo it
        if not connection.invalidated:
            connection.exec_driver_sql("SET enable_seqscan TO DEFAULT")


def _hit(terms: Sequence[Term]) -> tuple[str, tuple[str, ...]]:
    """A condition on `tokens` and `words`, and its parameters."""
    needles = [term.needle for term in terms if term.needle]
    condition = " AND ".join(["tokens @@ %s::tsquery", *("strpos(words, %s) > 0" for _ in needles)])
    return condition, (_tsquery(terms), *needles)


def _tsquery(terms: Sequence[Term]) -> str:
    """Tokens hold letters, digits and marks only, so that nothing in quotes needs escaping."""
    asked: dict[str, None] = {}
    for term in terms:
        *whole, last = term.tokens
        asked.update((f"'{token}'", None) for token in whole)
        asked[f"'{last}':*" if term.is_prefix else f"'{last}'"] = None
    return " & ".join(asked)


def columns(texts: Sequence[Words]) -> tuple[str, str]:
    """What `tokens` and `words` hold of these texts."""
    lexemes: set[str] = set()
    for words in texts:
        lexemes.update(words.tokens, words.joined)
    return " ".join(lexemes), SEAM.join(f" {' '.join(words.segments)}" for words in texts)

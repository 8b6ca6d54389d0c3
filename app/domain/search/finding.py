"""Finding cases by a query: exact, in order of the last message, with bounded work for a page.

The cases are walked, newest first, and each portion is looked up in the index: a word that many have
fills the page at once, whatever the index holds of it. When the first portion says that walking won't
fill it, the cases of up to FEW matching messages are simply asked for; and when all portions did not,
the word is one of the past, and up to MANY are. Beyond that the page ends early, maybe empty, and its
`next` leads on. There is no total and no offset.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, Row, and_, false, literal, or_, select, tuple_
from sqlalchemy.engine import Connection

from app.columns import Moment
from app.domain.search import engines, tokens
from app.domain.search.cursors import Cursor
from app.domain.search.tokens import Term
from app.extensions import db
from app.models import Case

FEW = 2_000
MANY = 50_000
PORTIONS = (100, 300, 600)


@dataclass(frozen=True)
class Page:
    """Numbers of the cases found, last message first, and where to go on; None at the end.

    Fewer cases than asked for, with a `next`, mean that looking took long enough.
    """

    case_ids: list[int]
    next: Cursor | None


@dataclass(frozen=True)
class Question:
    """What is asked: terms that one text must have, or a number, of cases under a condition."""

    connection: Connection
    terms: Sequence[Term]
    number: int | None
    condition: ColumnElement[bool]


def find_cases(
    q: str, *, condition: ColumnElement[bool], before: Cursor | None = None, limit: int = 50
) -> Page:
    """Cases that the query finds and the condition lets through, last message first.

    The condition says what the list shows and what the asking agent may see.
    """
    question = Question(db.session.connection(), tokens.parse(q), tokens.number(q), condition)
    found: list[Row] = []
    for turn, portion in enumerate(PORTIONS):
        rows = _cases(question, before, portion)
        found.extend(_hit_among(question, rows))
        if len(found) > limit or len(rows) < portion:
            return _page(found, limit)
        before = _place(rows[-1])
        if turn == 0 and len(found) * sum(PORTIONS) < limit * portion:
            page = _completed(question, found, FEW, before, limit)
            if page:
                return page
    page = _completed(question, found, MANY, before, limit) if len(found) < limit else None
    return page or Page([row.id for row in found], before)


def newest_hits(q: str, case_ids: Sequence[int]) -> dict[int, int]:
    """The newest message that the query finds, by case: what to show a snippet of."""
    terms = tokens.parse(q)
    if not (terms and case_ids):
        return {}
    connection = db.session.connection()
    return engines.of(connection).newest_hits(connection, terms, case_ids)


def _gathered(question: Question, most: int, before: Cursor, limit: int) -> Page | None:
    """A page of the cases of all hits, None when there are more hits than `most`."""
    is_hit: ColumnElement[bool] | None = false()
    if question.terms:
        engine = engines.of(question.connection)
        is_hit = engine.gather(question.connection, question.terms, most)
    if is_hit is None:
        return None
    if question.number is not None:
        is_hit = or_(is_hit, Case.id == literal(question.number, BigInteger))
    rows = _cases(question, before, limit + 1, is_hit)
    return _page(rows, limit)


def _completed(
    question: Question, found: Sequence[Row], most: int, before: Cursor, limit: int
) -> Page | None:
    """What the walk found, and then the cases of all hits further back; None if those are too many."""
    rest = _gathered(question, most, before, limit - len(found))
    return Page([row.id for row in found] + rest.case_ids, rest.next) if rest else None


def _hit_among(question: Question, rows: Sequence[Row]) -> list[Row]:
    hit: set[int] = set()
    if rows and question.terms:
        engine = engines.of(question.connection)
        hit = engine.matching(question.connection, question.terms, [row.id for row in rows])
    return [row for row in rows if row.id in hit or row.id == question.number]


def _cases(
    question: Question, before: Cursor | None, limit: int, *conditions: ColumnElement[bool]
) -> Sequence[Row]:
    query = select(Case.id, Case.last_message_at).where(and_(question.condition, *conditions))
    if before:
        place = tuple_(literal(before.last_message_at, Moment), literal(before.case_id, BigInteger))
        query = query.where(tuple_(Case.last_message_at, Case.id) < place)
    query = query.order_by(Case.last_message_at.desc(), Case.id.desc()).limit(limit)
    return question.connection.execute(query).all()


def _page(rows: Sequence[Row], limit: int) -> Page:
    shown = rows[:limit]
    return Page([row.id for row in shown], _place(shown[-1]) if len(rows) > limit else None)


def _place(row: Row) -> Cursor:
    return Cursor(row.last_message_at, row.id)

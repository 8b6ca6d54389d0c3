"""Finding cases by a query: exact, in order of the last message, with bounded work for a page.

The cases of up to FEW matching messages are simply asked for. A word in more messages is mostly in
many cases, so the cases are walked, newest first, and each portion is looked up in the index. When
that doesn't fill the page, the word is one of the past, and the cases of up to MANY messages are
asked for. Beyond that the page ends early, maybe empty, and its `next` leads on. There is no total
and no offset.
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
    page = _gathered(question, FEW, before, limit)
    if page:
        return page
    page = _walked(question, before, limit)
    if page.next is None or len(page.case_ids) == limit:
        return page
    rest = _gathered(question, MANY, page.next, limit - len(page.case_ids))
    return Page(page.case_ids + rest.case_ids, rest.next) if rest else page


def newest_hits(q: str, case_ids: Sequence[int]) -> dict[int, int]:
    """The newest message that the query finds, by case: what to show a snippet of."""
    terms = tokens.parse(q)
    if not (terms and case_ids):
        return {}
    connection = db.session.connection()
    return engines.of(connection).newest_hits(connection, terms, case_ids)


def _gathered(question: Question, most: int, before: Cursor | None, limit: int) -> Page | None:
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


def _walked(question: Question, before: Cursor | None, limit: int) -> Page:
    """A page of the newest cases that have a hit, as far as the portions reach."""
    found: list[Row] = []
    for portion in PORTIONS:
        rows = _cases(question, before, portion)
        found.extend(_hit_among(question, rows))
        if len(found) > limit or len(rows) < portion:
            return _page(found, limit)
        before = _place(rows[-1])
    return Page([row.id for row in found], before)


def _hit_among(question: Question, rows: Sequence[Row]) -> list[Row]:
    if not rows:
        return []
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

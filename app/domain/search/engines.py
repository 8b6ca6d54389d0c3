"""Which of the two indexes a connection has."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from sqlalchemy import ColumnElement
from sqlalchemy.engine import Connection

from app.domain.search import postgresql, sqlite
from app.domain.search.tokens import Term, Words


class Engine(Protocol):
    """What both modules do."""

    def create(self, connection: Connection) -> None: ...

    def drop(self, connection: Connection) -> None: ...

    def add_message(
        self, connection: Connection, message_id: int, case_id: int, words: Words
    ) -> None: ...

    def remove_message(self, connection: Connection, message_id: int, words: Words) -> None: ...

    def put_case(self, connection: Connection, case_id: int, texts: Iterable[Words]) -> None: ...

    def remove_case(self, connection: Connection, case_id: int) -> None: ...

    def gather(
        self, connection: Connection, terms: Sequence[Term], most: int
    ) -> ColumnElement[bool] | None: ...

    def matching(
        self, connection: Connection, terms: Sequence[Term], case_ids: Sequence[int]
    ) -> set[int]: ...

    def newest_hits(
        self, connection: Connection, terms: Sequence[Term], case_ids: Sequence[int]
    ) -> dict[int, int]: ...


_ENGINES: dict[str, Engine] = {"sqlite": sqlite, "postgresql": postgresql}


def of(connection: Connection) -> Engine:
    return _ENGINES[connection.dialect.name]

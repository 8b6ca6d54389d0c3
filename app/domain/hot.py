"""Statements that run for every message and every page, with little around the driver.

A Core statement is compiled once for each engine and from then on handed to the driver's own
cursor: that takes a third of what `Connection.execute` does, which looks the compiled form up and
builds a result around every row. It refuses to be a second way to the database: rows come back as
the driver gives them, moments as text on SQLite, so only statements that know it are run like this.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Executable
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, SessionTransaction

from app.extensions import db, is_writing

Process = Callable[[Any], Any]
_NAME = re.compile(r"%\((\w+)\)s")


def connection() -> Connection:
    """The connection of the current transaction; the session is asked once in each.

    Also once in each savepoint: by being asked the session sets it.
    """
    session = db.session()
    kept: tuple[Any, Connection] | None = session.info.get("hot")
    if kept is None or kept[0] is not _transaction(session):
        found = session.connection()
        kept = session.info["hot"] = _transaction(session), found
    return kept[1]


def finds(statement: "Statement", **values: Any) -> bool:
    """Whether it finds a row, among what the session has not written yet, too.

    Asked before objects are read that most pages find none of: it costs a twentieth of that.
    """
    return value(statement, **values) is not None


def value(statement: "Statement", **values: Any) -> Any:
    """The first column of the first row, as Python has it; None without one.

    As `foresee` found it, else it is asked now.
    """
    question = statement.asked(**values)
    known = _foreseen()
    if question in known:
        return known[question]
    rows = read(statement, **values)
    return rows[0][0] if rows else None


def read(statement: "Statement", **values: Any) -> list[tuple[Any, ...]]:
    """All rows as Python has them, among what the session has not written yet, too."""
    db.session.flush()
    here = connection()
    part = statement.compiled_for(here.dialect)
    return [part.read(row) for row in statement.rows(here, **values)]


def foresee(questions: Iterable["Question"]) -> None:
    """Ask by one statement what this request will ask `value` and `finds` one by one.

    Each question has at most one row. What a page asks costs PostgreSQL and us the more, the more often
    they speak. Who may write asks anew each time, because the answers may be their own work.
    """
    if is_writing.get():
        return
    here, known = connection(), _foreseen()
    asked = [question for question in dict.fromkeys(questions) if question not in known]
    if not asked:
        return
    parts = [question.statement.compiled_for(here.dialect) for question in asked]
    sql = ", ".join(f"({part.as_part(number)})" for number, part in enumerate(parts))
    given = [part.parameters(question.values) for part, question in zip(parts, asked, strict=True)]
    cursor = _execute(here, "execute", f"SELECT {sql}", _gathered(given))
    answers = cursor.fetchone()
    cursor.close()
    for question, part, answer in zip(asked, parts, answers, strict=True):
        known[question] = part.read([answer])[0]


def _gathered(given: Sequence[Any]) -> Any:
    """The parameters of all parts, by place or by name as the driver takes them."""
    if isinstance(given[0], list):
        return [one for part in given for one in part]
    return {f"{number}_{name}": one for number, part in enumerate(given) for name, one in part.items()}


def _foreseen() -> dict["Question", Any]:
    """What is known already in this transaction, and in no other."""
    session = db.session()
    transaction, known = session.info.get("foreseen", (None, {}))
    if transaction is None or transaction is not _transaction(session):
        known = {}
        session.info["foreseen"] = _transaction(session), known
    return known


def _transaction(session: Session) -> SessionTransaction | None:
    return session.get_nested_transaction() or session.get_transaction()


class Question(NamedTuple):
    """A statement and the values it is asked with."""

    statement: "Statement"
    given: tuple[tuple[str, Any], ...]

    @property
    def values(self) -> dict[str, Any]:
        return dict(self.given)


class Statement:
    """One Core statement. `columns` are those that an INSERT will be given values for."""

    def __init__(self, statement: Executable, *columns: str) -> None:
        self._statement = statement
        self._columns = list(columns) or None
        self._compiled: dict[str, _Compiled] = {}

    def asked(self, **values: Any) -> Question:
        """With these values, for `foresee`."""
        return Question(self, tuple(sorted(values.items())))

    def first(self, connection: Connection, **values: Any) -> Any:
        """The first row as a plain tuple, or None."""
        cursor = self._run(connection, values)
        try:
            return cursor.fetchone()
        finally:
            cursor.close()

    def rows(self, connection: Connection, **values: Any) -> list[Any]:
        """All rows, as plain tuples."""
        cursor = self._run(connection, values)
        try:
            return cursor.fetchall()
        finally:
            cursor.close()

    def count(self, connection: Connection, **values: Any) -> int:
        """How many rows it changed."""
        cursor = self._run(connection, values)
        changed = cursor.rowcount
        cursor.close()
        return changed

    def many(self, connection: Connection, rows: Sequence[Mapping[str, Any]], **all_: Any) -> None:
        """Once for each row, by one call of the driver; `all_` are the values that rows share.

        Rows may know more than the statement asks for.
        """
        if rows:
            compiled = self.compiled_for(connection.dialect)
            _execute(connection, "executemany", compiled.sql, compiled.each(rows, all_)).close()

    def _run(self, connection: Connection, values: dict[str, Any]) -> Any:
        compiled = self.compiled_for(connection.dialect)
        return _execute(connection, "execute", compiled.sql, compiled.parameters(values))

    def compiled_for(self, dialect: Dialect) -> "_Compiled":
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = _Compiled(self._statement_for(dialect), self._columns, dialect)
            self._compiled[dialect.name] = compiled
        return compiled

    def _statement_for(self, dialect: Dialect) -> Executable:
        return self._statement


class Insertion(Statement):
    """An INSERT of one row into a table whose primary key is `id`."""

    def id(self, connection: Connection, **values: Any) -> int | None:
        """The new row's id; None when a conflict kept it out.

        SQLite tells the id of its last row for nothing. RETURNING would have it make a table
        for the answer, which costs a third of the insertion itself.
        """
        cursor = self._run(connection, values)
        try:
            if connection.dialect.name == "sqlite":
                return cursor.lastrowid if cursor.rowcount == 1 else None
            row = cursor.fetchone()
            return row[0] if row else None
        finally:
            cursor.close()

    def _statement_for(self, dialect: Dialect) -> Executable:
        statement: Any = self._statement
        return statement if dialect.name == "sqlite" else statement.returning(statement.table.c.id)


class _Compiled:
    """The SQL for one engine, and how its parameters are made of our values."""

    def __init__(self, statement: Executable, columns: list[str] | None, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=columns)
        self.sql: str = compiled.string
        self._is_by_place: bool = compiled.positional
        names = compiled.positiontup or dict.fromkeys(compiled.bind_names.values())
        binds = {name: compiled.binds[name] for name in names}
        self._fixed = {name: bind.value for name, bind in binds.items() if not bind.required}
        processes: dict[str, Process | None] = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect)
            for name, bind in binds.items()
        }
        self._names = list(names)
        self._readings: list[Process | None] = [
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in getattr(statement, "selected_columns", ())
        ]
        self._processes = {name: process for name, process in processes.items() if process}

    def parameters(self, values: dict[str, Any]) -> Any:
        return self._placed(_ready({**self._fixed, **values}, self._processes))

    def each(self, rows: Sequence[Mapping[str, Any]], all_: Mapping[str, Any]) -> list[Any]:
        """The parameters of every row; what all of them share is made ready once."""
        shared = {**self._fixed, **all_}
        own = {name: process for name, process in self._processes.items() if name not in shared}
        shared = _ready(shared, {n: p for n, p in self._processes.items() if n in shared})
        return [self._placed(_ready({**row, **shared}, own)) for row in rows]

    def read(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """A row, or the beginning of one, from what the driver gave; only of a SELECT of Core's."""
        return tuple(
            reading(value) if reading else value
            for value, reading in zip(row, self._readings, strict=False)
        )

    def as_part(self, number: int) -> str:
        """The SQL as a part of a larger one: its parameters' names begin with its number."""
        return self.sql if self._is_by_place else _NAME.sub(rf"%({number}_\1)s", self.sql)

    def _placed(self, given: Mapping[str, Any]) -> Any:
        if self._is_by_place:
            return [given[name] for name in self._names]
        return {name: given[name] for name in self._names}


def _execute(connection: Connection, how: str, sql: str, parameters: Any) -> Any:
    """A cursor of the driver, on which this ran."""
    dialect = connection.dialect
    driver: Any = dialect.dbapi
    wire = connection.connection
    try:
        cursor = wire.cursor()
        getattr(cursor, how)(sql, parameters)
    except driver.Error as problem:
        if dialect.is_disconnect(problem, wire.dbapi_connection, None):
            connection.invalidate(problem)
        raise DBAPIError.instance(
            sql, parameters, problem, driver.Error, dialect=dialect
        ) from problem
    return cursor


def _ready(given: dict[str, Any], processes: Mapping[str, Process]) -> dict[str, Any]:
    """The same values as the driver takes them."""
    for name, process in processes.items():
        given[name] = process(given[name])
    return given

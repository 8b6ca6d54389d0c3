"""Statements that run for every message of every customer, with little around the driver.

A Core statement is compiled once for each engine and from then on handed to the driver's own
cursor: that takes a third of what `Connection.execute` does, which looks the compiled form up and
builds a result around every row. It refuses to be a second way to the database: rows come back as
the driver gives them, moments as text on SQLite, so only intake's own statements are run like this.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, SessionTransaction

from app.extensions import db

Process = Callable[[Any], Any]


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


def _transaction(session: Session) -> SessionTransaction | None:
    return session.get_nested_transaction() or session.get_transaction()


class Statement:
    """One Core statement. `columns` are those that an INSERT will be given values for."""

    def __init__(self, statement: Executable, *columns: str) -> None:
        self._statement = statement
        self._columns = list(columns) or None
        self._compiled: dict[str, _Compiled] = {}

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

    def _run(self, connection: Connection, values: dict[str, Any]) -> Any:
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = _Compiled(self._statement_for(dialect), self._columns, dialect)
            self._compiled[dialect.name] = compiled
        cursor = connection.connection.cursor()
        parameters = compiled.parameters(values)
        try:
            cursor.execute(compiled.sql, parameters)
        except dialect.dbapi.Error as problem:  # type: ignore[union-attr]
            raise DBAPIError.instance(
                compiled.sql, parameters, problem, dialect.dbapi.Error, dialect=dialect
            ) from problem  # type: ignore[misc]
        return cursor

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
        self._processes = {name: process for name, process in processes.items() if process}

    def parameters(self, values: dict[str, Any]) -> Any:
        given = {**self._fixed, **values}
        for name, process in self._processes.items():
            given[name] = process(given[name])
        if self._is_by_place:
            return [given[name] for name in self._names]
        return {name: given[name] for name in self._names}

"""The database's version: which migration it has, which one the code needs, and bringing it there.

Alembic weighs 9 MB, and a server that is up to date needs nothing of it: it is imported by the
commands alone.
"""

from functools import cache
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection

from app.extensions import db, is_writing

MIGRATIONS = Path(__file__).parent.parent / "migrations"


class Commands(click.Group):
    """`flask db ...`, as Flask-Migrate has it, loaded when somebody asks for it."""

    def __init__(self, app: Flask) -> None:
        super().__init__("db", help="Bring the database to what the code needs.")
        self._app = app

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Also where no application is current yet: its own runner of commands has none."""
        from flask_migrate.cli import db as commands

        with self._app.app_context():
            _prepare()
        return commands.make_context(*args, **kwargs)


def init_app(app: Flask) -> None:
    app.cli.add_command(Commands(app))


def is_current(connection: Connection) -> bool:
    """Whether every migration has run."""
    is_made = inspect(connection).has_table("alembic_version")
    return is_made and connection.scalar(text("SELECT version_num FROM alembic_version")) == head()


def bring_up_to_date(app: Flask, *, revision: str = "head") -> None:
    """Run the migrations that are missing, as far as this one."""
    from flask_migrate import upgrade

    with app.app_context():
        _prepare()
        is_writing.set(True)
        try:
            upgrade(revision=revision)
        finally:
            is_writing.set(False)


@cache
def head() -> str:
    """The newest migration; their files are numbered."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("0*.py"))


def _prepare() -> None:
    from flask_migrate import Migrate

    if "migrate" not in current_app.extensions:
        Migrate(current_app, db, directory=str(MIGRATIONS))

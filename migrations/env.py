"""How Alembic reaches the database: the application's own engine, one writing transaction."""

from alembic import context
from flask import current_app

from app.domain import search
from app.extensions import db, is_writing
from app.models import Base


def _is_in_schema(_object, name, type_, _reflected, _compare_to) -> bool:
    return not (type_ == "table" and search.is_ours(name))


def run() -> None:
    is_writing.set(True)
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=current_app.extensions["mado"].is_sqlite,
            include_object=_is_in_schema,
        )
        with context.begin_transaction():
            context.run_migrations()
    is_writing.set(False)


run()

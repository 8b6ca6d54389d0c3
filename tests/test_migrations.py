"""Migrations bring older databases along with everything in them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import text

from app import create_app, schema
from app.extensions import db, is_writing
from tests.conftest import config_for, missing, own_database, postgresql_server

AT = "2026-11-23 09:00:00"
FIRST_ROWS = (
    "INSERT INTO channels (id, kind, name, state, credentials, display_name, reactivates_closed,"
    " failed_signature_count, ignored_count, created_at)"
    f" VALUES (1, 'line', 'Shop', 'connected', 'x', '', false, 0, 0, '{AT}')",
    f"INSERT INTO contacts (id, name, created_at) VALUES (1, 'Somchai', '{AT}')",
    "INSERT INTO conversations (id, channel_id, kind, external_id, lookup_attempts, created_at)"
    f" VALUES (1, 1, 'user', 'U1', 0, '{AT}')",
    "INSERT INTO cases (id, channel_id, conversation_id, contact_id, subject, subject_is_edited,"
    " status, chat_state, is_spam, created_at, last_message_at, last_activity_at)"
    f" VALUES (1, 1, 1, 1, 'Hello', false, 'open', 'active', false, '{AT}', '{AT}', '{AT}')",
    "INSERT INTO messages (id, case_id, channel_id, direction, kind, text, is_automatic, received_at)"
    f" VALUES (1, 1, 1, 'in', 'text', 'Hello', false, '{AT}')",
)
EVERYTHING = (
    "SELECT cases.subject, messages.text, messages.is_late, channels.options FROM messages"
    " JOIN cases ON cases.id = case_id JOIN channels ON channels.id = messages.channel_id"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def old_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """A Mado whose database has the first schema and nothing else."""
    if request.param == "sqlite":
        yield _at_first_schema(f"sqlite:///{tmp_path / 'mado.sqlite3'}", tmp_path)
        return
    server = postgresql_server() or missing("PostgreSQL")
    with own_database(server) as url:
        app = _at_first_schema(url, tmp_path)
        yield app
        with app.app_context():
            db.engine.dispose()


def _at_first_schema(url: str, folder: Path) -> Flask:
    app = create_app(config_for(url, folder))
    schema.bring_up_to_date(app, revision="0001")
    return app


def test_messages_of_the_first_schema_are_all_there_after_the_last_migration(old_app: Flask):
    with old_app.app_context():
        is_writing.set(True)
        [db.session.execute(text(row)) for row in FIRST_ROWS]
        db.session.commit()
    schema.bring_up_to_date(old_app)
    with old_app.app_context():
        assert [tuple(row) for row in db.session.execute(text(EVERYTHING))] == [
            ("Hello", "Hello", False, "{}")
        ]


def test_the_newest_migration_is_known_without_alembic():
    assert schema.head() == ScriptDirectory(str(schema.MIGRATIONS)).get_current_head()

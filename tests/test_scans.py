"""The tests' own guard sees a statement that reads a whole table, and only that."""

import pytest
from sqlalchemy import text

from app.extensions import db
from app.models import Base
from tests import scans


@pytest.fixture(autouse=True)
def _in_context(app):
    with app.app_context():
        yield


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ("SELECT id FROM messages WHERE external_id = 'x'", "messages"),
        ("SELECT m.id FROM cases JOIN messages m ON m.text = cases.subject WHERE cases.id = 1", "messages"),
        ("UPDATE cases SET status = 'open' WHERE subject = 'x'", "cases"),
        ("SELECT count(*) FROM messages", "messages"),
        ("SELECT labels.id FROM labels, messages AS m WHERE m.text = labels.name", "messages"),
        ("SELECT labels.id FROM labels LEFT JOIN cases ON cases.subject = labels.name", "cases"),
        ("SELECT case_id, count(*) FROM messages GROUP BY case_id ORDER BY 2 DESC LIMIT 5", "messages"),
        ("SELECT id FROM messages WHERE id = 1", None),
        ("SELECT id FROM cases ORDER BY last_message_at DESC, id DESC LIMIT 51", None),
        ("SELECT id FROM labels WHERE created_at = 'x'", None),
        ("SELECT id FROM events WHERE occurred_at < 'x' ORDER BY events.id DESC LIMIT 1", None),
    ],
)
def test_a_plan_tells_what_is_read_whole(sql, table):
    connection = db.session.connection().connection.dbapi_connection
    assert scans.read_whole(connection, sql) == table


def test_what_the_application_asks_is_refused_and_what_a_test_asks_is_not():
    asked = "db.session.execute(text('SELECT id FROM messages WHERE text = 1'))"
    names = {"db": db, "text": text}
    exec(asked, names)
    by_the_application = compile(asked, f"{scans.APP}/somewhere.py", "exec")
    for _ in range(2):
        with pytest.raises(AssertionError, match="reads all of messages"):
            exec(by_the_application, names)
    scans.Cursor.judged.pop('SELECT id FROM messages WHERE text = 1')


def test_what_is_said_to_stay_small_is_a_table():
    assert set(Base.metadata.tables) > scans.SMALL

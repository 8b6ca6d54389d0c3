"""Indexes by which cases are found by priority, as spam and in the trash"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'

LISTED = "chat_state <> 'active' AND is_spam = false AND trashed_at IS NULL"
INDEXES = {
    'cases_listed_by_priority': (
        ['priority', 'last_message_at', 'id'],
        f"{LISTED} AND priority <> 'normal'",
    ),
    'cases_spam': (['last_message_at', 'id'], "is_spam = true AND trashed_at IS NULL"),
    'cases_trashed': (['last_message_at', 'id'], "trashed_at IS NOT NULL"),
    'cases_trashed_since': (['trashed_at'], "trashed_at IS NOT NULL"),
}


def upgrade() -> None:
    for name, (columns, where) in INDEXES.items():
        partial = sa.text(where)
        op.create_index(name, 'cases', columns, sqlite_where=partial, postgresql_where=partial)


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, table_name='cases')

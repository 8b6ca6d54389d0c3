"""Indexes for what was looked for among all rows"""

import sqlalchemy as sa
from alembic import op

revision = '0019'
down_revision = '0018'

INDEXES = (
    ('attachments_stored', 'attachments', ['storage_key'], 'storage_key IS NOT NULL'),
    ('attachments_previewed', 'attachments', ['preview_key'], 'preview_key IS NOT NULL'),
    ('receipts_with_errors', 'receipts', ['channel_id', 'id'], 'error IS NOT NULL'),
    ('notifications_troubled', 'notifications', ['id'], 'mail_problem IS NOT NULL'),
)


def upgrade() -> None:
    for name, table, columns, which in INDEXES:
        only = sa.text(which)
        op.create_index(name, table, columns, sqlite_where=only, postgresql_where=only)


def downgrade() -> None:
    for name, table, _columns, _which in INDEXES:
        op.drop_index(name, table_name=table)

"""Blocks, and groups left, are known by the provider's clock"""

import sqlalchemy as sa
from alembic import op

import app.columns

revision = '0018'
down_revision = '0017'


def upgrade() -> None:
    for table, column, known in (
        ('identities', 'block_told_at', 'blocked_at'),
        ('conversations', 'presence_told_at', 'left_at'),
    ):
        op.add_column(table, sa.Column(column, app.columns.Moment(timezone=True), nullable=True))
        op.execute(f'UPDATE {table} SET {column} = {known}')


def downgrade() -> None:
    op.drop_column('conversations', 'presence_told_at')
    op.drop_column('identities', 'block_told_at')

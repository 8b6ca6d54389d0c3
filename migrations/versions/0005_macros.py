"""Macros, and their actions in drafts"""

import sqlalchemy as sa
from alembic import op

import app.columns

revision = '0005'
down_revision = '0004'

MOMENT = app.columns.Moment(timezone=True)


def upgrade() -> None:
    op.create_table('macros',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('actions', sa.Text(), nullable=False),
    sa.Column('owner_id', sa.Integer(), nullable=True),
    sa.Column('deleted_at', MOMENT, nullable=True),
    sa.Column('created_at', MOMENT, nullable=False),
    sa.ForeignKeyConstraint(['owner_id'], ['agents.id'], name=op.f('fk_macros_owner_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_macros'))
    )
    op.create_index(op.f('ix_macros_owner_id'), 'macros', ['owner_id'])
    op.add_column('drafts', sa.Column('steps', sa.Text(), server_default='', nullable=False))


def downgrade() -> None:
    raise RuntimeError('Mado goes back by restoring a backup: this would throw macros away.')

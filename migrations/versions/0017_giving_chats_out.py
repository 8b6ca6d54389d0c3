"""New chats can be given out to the least busy agent"""

import sqlalchemy as sa
from alembic import op

import app.columns

revision = '0017'
down_revision = '0016'


def upgrade() -> None:
    op.create_table(
        'last_given',
        sa.Column('agent_id', sa.Integer(), nullable=False),
        sa.Column('given_at', app.columns.Moment(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ['agent_id'], ['agents.id'], name=op.f('fk_last_given_agent_id'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('agent_id', name=op.f('pk_last_given')),
    )
    op.add_column('cases', sa.Column('given_at', app.columns.Moment(timezone=True), nullable=True))
    given = sa.text('given_at IS NOT NULL')
    op.create_index('cases_given', 'cases', ['given_at'], sqlite_where=given, postgresql_where=given)


def downgrade() -> None:
    op.drop_index('cases_given', table_name='cases')
    op.drop_column('cases', 'given_at')
    op.drop_table('last_given')

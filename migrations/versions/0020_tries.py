"""What was tried too often is counted for all processes"""

import sqlalchemy as sa
from alembic import op

import app.columns

revision = '0020'
down_revision = '0019'


def upgrade() -> None:
    op.create_table(
        'tries',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('key', sa.String(length=64), nullable=False),
        sa.Column('tried_at', app.columns.Moment(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_tries')),
    )
    op.create_index('tries_of_key', 'tries', ['key', 'tried_at'])
    op.create_index(op.f('ix_tries_tried_at'), 'tries', ['tried_at'])


def downgrade() -> None:
    op.drop_table('tries')

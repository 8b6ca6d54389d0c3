"""What all processes counted, for whoever watches the installation"""

import sqlalchemy as sa
from alembic import op

import app.columns

revision = '0016'
down_revision = '0015'


def upgrade() -> None:
    op.create_table(
        'metrics',
        sa.Column('series', sa.String(length=200), nullable=False),
        sa.Column('process', sa.String(length=80), nullable=False),
        sa.Column('value', sa.Float(), nullable=False),
        sa.Column('told_at', app.columns.Moment(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('series', 'process', name=op.f('pk_metrics')),
    )


def downgrade() -> None:
    op.drop_table('metrics')

"""Requests for a new password, until they are mailed"""

import sqlalchemy as sa
from alembic import op

import app.columns

revision = '0013'
down_revision = '0012'

MOMENT = app.columns.Moment(timezone=True)


def upgrade() -> None:
    op.create_table('password_requests',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('asked_at', MOMENT, nullable=False),
    sa.Column('due_at', MOMENT, nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_password_requests'))
    )


def downgrade() -> None:
    op.drop_table('password_requests')

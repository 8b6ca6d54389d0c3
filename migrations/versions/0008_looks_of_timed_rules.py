"""How far time-based rules have looked, and indexes by the moments that they wait from"""

import sqlalchemy as sa
from alembic import op

import app.columns

revision = '0008'
down_revision = '0007'

MOMENT = app.columns.Moment(timezone=True)
INDEXES = {
    'cases_by_creation': 'created_at',
    'cases_by_contact_message': 'last_contact_at',
    'cases_by_agent_message': 'last_agent_at',
    'cases_by_status_change': sa.text('coalesce(status_changed_at, created_at)'),
}


def upgrade() -> None:
    op.add_column('rules', sa.Column('looked_until', MOMENT))
    op.add_column('rules', sa.Column('looked_event_id', sa.Integer()))
    for name, moment in INDEXES.items():
        op.create_index(name, 'cases', [moment, 'id'])


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, 'cases')
    op.drop_column('rules', 'looked_event_id')
    op.drop_column('rules', 'looked_until')

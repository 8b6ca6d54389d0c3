"""Rules that catch up with what was due before they were saved, and an index of what happened to rules"""

import sqlalchemy as sa
from alembic import op

import app.columns

revision = '0010'
down_revision = '0009'

OF_RULES = sa.text(
    "type IN ('rule.created', 'rule.changed', 'rule.switched_on', 'rule.switched_off', 'rule.moved', 'rule.deleted', 'rule.put_back', 'rule.caught_up', 'rules.paused', 'rules.resumed')"
)


def upgrade() -> None:
    op.add_column('rules', sa.Column('catches_up_at', app.columns.Moment(timezone=True)))
    op.create_index('events_of_rules', 'events', ['id'], sqlite_where=OF_RULES, postgresql_where=OF_RULES)


def downgrade() -> None:
    op.drop_index('events_of_rules', 'events')
    op.drop_column('rules', 'catches_up_at')

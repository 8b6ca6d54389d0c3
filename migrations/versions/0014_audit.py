"""An index of the events that the audit page shows"""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'

AUDITED = (
    'agent.changed', 'agent.created', 'agent.invited', 'agent.password_changed',
    'agent.password_requested', 'agent.recovery_code_used', 'agent.recovery_codes_renewed',
    'agent.second_factor_added', 'agent.second_factor_removed', 'case.deleted', 'channel.changed',
    'channel.connected', 'channel.deleted', 'channel.disabled', 'channel.enabled', 'group.changed',
    'group.created', 'group.deleted', 'invitation.taken_up', 'label.changed', 'label.created',
    'label.deleted', 'rule.caught_up', 'rule.changed', 'rule.created', 'rule.deleted', 'rule.moved',
    'rule.put_back', 'rule.switched_off', 'rule.switched_on', 'rules.paused', 'rules.resumed',
    'session.ended', 'session.refused', 'session.started', 'setting.changed', 'token.created',
)
OF_AUDIT = sa.text("type IN ({})".format(", ".join(map(repr, AUDITED))))


def upgrade() -> None:
    op.create_index('events_of_audit', 'events', ['id'], sqlite_where=OF_AUDIT, postgresql_where=OF_AUDIT)


def downgrade() -> None:
    op.drop_index('events_of_audit', 'events')

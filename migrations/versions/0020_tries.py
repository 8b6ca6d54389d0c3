"""What was tried too often is counted for all processes, and who was let try again is audited"""

import sqlalchemy as sa
from alembic import op

import app.columns

revision = '0020'
down_revision = '0019'

AUDITED = (
    'agent.changed', 'agent.created', 'agent.invited', 'agent.password_changed',
    'agent.password_requested', 'agent.recovery_code_used', 'agent.recovery_codes_renewed',
    'agent.second_factor_added', 'agent.second_factor_removed', 'agent.unlocked', 'case.deleted',
    'channel.changed', 'channel.connected', 'channel.deleted', 'channel.disabled', 'channel.enabled',
    'group.changed', 'group.created', 'group.deleted', 'invitation.taken_up', 'label.changed',
    'label.created', 'label.deleted', 'rule.caught_up', 'rule.changed', 'rule.created', 'rule.deleted',
    'rule.moved', 'rule.put_back', 'rule.switched_off', 'rule.switched_on', 'rules.paused',
    'rules.resumed', 'session.ended', 'session.refused', 'session.started', 'setting.changed',
    'token.created',
)
BEFORE = tuple(name for name in AUDITED if name != 'agent.unlocked')


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
    index_audit(AUDITED)


def downgrade() -> None:
    index_audit(BEFORE)
    op.drop_table('tries')


def index_audit(names: tuple[str, ...]) -> None:
    of_audit = sa.text('type IN ({})'.format(', '.join(map(repr, names))))
    op.drop_index('events_of_audit', 'events')
    op.create_index('events_of_audit', 'events', ['id'], sqlite_where=of_audit, postgresql_where=of_audit)

"""Links for a password that admins make are mailed too, and the audit tells of revoked tokens"""

import sqlalchemy as sa
from alembic import op

import app.columns

revision = '0021'
down_revision = '0020'

MOMENT = app.columns.Moment(timezone=True)
AGENT = 'fk_password_requests_agent_id'
INDEX = 'ix_password_requests_agent_id'
BEFORE = (
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
AUDITED = (*BEFORE, 'token.revoked')


def upgrade() -> None:
    with op.batch_alter_table('password_requests') as requests:
        requests.add_column(sa.Column('agent_id', sa.Integer(), nullable=True))
        requests.add_column(sa.Column('problem', sa.String(length=300), nullable=True))
        requests.alter_column('due_at', existing_type=MOMENT, nullable=True)
        requests.create_foreign_key(AGENT, 'agents', ['agent_id'], ['id'], ondelete='CASCADE')
        requests.create_index(INDEX, ['agent_id'])
    _index_audit(AUDITED)


def downgrade() -> None:
    _index_audit(BEFORE)
    op.execute('DELETE FROM password_requests WHERE agent_id IS NOT NULL')
    with op.batch_alter_table('password_requests') as requests:
        requests.drop_index(INDEX)
        requests.drop_constraint(AGENT, type_='foreignkey')
        requests.alter_column('due_at', existing_type=MOMENT, nullable=False)
        requests.drop_column('problem')
        requests.drop_column('agent_id')


def _index_audit(types: tuple[str, ...]) -> None:
    which = sa.text("type IN ({})".format(", ".join(map(repr, types))))
    op.drop_index('events_of_audit', table_name='events')
    op.create_index('events_of_audit', 'events', ['id'], sqlite_where=which, postgresql_where=which)

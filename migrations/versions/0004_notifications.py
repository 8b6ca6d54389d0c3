"""Notifications of agents, and calls of other programs' webhooks"""

import sqlalchemy as sa
from alembic import op

import app.columns

revision = '0004'
down_revision = '0003'

MOMENT = app.columns.Moment(timezone=True)
MAILED = (
    "ALTER TABLE agents ADD COLUMN mailed VARCHAR(10) DEFAULT 'asked' NOT NULL"
    " CONSTRAINT ck_agents_mailed CHECK (mailed IN ('asked', 'all', 'none'))"
)


def upgrade() -> None:
    op.execute(MAILED)
    _partial_index('messages_automatic', 'messages', ['case_id', 'received_at'], 'is_automatic = true')
    op.create_table('notifications',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('agent_id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('rule_id', sa.Integer(), nullable=True),
    sa.Column('text', sa.String(length=500), nullable=False),
    sa.Column('is_shown', sa.Boolean(), nullable=False),
    sa.Column('read_at', MOMENT, nullable=True),
    sa.Column('created_at', MOMENT, nullable=False),
    sa.Column('mail', sa.String(length=10), nullable=True),
    sa.Column('mail_due_at', MOMENT, nullable=True),
    sa.Column('mail_attempts', sa.Integer(), nullable=False),
    sa.Column('mail_problem', sa.Text(), nullable=True),
    sa.CheckConstraint("mail IN ('queued', 'sent', 'failed')", name=op.f('ck_notifications_mail')),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_notifications_agent_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_notifications_case_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['rule_id'], ['rules.id'], name=op.f('fk_notifications_rule_id'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notifications'))
    )
    _partial_index('notifications_of_agent', 'notifications', ['agent_id', 'id'], 'is_shown = true')
    _partial_index('notifications_unread', 'notifications', ['agent_id'], 'is_shown = true AND read_at IS NULL')
    _partial_index('notifications_to_mail', 'notifications', ['mail_due_at'], 'mail_due_at IS NOT NULL')
    op.create_index('notifications_of_case', 'notifications', ['case_id', 'rule_id', 'agent_id'])
    op.create_index('notifications_by_age', 'notifications', ['created_at'])

    op.create_table('webhook_calls',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=36), nullable=False),
    sa.Column('rule_id', sa.Integer(), nullable=True),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('url', sa.String(length=500), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('due_at', MOMENT, nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('problem', sa.Text(), nullable=True),
    sa.Column('created_at', MOMENT, nullable=False),
    sa.Column('finished_at', MOMENT, nullable=True),
    sa.CheckConstraint("state IN ('queued', 'sent', 'failed')", name=op.f('ck_webhook_calls_state')),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_webhook_calls_case_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['rule_id'], ['rules.id'], name=op.f('fk_webhook_calls_rule_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_calls')),
    sa.UniqueConstraint('key', name=op.f('uq_webhook_calls_key'))
    )
    _partial_index('webhook_calls_due', 'webhook_calls', ['due_at'], 'due_at IS NOT NULL')
    op.create_index(op.f('ix_webhook_calls_case_id'), 'webhook_calls', ['case_id'])
    op.create_index('webhook_calls_of_rule', 'webhook_calls', ['rule_id', 'id'])
    op.create_index('webhook_calls_by_age', 'webhook_calls', ['created_at'])


def _partial_index(name: str, table: str, columns: list[str], predicate: str) -> None:
    where = sa.text(predicate)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    raise RuntimeError('Mado goes back by restoring a backup: this would throw notifications away.')

"""Attachments, groups' authors, edited and unsent messages, quotas, failed calls

Columns are added as they are: to rebuild a table on SQLite would drop it first, and what refers to
its rows would be deleted with them.
"""

import sqlalchemy as sa
from alembic import op

import app.columns

revision = '0002'
down_revision = '0001'

MOMENT = app.columns.Moment(timezone=True)
ADDED = (
    ('cases', 'author_candidate_id INTEGER CONSTRAINT fk_cases_author_candidate_id REFERENCES contacts (id)'),
    ('messages', 'quoted_id INTEGER CONSTRAINT fk_messages_quoted_id REFERENCES messages (id) ON DELETE SET NULL'),
)


def partial(predicate: str) -> dict[str, sa.TextClause]:
    return {'sqlite_where': sa.text(predicate), 'postgresql_where': sa.text(predicate)}


def upgrade() -> None:
    for table, column in ADDED:
        op.execute(f'ALTER TABLE {table} ADD COLUMN {column}')
    op.add_column('channels', sa.Column('options', sa.Text(), server_default='{}', nullable=False))
    op.add_column('channels', sa.Column('checks', sa.Text(), server_default='{}', nullable=False))
    op.add_column('channels', sa.Column('quota_limit', sa.Integer()))
    op.add_column('channels', sa.Column('quota_used', sa.Integer()))
    op.add_column('channels', sa.Column('quota_asked_at', MOMENT))
    op.add_column('channels', sa.Column('quota_due_at', MOMENT))
    op.add_column('conversations', sa.Column('member_count', sa.Integer()))
    op.add_column('conversations', sa.Column('read_token', sa.Text()))
    op.add_column('conversations', sa.Column('read_due_at', MOMENT))
    op.create_index('conversations_read', 'conversations', ['read_due_at'], **partial('read_due_at IS NOT NULL'))
    op.add_column('messages', sa.Column('quote_token', sa.Text()))
    op.add_column('messages', sa.Column('album_key', sa.String(length=100)))
    op.add_column('messages', sa.Column('album_place', sa.Integer()))
    op.add_column('messages', sa.Column('edited_at', MOMENT))
    op.add_column('messages', sa.Column('unsent_at', MOMENT))
    op.add_column('messages', sa.Column('is_late', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index('messages_of_album', 'messages', ['case_id', 'album_key'], **partial('album_key IS NOT NULL'))
    op.create_index('events_of_channel', 'events', ['channel_id', 'id'], **partial('channel_id IS NOT NULL'))
    op.create_index('messages_quoting', 'messages', ['quoted_id'], **partial('quoted_id IS NOT NULL'))
    op.create_index('receipts_with_bytes', 'receipts', ['channel_id'], **partial('raw IS NOT NULL'))
    op.create_table('sent_parts',
    sa.Column('channel_id', sa.Integer(), nullable=False),
    sa.Column('external_id', sa.String(length=100), nullable=False),
    sa.Column('message_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['channel_id'], ['channels.id'], name=op.f('fk_sent_parts_channel_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['message_id'], ['messages.id'], name=op.f('fk_sent_parts_message_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('channel_id', 'external_id', name=op.f('pk_sent_parts'))
    )
    op.create_index(op.f('ix_sent_parts_message_id'), 'sent_parts', ['message_id'])
    op.execute(
        'INSERT INTO sent_parts (channel_id, external_id, message_id)'
        ' SELECT channel_id, external_id, max(id) FROM messages'
        " WHERE direction = 'out' AND external_id IS NOT NULL GROUP BY channel_id, external_id"
    )
    op.create_table('call_failures',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('channel_id', sa.Integer(), nullable=False),
    sa.Column('occurred_at', MOMENT, nullable=False),
    sa.Column('call', sa.String(length=80), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('request_id', sa.String(length=100), nullable=True),
    sa.Column('reason', sa.String(length=300), nullable=False),
    sa.ForeignKeyConstraint(['channel_id'], ['channels.id'], name=op.f('fk_call_failures_channel_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_call_failures'))
    )
    op.create_index('call_failures_of_channel', 'call_failures', ['channel_id', 'id'])
    op.create_table('early_changes',
    sa.Column('channel_id', sa.Integer(), nullable=False),
    sa.Column('external_id', sa.String(length=100), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('occurred_at', MOMENT, nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('payload', sa.Text(), nullable=True),
    sa.Column('quote_token', sa.Text(), nullable=True),
    sa.CheckConstraint("kind IN ('unsent', 'edited')", name=op.f('ck_early_changes_kind')),
    sa.ForeignKeyConstraint(['channel_id'], ['channels.id'], name=op.f('fk_early_changes_channel_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('channel_id', 'external_id', 'kind', name=op.f('pk_early_changes'))
    )
    op.create_table('monthly_counts',
    sa.Column('channel_id', sa.Integer(), nullable=False),
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('method', sa.String(length=10), nullable=False),
    sa.Column('reply_count', sa.Integer(), nullable=False),
    sa.Column('people_count', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['channel_id'], ['channels.id'], name=op.f('fk_monthly_counts_channel_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('channel_id', 'month', 'method', name=op.f('pk_monthly_counts'))
    )
    op.create_table('attachments',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('message_id', sa.Integer(), nullable=True),
    sa.Column('agent_id', sa.Integer(), nullable=True),
    sa.Column('place', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('filename', sa.String(length=255), nullable=False),
    sa.Column('content_type', sa.String(length=100), nullable=True),
    sa.Column('size', sa.BigInteger(), nullable=True),
    sa.Column('width', sa.Integer(), nullable=True),
    sa.Column('height', sa.Integer(), nullable=True),
    sa.Column('duration_ms', sa.Integer(), nullable=True),
    sa.Column('source_url', sa.Text(), nullable=True),
    sa.Column('storage_key', sa.String(length=80), nullable=True),
    sa.Column('preview_key', sa.String(length=80), nullable=True),
    sa.Column('public_token', app.columns.EncryptedText(), nullable=True),
    sa.Column('public_token_hash', sa.String(length=64), nullable=True),
    sa.Column('revoked_at', MOMENT, nullable=True),
    sa.Column('problem', sa.Text(), nullable=True),
    sa.Column('created_at', MOMENT, nullable=False),
    sa.Column('due_at', MOMENT, nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.CheckConstraint("kind IN ('image', 'video', 'audio', 'file')", name=op.f('ck_attachments_kind')),
    sa.CheckConstraint("state IN ('waiting', 'stored', 'gone', 'refused', 'removed')", name=op.f('ck_attachments_state')),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_attachments_agent_id')),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_attachments_case_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['message_id'], ['messages.id'], name=op.f('fk_attachments_message_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attachments')),
    sa.UniqueConstraint('public_token_hash', name=op.f('uq_attachments_public_token_hash'))
    )
    op.create_index('attachments_due', 'attachments', ['due_at'], **partial('due_at IS NOT NULL'))
    op.create_index('attachments_of_draft', 'attachments', ['case_id', 'agent_id'], **partial('message_id IS NULL'))
    op.create_index('attachments_of_message', 'attachments', ['message_id', 'place'])


def downgrade() -> None:
    raise RuntimeError('Mado goes back by restoring a backup: this would throw attachments away.')

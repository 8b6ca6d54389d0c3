"""First schema"""

import sqlalchemy as sa
from alembic import op

import app.columns
from app.domain import search

revision = '0001'
down_revision = None


def upgrade() -> None:
    op.create_table('agents',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('role', sa.String(length=10), nullable=False),
    sa.Column('access', sa.String(length=12), nullable=False),
    sa.Column('password_hash', sa.String(length=200), nullable=True),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('has_sound', sa.Boolean(), nullable=False),
    sa.Column('has_shortcuts', sa.Boolean(), nullable=False),
    sa.Column('live_at', app.columns.Moment(timezone=True), nullable=True),
    sa.Column('created_at', app.columns.Moment(timezone=True), nullable=False),
    sa.CheckConstraint("access IN ('all', 'own_groups')", name=op.f('ck_agents_access')),
    sa.CheckConstraint("role IN ('agent', 'admin')", name=op.f('ck_agents_role')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_agents')),
    sa.UniqueConstraint('email', name=op.f('uq_agents_email'))
    )
    op.create_table('contacts',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=True),
    sa.Column('language', sa.String(length=20), nullable=True),
    sa.Column('picture', sa.String(length=64), nullable=True),
    sa.Column('created_at', app.columns.Moment(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contacts'))
    )
    op.create_table('groups',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('created_at', app.columns.Moment(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_groups')),
    sa.UniqueConstraint('name', name=op.f('uq_groups_name'))
    )
    op.create_table('leases',
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('owner', sa.String(length=80), nullable=False),
    sa.Column('until', app.columns.Moment(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_leases'))
    )
    op.create_table('settings',
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_settings'))
    )
    op.create_table('api_tokens',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('agent_id', sa.Integer(), nullable=False),
    sa.Column('last4', sa.String(length=4), nullable=False),
    sa.Column('created_at', app.columns.Moment(timezone=True), nullable=False),
    sa.Column('expires_at', app.columns.Moment(timezone=True), nullable=True),
    sa.Column('used_at', app.columns.Moment(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_api_tokens_agent_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_tokens')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_api_tokens_token_hash'))
    )
    with op.batch_alter_table('api_tokens', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_api_tokens_agent_id'), ['agent_id'], unique=False)

    op.create_table('channels',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('key_hash', sa.String(length=64), nullable=True),
    sa.Column('key', app.columns.EncryptedText(), nullable=True),
    sa.Column('credentials', app.columns.EncryptedText(), nullable=False),
    sa.Column('external_id', sa.String(length=64), nullable=True),
    sa.Column('display_name', sa.String(length=120), nullable=False),
    sa.Column('picture_url', sa.Text(), nullable=True),
    sa.Column('group_id', sa.Integer(), nullable=True),
    sa.Column('inactivity_minutes', sa.Integer(), nullable=True),
    sa.Column('reactivates_closed', sa.Boolean(), nullable=False),
    sa.Column('problem', sa.Text(), nullable=True),
    sa.Column('last_event_at', app.columns.Moment(timezone=True), nullable=True),
    sa.Column('called_at', app.columns.Moment(timezone=True), nullable=True),
    sa.Column('failed_signature_count', sa.Integer(), nullable=False),
    sa.Column('failed_signature_at', app.columns.Moment(timezone=True), nullable=True),
    sa.Column('ignored_count', sa.Integer(), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=True),
    sa.Column('created_at', app.columns.Moment(timezone=True), nullable=False),
    sa.CheckConstraint("state IN ('draft', 'connected', 'disabled', 'deleted')", name=op.f('ck_channels_state')),
    sa.ForeignKeyConstraint(['created_by_id'], ['agents.id'], name=op.f('fk_channels_created_by_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['group_id'], ['groups.id'], name=op.f('fk_channels_group_id'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_channels')),
    sa.UniqueConstraint('key_hash', name=op.f('uq_channels_key_hash'))
    )
    with op.batch_alter_table('channels', schema=None) as batch_op:
        batch_op.create_index('one_draft_per_admin', ['created_by_id', 'kind'], unique=True, sqlite_where=sa.text("state = 'draft'"), postgresql_where=sa.text("state = 'draft'"))

    op.create_table('group_members',
    sa.Column('group_id', sa.Integer(), nullable=False),
    sa.Column('agent_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_group_members_agent_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['group_id'], ['groups.id'], name=op.f('fk_group_members_group_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('group_id', 'agent_id', name=op.f('pk_group_members'))
    )
    with op.batch_alter_table('group_members', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_group_members_agent_id'), ['agent_id'], unique=False)

    op.create_table('invitations',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('agent_id', sa.Integer(), nullable=False),
    sa.Column('created_at', app.columns.Moment(timezone=True), nullable=False),
    sa.Column('expires_at', app.columns.Moment(timezone=True), nullable=False),
    sa.Column('used_at', app.columns.Moment(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_invitations_agent_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invitations')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_invitations_token_hash'))
    )
    with op.batch_alter_table('invitations', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_invitations_agent_id'), ['agent_id'], unique=False)

    op.create_table('sessions',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('agent_id', sa.Integer(), nullable=False),
    sa.Column('created_at', app.columns.Moment(timezone=True), nullable=False),
    sa.Column('used_at', app.columns.Moment(timezone=True), nullable=False),
    sa.Column('user_agent', sa.String(length=200), nullable=False),
    sa.Column('address', sa.String(length=60), nullable=False),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_sessions_agent_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sessions')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_sessions_token_hash'))
    )
    with op.batch_alter_table('sessions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sessions_agent_id'), ['agent_id'], unique=False)

    op.create_table('identities',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('channel_id', sa.Integer(), nullable=False),
    sa.Column('external_id', sa.String(length=200), nullable=False),
    sa.Column('contact_id', sa.Integer(), nullable=False),
    sa.Column('blocked_at', app.columns.Moment(timezone=True), nullable=True),
    sa.Column('picture_url', sa.Text(), nullable=True),
    sa.Column('looked_up_at', app.columns.Moment(timezone=True), nullable=True),
    sa.Column('lookup_due_at', app.columns.Moment(timezone=True), nullable=True),
    sa.Column('lookup_attempts', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['channel_id'], ['channels.id'], name=op.f('fk_identities_channel_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_identities_contact_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_identities')),
    sa.UniqueConstraint('channel_id', 'external_id', name=op.f('uq_identities_channel_id_external_id'))
    )
    with op.batch_alter_table('identities', schema=None) as batch_op:
        batch_op.create_index('identities_due', ['lookup_due_at'], unique=False, sqlite_where=sa.text('lookup_due_at IS NOT NULL'), postgresql_where=sa.text('lookup_due_at IS NOT NULL'))
        batch_op.create_index(batch_op.f('ix_identities_contact_id'), ['contact_id'], unique=False)

    op.create_table('conversations',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('channel_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('external_id', sa.String(length=200), nullable=False),
    sa.Column('identity_id', sa.Integer(), nullable=True),
    sa.Column('name', sa.String(length=200), nullable=True),
    sa.Column('left_at', app.columns.Moment(timezone=True), nullable=True),
    sa.Column('lookup_due_at', app.columns.Moment(timezone=True), nullable=True),
    sa.Column('lookup_attempts', sa.Integer(), nullable=False),
    sa.Column('created_at', app.columns.Moment(timezone=True), nullable=False),
    sa.CheckConstraint("kind IN ('user', 'group', 'room', 'thread')", name=op.f('ck_conversations_kind')),
    sa.ForeignKeyConstraint(['channel_id'], ['channels.id'], name=op.f('fk_conversations_channel_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['identity_id'], ['identities.id'], name=op.f('fk_conversations_identity_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_conversations')),
    sa.UniqueConstraint('channel_id', 'external_id', name=op.f('uq_conversations_channel_id_external_id'))
    )
    with op.batch_alter_table('conversations', schema=None) as batch_op:
        batch_op.create_index('conversations_due', ['lookup_due_at'], unique=False, sqlite_where=sa.text('lookup_due_at IS NOT NULL'), postgresql_where=sa.text('lookup_due_at IS NOT NULL'))
        batch_op.create_index(batch_op.f('ix_conversations_identity_id'), ['identity_id'], unique=False)

    op.create_table('cases',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('channel_id', sa.Integer(), nullable=False),
    sa.Column('conversation_id', sa.Integer(), nullable=False),
    sa.Column('contact_id', sa.Integer(), nullable=True),
    sa.Column('subject', sa.String(length=200), nullable=False),
    sa.Column('subject_is_edited', sa.Boolean(), nullable=False),
    sa.Column('status', sa.String(length=10), nullable=False),
    sa.Column('chat_state', sa.String(length=10), nullable=False),
    sa.Column('is_spam', sa.Boolean(), nullable=False),
    sa.Column('trashed_at', app.columns.Moment(timezone=True), nullable=True),
    sa.Column('group_id', sa.Integer(), nullable=True),
    sa.Column('assignee_id', sa.Integer(), nullable=True),
    sa.Column('taken_by_id', sa.Integer(), nullable=True),
    sa.Column('taken_at', app.columns.Moment(timezone=True), nullable=True),
    sa.Column('created_at', app.columns.Moment(timezone=True), nullable=False),
    sa.Column('last_message_at', app.columns.Moment(timezone=True), nullable=False),
    sa.Column('last_message_id', sa.Integer(), nullable=True),
    sa.Column('last_contact_message_id', sa.Integer(), nullable=True),
    sa.Column('last_agent_message_id', sa.Integer(), nullable=True),
    sa.Column('last_activity_at', app.columns.Moment(timezone=True), nullable=False),
    sa.Column('keep_open_until', app.columns.Moment(timezone=True), nullable=True),
    sa.Column('unanswered_since', app.columns.Moment(timezone=True), nullable=True),
    sa.Column('ended_at', app.columns.Moment(timezone=True), nullable=True),
    sa.CheckConstraint("chat_state IN ('none', 'active', 'ended')", name=op.f('ck_cases_chat_state')),
    sa.CheckConstraint("status IN ('open', 'pending', 'closed')", name=op.f('ck_cases_status')),
    sa.CheckConstraint("taken_by_id IS NULL OR chat_state = 'active'", name=op.f('ck_cases_taken')),
    sa.ForeignKeyConstraint(['assignee_id'], ['agents.id'], name=op.f('fk_cases_assignee_id')),
    sa.ForeignKeyConstraint(['channel_id'], ['channels.id'], name=op.f('fk_cases_channel_id')),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_cases_contact_id')),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversations.id'], name=op.f('fk_cases_conversation_id')),
    sa.ForeignKeyConstraint(['group_id'], ['groups.id'], name=op.f('fk_cases_group_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['taken_by_id'], ['agents.id'], name=op.f('fk_cases_taken_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cases'))
    )
    with op.batch_alter_table('cases', schema=None) as batch_op:
        batch_op.create_index('cases_active', ['last_activity_at'], unique=False, sqlite_where=sa.text("chat_state = 'active'"), postgresql_where=sa.text("chat_state = 'active'"))
        batch_op.create_index('cases_by_last_message', ['last_message_at', 'id'], unique=False)
        batch_op.create_index('cases_listed', ['last_message_at', 'id'], unique=False, sqlite_where=sa.text("chat_state <> 'active' AND is_spam = false AND trashed_at IS NULL"), postgresql_where=sa.text("chat_state <> 'active' AND is_spam = false AND trashed_at IS NULL"))
        batch_op.create_index('cases_listed_by_assignee', ['assignee_id', 'last_message_at', 'id'], unique=False, sqlite_where=sa.text("chat_state <> 'active' AND is_spam = false AND trashed_at IS NULL"), postgresql_where=sa.text("chat_state <> 'active' AND is_spam = false AND trashed_at IS NULL"))
        batch_op.create_index('cases_listed_by_status', ['status', 'last_message_at', 'id'], unique=False, sqlite_where=sa.text("chat_state <> 'active' AND is_spam = false AND trashed_at IS NULL"), postgresql_where=sa.text("chat_state <> 'active' AND is_spam = false AND trashed_at IS NULL"))
        batch_op.create_index('cases_of_conversation', ['conversation_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_cases_contact_id'), ['contact_id'], unique=False)
        batch_op.create_index('one_active_chat_per_conversation', ['conversation_id'], unique=True, sqlite_where=sa.text("chat_state = 'active'"), postgresql_where=sa.text("chat_state = 'active'"))

    op.create_table('receipts',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('channel_id', sa.Integer(), nullable=False),
    sa.Column('event_key', sa.String(length=100), nullable=False),
    sa.Column('conversation_id', sa.Integer(), nullable=True),
    sa.Column('received_at', app.columns.Moment(timezone=True), nullable=False),
    sa.Column('reply_token', sa.Text(), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('raw', sa.LargeBinary(), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('due_at', app.columns.Moment(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['channel_id'], ['channels.id'], name=op.f('fk_receipts_channel_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversations.id'], name=op.f('fk_receipts_conversation_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_receipts')),
    sa.UniqueConstraint('channel_id', 'event_key', name=op.f('uq_receipts_channel_id_event_key'))
    )
    with op.batch_alter_table('receipts', schema=None) as batch_op:
        batch_op.create_index('receipts_free_replies', ['conversation_id', 'received_at'], unique=False, sqlite_where=sa.text('reply_token IS NOT NULL'), postgresql_where=sa.text('reply_token IS NOT NULL'))
        batch_op.create_index('receipts_kept_back', ['due_at'], unique=False, sqlite_where=sa.text('due_at IS NOT NULL'), postgresql_where=sa.text('due_at IS NOT NULL'))

    op.create_table('drafts',
    sa.Column('agent_id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('is_note', sa.Boolean(), nullable=False),
    sa.Column('updated_at', app.columns.Moment(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_drafts_agent_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_drafts_case_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('agent_id', 'case_id', name=op.f('pk_drafts'))
    )
    op.create_table('events',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('type', sa.String(length=40), nullable=False),
    sa.Column('occurred_at', app.columns.Moment(timezone=True), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=True),
    sa.Column('message_id', sa.Integer(), nullable=True),
    sa.Column('channel_id', sa.Integer(), nullable=True),
    sa.Column('agent_id', sa.Integer(), nullable=True),
    sa.Column('data', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_events_agent_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_events_case_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['channel_id'], ['channels.id'], name=op.f('fk_events_channel_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_events'))
    )
    with op.batch_alter_table('events', schema=None) as batch_op:
        batch_op.create_index('events_of_case', ['case_id', 'id'], unique=False)

    op.create_table('messages',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('channel_id', sa.Integer(), nullable=False),
    sa.Column('direction', sa.String(length=10), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('contact_id', sa.Integer(), nullable=True),
    sa.Column('agent_id', sa.Integer(), nullable=True),
    sa.Column('is_automatic', sa.Boolean(), nullable=False),
    sa.Column('external_id', sa.String(length=100), nullable=True),
    sa.Column('payload', sa.Text(), nullable=True),
    sa.Column('idempotency_key', sa.String(length=100), nullable=True),
    sa.Column('sent_at', app.columns.Moment(timezone=True), nullable=True),
    sa.Column('received_at', app.columns.Moment(timezone=True), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.CheckConstraint("direction IN ('in', 'out', 'note', 'system')", name=op.f('ck_messages_direction')),
    sa.CheckConstraint("state IS NULL OR state IN ('queued', 'sent', 'failed', 'unconfirmed')", name=op.f('ck_messages_state')),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_messages_agent_id')),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_messages_case_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['channel_id'], ['channels.id'], name=op.f('fk_messages_channel_id')),
    sa.ForeignKeyConstraint(['contact_id'], ['contacts.id'], name=op.f('fk_messages_contact_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_messages'))
    )
    with op.batch_alter_table('messages', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_messages_contact_id'), ['contact_id'], unique=False)
        batch_op.create_index('messages_of_case', ['case_id', 'id'], unique=False)
        batch_op.create_index('one_message_per_external_id', ['channel_id', 'external_id'], unique=True, sqlite_where=sa.text("external_id IS NOT NULL AND direction = 'in'"), postgresql_where=sa.text("external_id IS NOT NULL AND direction = 'in'"))
        batch_op.create_index('one_message_per_idempotency_key', ['agent_id', 'idempotency_key'], unique=True, sqlite_where=sa.text('idempotency_key IS NOT NULL'), postgresql_where=sa.text('idempotency_key IS NOT NULL'))

    op.create_table('read_marks',
    sa.Column('agent_id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('message_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_read_marks_agent_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_read_marks_case_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('agent_id', 'case_id', name=op.f('pk_read_marks'))
    )
    op.create_table('deliveries',
    sa.Column('message_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('conversation_id', sa.Integer(), nullable=False),
    sa.Column('channel_id', sa.Integer(), nullable=False),
    sa.Column('method', sa.String(length=10), nullable=True),
    sa.Column('reply_token', sa.Text(), nullable=True),
    sa.Column('reply_until', app.columns.Moment(timezone=True), nullable=True),
    sa.Column('body', sa.Text(), nullable=True),
    sa.Column('retry_key', sa.String(length=36), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('is_ambiguous', sa.Boolean(), nullable=False),
    sa.Column('queued_at', app.columns.Moment(timezone=True), nullable=False),
    sa.Column('due_at', app.columns.Moment(timezone=True), nullable=False),
    sa.Column('leased_until', app.columns.Moment(timezone=True), nullable=True),
    sa.Column('lease_owner', sa.String(length=80), nullable=True),
    sa.Column('problem', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['channel_id'], ['channels.id'], name=op.f('fk_deliveries_channel_id')),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversations.id'], name=op.f('fk_deliveries_conversation_id')),
    sa.ForeignKeyConstraint(['message_id'], ['messages.id'], name=op.f('fk_deliveries_message_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('message_id', name=op.f('pk_deliveries'))
    )
    with op.batch_alter_table('deliveries', schema=None) as batch_op:
        batch_op.create_index('deliveries_due', ['due_at'], unique=False)
        batch_op.create_index('deliveries_of_conversation', ['conversation_id', 'message_id'], unique=False)
    search.create(op.get_bind())


def downgrade() -> None:
    search.drop(op.get_bind())
    with op.batch_alter_table('deliveries', schema=None) as batch_op:
        batch_op.drop_index('deliveries_of_conversation')
        batch_op.drop_index('deliveries_due')

    op.drop_table('deliveries')
    op.drop_table('read_marks')
    with op.batch_alter_table('messages', schema=None) as batch_op:
        batch_op.drop_index('one_message_per_idempotency_key', sqlite_where=sa.text('idempotency_key IS NOT NULL'), postgresql_where=sa.text('idempotency_key IS NOT NULL'))
        batch_op.drop_index('one_message_per_external_id', sqlite_where=sa.text("external_id IS NOT NULL AND direction = 'in'"), postgresql_where=sa.text("external_id IS NOT NULL AND direction = 'in'"))
        batch_op.drop_index('messages_of_case')
        batch_op.drop_index(batch_op.f('ix_messages_contact_id'))

    op.drop_table('messages')
    with op.batch_alter_table('events', schema=None) as batch_op:
        batch_op.drop_index('events_of_case')

    op.drop_table('events')
    op.drop_table('drafts')
    with op.batch_alter_table('receipts', schema=None) as batch_op:
        batch_op.drop_index('receipts_kept_back', sqlite_where=sa.text('due_at IS NOT NULL'), postgresql_where=sa.text('due_at IS NOT NULL'))
        batch_op.drop_index('receipts_free_replies', sqlite_where=sa.text('reply_token IS NOT NULL'), postgresql_where=sa.text('reply_token IS NOT NULL'))

    op.drop_table('receipts')
    with op.batch_alter_table('cases', schema=None) as batch_op:
        batch_op.drop_index('one_active_chat_per_conversation', sqlite_where=sa.text("chat_state = 'active'"), postgresql_where=sa.text("chat_state = 'active'"))
        batch_op.drop_index(batch_op.f('ix_cases_contact_id'))
        batch_op.drop_index('cases_of_conversation')
        batch_op.drop_index('cases_listed_by_status', sqlite_where=sa.text("chat_state <> 'active' AND is_spam = false AND trashed_at IS NULL"), postgresql_where=sa.text("chat_state <> 'active' AND is_spam = false AND trashed_at IS NULL"))
        batch_op.drop_index('cases_listed_by_assignee', sqlite_where=sa.text("chat_state <> 'active' AND is_spam = false AND trashed_at IS NULL"), postgresql_where=sa.text("chat_state <> 'active' AND is_spam = false AND trashed_at IS NULL"))
        batch_op.drop_index('cases_listed', sqlite_where=sa.text("chat_state <> 'active' AND is_spam = false AND trashed_at IS NULL"), postgresql_where=sa.text("chat_state <> 'active' AND is_spam = false AND trashed_at IS NULL"))
        batch_op.drop_index('cases_by_last_message')
        batch_op.drop_index('cases_active', sqlite_where=sa.text("chat_state = 'active'"), postgresql_where=sa.text("chat_state = 'active'"))

    op.drop_table('cases')
    with op.batch_alter_table('conversations', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_conversations_identity_id'))
        batch_op.drop_index('conversations_due', sqlite_where=sa.text('lookup_due_at IS NOT NULL'), postgresql_where=sa.text('lookup_due_at IS NOT NULL'))

    op.drop_table('conversations')
    with op.batch_alter_table('identities', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_identities_contact_id'))
        batch_op.drop_index('identities_due', sqlite_where=sa.text('lookup_due_at IS NOT NULL'), postgresql_where=sa.text('lookup_due_at IS NOT NULL'))

    op.drop_table('identities')
    with op.batch_alter_table('sessions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_sessions_agent_id'))

    op.drop_table('sessions')
    with op.batch_alter_table('invitations', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_invitations_agent_id'))

    op.drop_table('invitations')
    with op.batch_alter_table('group_members', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_group_members_agent_id'))

    op.drop_table('group_members')
    with op.batch_alter_table('channels', schema=None) as batch_op:
        batch_op.drop_index('one_draft_per_admin', sqlite_where=sa.text("state = 'draft'"), postgresql_where=sa.text("state = 'draft'"))

    op.drop_table('channels')
    with op.batch_alter_table('api_tokens', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_api_tokens_agent_id'))

    op.drop_table('api_tokens')
    op.drop_table('settings')
    op.drop_table('leases')
    op.drop_table('groups')
    op.drop_table('contacts')
    op.drop_table('agents')

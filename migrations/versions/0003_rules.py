"""Labels, priorities, and rules with their versions, passes and runs"""

import sqlalchemy as sa
from alembic import op

import app.columns

revision = '0003'
down_revision = '0002'

MOMENT = app.columns.Moment(timezone=True)
PRIORITY = (
    "ALTER TABLE cases ADD COLUMN priority VARCHAR(10) DEFAULT 'normal' NOT NULL"
    " CONSTRAINT ck_cases_priority CHECK (priority IN ('low', 'normal', 'high', 'urgent'))"
)
LAST = (
    "UPDATE cases SET"
    " last_contact_at = (SELECT received_at FROM messages WHERE messages.id = last_contact_message_id),"
    " last_agent_at = (SELECT received_at FROM messages WHERE messages.id = last_agent_message_id)"
)


def upgrade() -> None:
    op.execute(PRIORITY)
    op.add_column('cases', sa.Column('status_changed_at', MOMENT))
    op.add_column('cases', sa.Column('last_contact_at', MOMENT))
    op.add_column('cases', sa.Column('last_agent_at', MOMENT))
    op.execute(LAST)
    op.create_table('labels',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('created_at', MOMENT, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_labels')),
    sa.UniqueConstraint('name', name=op.f('uq_labels_name'))
    )
    op.create_table('rules',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('type', sa.String(length=20), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('off_reason', sa.Text(), nullable=True),
    sa.Column('version_id', sa.Integer(), nullable=True),
    sa.Column('applies_from', MOMENT, nullable=False),
    sa.Column('deleted_at', MOMENT, nullable=True),
    sa.Column('created_at', MOMENT, nullable=False),
    sa.CheckConstraint("type IN ('new_case', 'updated_case', 'existing_case')", name=op.f('ck_rules_type')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rules'))
    )
    op.create_index('rules_in_order', 'rules', ['type', 'position', 'id'])

    op.create_table('rule_versions',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('rule_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('definition', sa.Text(), nullable=False),
    sa.Column('saved_at', MOMENT, nullable=False),
    sa.Column('saved_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['rule_id'], ['rules.id'], name=op.f('fk_rule_versions_rule_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['saved_by_id'], ['agents.id'], name=op.f('fk_rule_versions_saved_by_id'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rule_versions')),
    sa.UniqueConstraint('rule_id', 'number', name=op.f('uq_rule_versions_rule_id_number'))
    )
    op.create_table('case_labels',
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('label_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_case_labels_case_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['label_id'], ['labels.id'], name=op.f('fk_case_labels_label_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('case_id', 'label_id', name=op.f('pk_case_labels'))
    )
    op.create_index(op.f('ix_case_labels_label_id'), 'case_labels', ['label_id'])

    op.create_table('rule_marks',
    sa.Column('rule_id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('since', MOMENT, nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_rule_marks_case_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['rule_id'], ['rules.id'], name=op.f('fk_rule_marks_rule_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('rule_id', 'case_id', 'since', name=op.f('pk_rule_marks'))
    )
    op.create_table('rule_passes',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('type', sa.String(length=20), nullable=False),
    sa.Column('facts', sa.Text(), nullable=False),
    sa.Column('steps', sa.Text(), nullable=False),
    sa.Column('occurred_at', MOMENT, nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_rule_passes_case_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rule_passes'))
    )
    op.create_index('rule_passes_by_age', 'rule_passes', ['occurred_at'])
    op.create_index('rule_passes_of_case', 'rule_passes', ['case_id', 'id'])

    op.create_table('rule_runs',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('rule_id', sa.Integer(), nullable=False),
    sa.Column('pass_id', sa.Integer(), nullable=False),
    sa.Column('case_id', sa.Integer(), nullable=False),
    sa.Column('outcome', sa.String(length=10), nullable=False),
    sa.Column('problem', sa.Text(), nullable=True),
    sa.Column('occurred_at', MOMENT, nullable=False),
    sa.CheckConstraint("outcome IN ('fired', 'failed')", name=op.f('ck_rule_runs_outcome')),
    sa.ForeignKeyConstraint(['case_id'], ['cases.id'], name=op.f('fk_rule_runs_case_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['pass_id'], ['rule_passes.id'], name=op.f('fk_rule_runs_pass_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['rule_id'], ['rules.id'], name=op.f('fk_rule_runs_rule_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rule_runs'))
    )
    op.create_index(op.f('ix_rule_runs_pass_id'), 'rule_runs', ['pass_id'])
    op.create_index('rule_runs_of_rule', 'rule_runs', ['rule_id', 'id'])


def downgrade() -> None:
    raise RuntimeError('Mado goes back by restoring a backup: this would throw rules away.')

"""A second factor at sign-in, and recovery codes"""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'


def upgrade() -> None:
    op.add_column('agents', sa.Column('totp_seed', sa.Text()))
    op.add_column('agents', sa.Column('totp_step', sa.Integer()))
    op.create_table('recovery_codes',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('agent_id', sa.Integer(), nullable=False),
    sa.Column('code_hash', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['agent_id'], ['agents.id'], name=op.f('fk_recovery_codes_agent_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recovery_codes'))
    )
    op.create_index(op.f('ix_recovery_codes_agent_id'), 'recovery_codes', ['agent_id'])


def downgrade() -> None:
    raise RuntimeError('Mado goes back by restoring a backup: without their second factors, accounts would open by a password alone.')

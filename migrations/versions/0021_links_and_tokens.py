"""Links for a password that admins make are mailed too"""

import sqlalchemy as sa
from alembic import op

import app.columns

revision = '0021'
down_revision = '0019'

MOMENT = app.columns.Moment(timezone=True)
AGENT = 'fk_password_requests_agent_id'
INDEX = 'ix_password_requests_agent_id'


def upgrade() -> None:
    with op.batch_alter_table('password_requests') as requests:
        requests.add_column(sa.Column('agent_id', sa.Integer(), nullable=True))
        requests.add_column(sa.Column('problem', sa.String(length=300), nullable=True))
        requests.alter_column('due_at', existing_type=MOMENT, nullable=True)
        requests.create_foreign_key(AGENT, 'agents', ['agent_id'], ['id'], ondelete='CASCADE')
        requests.create_index(INDEX, ['agent_id'])


def downgrade() -> None:
    op.execute('DELETE FROM password_requests WHERE agent_id IS NOT NULL')
    with op.batch_alter_table('password_requests') as requests:
        requests.drop_index(INDEX)
        requests.drop_constraint(AGENT, type_='foreignkey')
        requests.alter_column('due_at', existing_type=MOMENT, nullable=False)
        requests.drop_column('problem')
        requests.drop_column('agent_id')

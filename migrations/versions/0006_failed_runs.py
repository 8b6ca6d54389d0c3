"""An index of the runs of rules that failed"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'

FAILED = sa.text("outcome = 'failed'")


def upgrade() -> None:
    op.create_index('rule_runs_failed', 'rule_runs', ['rule_id', 'id'], sqlite_where=FAILED, postgresql_where=FAILED)


def downgrade() -> None:
    op.drop_index('rule_runs_failed', 'rule_runs')

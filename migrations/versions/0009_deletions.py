"""Cases that are deleted for good, and the indexes by which what belongs to one is found"""

import sqlalchemy as sa
from alembic import op

import app.columns

revision = '0009'
down_revision = '0008'

DELETED = sa.text('deleted_at IS NOT NULL')
BELONGING = ('attachments', 'drafts', 'read_marks', 'rule_runs', 'rule_marks')


def upgrade() -> None:
    op.add_column('cases', sa.Column('deleted_at', app.columns.Moment(timezone=True)))
    op.create_index('cases_deleted', 'cases', ['id'], sqlite_where=DELETED, postgresql_where=DELETED)
    for table in BELONGING:
        op.create_index(op.f(f'ix_{table}_case_id'), table, ['case_id'])


def downgrade() -> None:
    raise RuntimeError('Mado goes back by restoring a backup: what is half deleted would be seen again.')

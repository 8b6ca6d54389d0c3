"""Agents who see only what is theirs, agents who may only look, and indexes of what somebody has"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'

LEVELS = "access IN ('all', 'own_groups', 'assigned')"
OLD_LEVELS = "access IN ('all', 'own_groups')"


def upgrade() -> None:
    op.add_column('agents', sa.Column('may_change', sa.Boolean(), server_default=sa.true(), nullable=False))
    _allow_the_new_level()
    for name, column in (('cases_assigned', 'assignee_id'), ('cases_taken', 'taken_by_id')):
        there = sa.text(f'{column} IS NOT NULL')
        op.create_index(name, 'cases', [column], sqlite_where=there, postgresql_where=there)


def downgrade() -> None:
    raise RuntimeError('Mado goes back by restoring a backup: without these columns, who may only look could change everything.')


def _allow_the_new_level() -> None:
    """SQLite can change a constraint only by making the table anew, and to drop `agents` would take all
    that refers to it along. Its documentation allows to rewrite what a table's constraints say where the
    rows stay as they are (lang_altertable.html, 7)."""
    connection = op.get_bind()
    if connection.dialect.name == 'postgresql':
        op.drop_constraint(op.f('ck_agents_access'), 'agents', type_='check')
        op.create_check_constraint(op.f('ck_agents_access'), 'agents', LEVELS)
        return
    version = connection.scalar(sa.text('PRAGMA schema_version'))
    op.execute('PRAGMA writable_schema = ON')
    rewrite = sa.text("UPDATE sqlite_master SET sql = replace(sql, :old, :new) WHERE type = 'table' AND name = 'agents'")
    op.execute(rewrite.bindparams(old=OLD_LEVELS, new=LEVELS))
    op.execute(f'PRAGMA schema_version = {version + 1}')
    op.execute('PRAGMA writable_schema = OFF')

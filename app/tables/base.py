"""What all tables share: names of constraints, the words of columns, partial indexes."""

from sqlalchemy import text
from sqlalchemy.orm import DeclarativeBase

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

LARGEST_ID = 2**31 - 1
STATUSES = ("open", "pending", "closed")
PRIORITIES = ("low", "normal", "high", "urgent")
ROLES = ("agent", "admin")
ACCESS_LEVELS = ("all", "own_groups", "assigned")
MAIL_CHOICES = ("asked", "all", "none")
# Conversations of several people.
GROUP_KINDS = ("group", "room")

# What All cases lists (S10). The text stands in indexes and queries alike: a partial index serves
# a query only when both say the same words.
LISTED = "chat_state <> 'active' AND is_spam = false AND trashed_at IS NULL"
SPAM = "is_spam = true AND trashed_at IS NULL"
TRASHED = "trashed_at IS NOT NULL"
DELETED = "deleted_at IS NOT NULL"
UNUSUAL = "priority <> 'normal'"
ACTIVE = "chat_state = 'active'"
# A message that a contact sent, by what the provider calls it; no other message is unique by that.
RECEIVED = "external_id IS NOT NULL AND direction = 'in'"
AUTOMATIC = "is_automatic = true"
SHOWN = "is_shown = true"
UNREAD = "is_shown = true AND read_at IS NULL"


class Base(DeclarativeBase):
    """All tables."""


Base.metadata.naming_convention = NAMES


def partial(predicate: str) -> dict[str, object]:
    """Keyword arguments that make an Index partial on both engines."""
    return {"sqlite_where": text(predicate), "postgresql_where": text(predicate)}

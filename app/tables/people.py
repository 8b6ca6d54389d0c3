"""People of the team: groups, agents, and how they come in."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, String, Table, Text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.clock import now
from app.columns import Moment
from app.tables.base import Base

group_members = Table(
    "group_members",
    Base.metadata,
    Column("group_id", ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
    Column("agent_id", ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Group(Base):
    """A team of agents that cases can belong to."""

    __tablename__ = "groups"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    members: Mapped[list["Agent"]] = relationship(secondary=group_members, back_populates="groups")


class Agent(Base):
    """A person of the team. `password_hash` is null until the invitation is taken up.

    `access` is how much they see; without `may_change` they only look at it. `mailed` says which
    notifications arrive by mail: those that a rule sends so, all, or none. `totp_seed` is encrypted,
    `totp_step` the time step of the last code that was taken.
    `takes_chats` is their own choice whether new chats are offered to them.
    """

    __tablename__ = "agents"
    __table_args__ = (
        CheckConstraint("role IN ('agent', 'admin')", name="role"),
        CheckConstraint("access IN ('all', 'own_groups', 'assigned')", name="access"),
        CheckConstraint("mailed IN ('asked', 'all', 'none')", name="mailed"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    role: Mapped[str] = mapped_column(String(10), default="agent")
    access: Mapped[str] = mapped_column(String(12), default="all")
    may_change: Mapped[bool] = mapped_column(default=True, server_default=true())
    password_hash: Mapped[str | None] = mapped_column(String(200))
    totp_seed: Mapped[str | None] = mapped_column(Text)
    totp_step: Mapped[int | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    has_sound: Mapped[bool] = mapped_column(default=True)
    has_shortcuts: Mapped[bool] = mapped_column(default=True)
    mailed: Mapped[str] = mapped_column(String(10), default="asked", server_default="asked")
    takes_chats: Mapped[bool] = mapped_column(default=True, server_default=true())
    live_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    groups: Mapped[list[Group]] = relationship(secondary=group_members, back_populates="members")

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"

    @property
    def has_second_factor(self) -> bool:
        return self.totp_seed is not None

    @property
    def sees_all(self) -> bool:
        return self.is_admin or self.access == "all"

    @property
    def group_ids(self) -> frozenset[int]:
        return frozenset(group.id for group in self.groups)


class LastGiven(Base):
    """When a chat was last given out to an agent: who waited longest comes first among equals.

    A table of its own, because many transactions write agents' rows, and only whoever gives out writes these.
    """

    __tablename__ = "last_given"
    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True)
    given_at: Mapped[datetime] = mapped_column(Moment)


class RecoveryCode(Base):
    """A code that stands in for the second factor, once; the row is gone when it was used."""

    __tablename__ = "recovery_codes"
    id: Mapped[int] = mapped_column(primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str] = mapped_column(String(200))


class Session(Base):
    """One signed-in browser. The cookie holds a random token, the row its hash.

    `owes_second_factor` is no column: `sessions.find` says it.
    """

    __tablename__ = "sessions"
    owes_second_factor = True
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    used_at: Mapped[datetime] = mapped_column(Moment, default=now)
    user_agent: Mapped[str] = mapped_column(String(200), default="")
    address: Mapped[str] = mapped_column(String(60), default="")
    agent: Mapped[Agent] = relationship()


class Invitation(Base):
    """A single-use link by which an agent sets a password."""

    __tablename__ = "invitations"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)
    agent: Mapped[Agent] = relationship()


class PasswordRequest(Base):
    """A link for a password that is to be mailed, until it is or that is given up.

    Somebody asked for it on the sign-in page, and `email` is what they typed; or an admin made one for `agent_id`.
    An admin's is kept when it was given up, without `due_at`, and `problem` says why.
    """

    __tablename__ = "password_requests"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"), index=True)
    asked_at: Mapped[datetime] = mapped_column(Moment)
    due_at: Mapped[datetime | None] = mapped_column(Moment)
    attempts: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str | None] = mapped_column(String(300))


class Try(Base):
    """Somebody tried what may be tried a few times only; `key` is a mark of what it was and whose."""

    __tablename__ = "tries"
    __table_args__ = (Index("tries_of_key", "key", "tried_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64))
    tried_at: Mapped[datetime] = mapped_column(Moment, index=True)


class ApiToken(Base):
    """A bearer token for the JSON API; it acts as its agent and dies with them."""

    __tablename__ = "api_tokens"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"), index=True)
    last4: Mapped[str] = mapped_column(String(4))
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)
    agent: Mapped[Agent] = relationship()

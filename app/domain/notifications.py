"""Telling agents of a case, in Mado and by mail: who is told, and what keeps it from being a flood.

Only active agents who may see the case are told. Nothing is sent from here: what goes by mail is a
row with a due time. Whatever can't go by mail is shown in Mado instead, so nothing is lost.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, insert, select, text, update
from sqlalchemy.orm import contains_eager, joinedload

from app.clock import now
from app.domain import access, agents, cases, events, hot
from app.extensions import db
from app.models import LARGEST_ID, SHOWN, UNREAD, Agent, Case, Notification
from app.transaction import wake_after_commit

LONGEST_TEXT = 500
# A rule tells an agent of the same case once in this time, however often it acts.
QUIET_FOR = timedelta(minutes=10)
# A rule over many cases must not fill anybody's mailbox; what is beyond is shown in Mado.
MOST_MAILS_AN_HOUR = 30
KEPT = timedelta(days=30)
# The count on every page goes no further.
MOST_COUNTED = 100

ANY_UNREAD = hot.Statement(
    select(Notification.__table__.c.id)
    .where(Notification.__table__.c.agent_id == bindparam("agent_id"), text(UNREAD))
    .limit(1)
)


# ── Telling ─────────────────────────────────────────────────────────────────────────────────


def notify(
    case: Case,
    text: str,
    *,
    to: Collection[str],
    by: Collection[str],
    rule_id: int | None,
    author: Agent | None = None,
) -> str | None:
    """Tell these agents; why nobody was told, None when somebody was.

    `to` holds `all`, `assignee`, `taker`, `agent:3` and `group:2`; `by` holds `app` and `email`.
    `author` is the agent whose macro tells them, where it is no rule.
    """
    people = [agent for agent in agents.who_see(case) if _is_meant(agent, case, to)]
    if not people:
        return "Nobody was notified: none of them is active and may see this case."
    told = _told_lately(case, rule_id)
    people = [agent for agent in people if agent.id not in told]
    if not people:
        return "Nobody was notified again: this rule told them of this case a moment ago."
    mailed = _to_mail(people, by)
    rows = [_row(agent, case, text, "app" in by, agent.id in mailed, rule_id) for agent in people]
    db.session.execute(insert(Notification), rows)
    if mailed:
        wake_after_commit("mails")
    ids = [agent.id for agent in people]
    events.record("notification.added", case_id=case.id, by=author, agents=ids)
    return None


def _is_meant(agent: Agent, case: Case, to: Iterable[str]) -> bool:
    return any(_is_one_of(agent, case, *whom.split(":")) for whom in to)


def _is_one_of(agent: Agent, case: Case, kind: str, number: str = "") -> bool:
    if kind == "group":
        return int(number) in agent.group_ids
    if kind == "agent":
        return int(number) == agent.id
    meant = {"all": agent.id, "assignee": case.assignee_id, "taker": case.taken_by_id}
    return meant[kind] == agent.id


def _told_lately(case: Case, rule_id: int | None) -> set[int]:
    """Whom this rule told of this case within the quiet time."""
    query = select(Notification.agent_id).where(
        Notification.case_id == case.id,
        Notification.rule_id == rule_id,
        Notification.created_at > now() - QUIET_FOR,
    )
    return set(db.session.scalars(query)) if rule_id else set()


def _to_mail(people: Iterable[Agent], by: Collection[str]) -> set[int]:
    """Who gets it by mail: as each has chosen, and up to so many an hour."""
    wanted = {"all"} | ({"asked"} if "email" in by else set())
    ids = [agent.id for agent in people if agent.mailed in wanted]
    if not ids:
        return set()
    query = select(Notification.agent_id).where(
        Notification.agent_id.in_(ids),
        Notification.mail.is_not(None),
        Notification.created_at > now() - timedelta(hours=1),
    )
    many = query.group_by(Notification.agent_id).having(func.count() >= MOST_MAILS_AN_HOUR)
    return set(ids) - set(db.session.scalars(many))


def _row(
    agent: Agent, case: Case, text: str, is_shown: bool, is_mailed: bool, rule_id: int | None
) -> dict[str, Any]:
    moment = now()
    return {
        "agent_id": agent.id,
        "case_id": case.id,
        "rule_id": rule_id,
        "text": cases.shortened(text, LONGEST_TEXT),
        "is_shown": is_shown or not is_mailed,
        "created_at": moment,
        "mail": "queued" if is_mailed else None,
        "mail_due_at": moment if is_mailed else None,
        "mail_attempts": 0,
    }


# ── By mail ─────────────────────────────────────────────────────────────────────────────────


def mailed(told: Notification) -> None:
    told.mail, told.mail_due_at, told.mail_problem = "sent", None, None


def not_mailed(told: Notification, reason: str) -> None:
    """Given up; it is shown in Mado instead."""
    told.mail, told.mail_due_at, told.mail_problem = "failed", None, reason
    told.is_shown = True
    facts = {"agents": [told.agent_id], "error": reason}
    events.record("notification.mail_failed", case_id=told.case_id, **facts)


def troubled(limit: int) -> Sequence[Notification]:
    """Mails that were given up or are tried again, newest first, for admins."""
    query = select(Notification).where(Notification.mail_problem.is_not(None))
    query = query.options(joinedload(Notification.agent)).order_by(Notification.id.desc())
    return db.session.scalars(query.limit(limit)).all()


# ── Reading ─────────────────────────────────────────────────────────────────────────────────


def listed(agent: Agent, *, before: int | None = None, limit: int) -> Sequence[Notification]:
    """What the agent was told in Mado, newest first, of cases they may still see."""
    query = _shown_to(agent).join(Notification.case)
    if before:
        query = query.where(Notification.id < before)
    options = (
        contains_eager(Notification.case).options(*cases.shown_in_lists()),
        joinedload(Notification.rule),
    )
    query = query.options(*options).order_by(Notification.id.desc()).limit(limit)
    return db.session.scalars(query).all()


def unread_count(agent: Agent) -> int:
    """How many are unread; MOST_COUNTED means that many or more."""
    if not hot.finds(ANY_UNREAD, agent_id=agent.id):
        return 0
    unread = _shown_to(agent).with_only_columns(Notification.id).join(Notification.case)
    some = unread.where(text(UNREAD)).limit(MOST_COUNTED).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) or 0


def find(agent: Agent, notification_id: int) -> Notification | None:
    """One of the agent's own."""
    query = _shown_to(agent).join(Notification.case)
    return db.session.scalar(query.where(Notification.id == notification_id))


def read(agent: Agent, *, up_to: int = LARGEST_ID, only: int | None = None) -> None:
    """Mark one as read, or all up to the newest that the agent was shown."""
    unread = (Notification.agent_id == agent.id, text(UNREAD), Notification.id <= up_to)
    query = update(Notification).where(*unread).values(read_at=now())
    if only is not None:
        query = query.where(Notification.id == only)
    if db.session.execute(query).rowcount:
        events.record("notification.read", by=agent)


def forget_old() -> None:
    """Nobody is told of what is a month old."""
    old = select(Notification.id).where(Notification.created_at < now() - KEPT).limit(5000)
    db.session.execute(delete(Notification).where(Notification.id.in_(old)))


def _shown_to(agent: Agent) -> Select[tuple[Notification]]:
    visible = access.visible_to(access.audience_of(agent))
    return select(Notification).where(
        Notification.agent_id == agent.id, text(SHOWN), visible
    )

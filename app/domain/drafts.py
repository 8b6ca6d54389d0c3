"""Drafts: what an agent has typed in a case and not sent, one a case and agent (U2)."""

from collections.abc import Iterable

from sqlalchemy import bindparam, delete, select

from app.clock import now
from app.domain import hot
from app.domain.upsert import insert
from app.extensions import db
from app.models import Agent, Case, Draft

LONGEST = 50_000
ANY = hot.Statement(
    select(Draft.__table__.c.case_id).where(
        Draft.__table__.c.agent_id == bindparam("agent_id"),
        Draft.__table__.c.case_id == bindparam("case_id"),
    )
)


def of(case: Case, agent: Agent) -> Draft | None:
    if not hot.finds(ANY, agent_id=agent.id, case_id=case.id):
        return None
    return db.session.get(Draft, (agent.id, case.id))


def keep(
    case: Case, text: str, *, is_note: bool, steps: Iterable[str] = (), by: Agent
) -> None:
    """Keep what is typed now and the marks of the actions beside it; nothing of both is no draft.

    Longer than LONGEST the text is cut.
    """
    marks = " ".join(steps)
    if not (text.strip() or marks):
        return forget(case, by=by)
    values = {"text": text[:LONGEST], "is_note": is_note, "steps": marks, "updated_at": now()}
    statement = insert(Draft).values(agent_id=by.id, case_id=case.id, **values)
    db.session.execute(
        statement.on_conflict_do_update(index_elements=["agent_id", "case_id"], set_=values)
    )


def forget(case: Case, *, by: Agent) -> None:
    """What was typed is sent or wiped out."""
    db.session.execute(delete(Draft).where(Draft.agent_id == by.id, Draft.case_id == case.id))

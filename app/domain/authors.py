"""Whose case a group's chat is (S30, S31).

Who writes first is the author. When another member reactivates an ended chat they are its
candidate, and become the author when an agent selects it: until then rules, lists and programs see
the old one. Nothing here decides what selecting is; chats.py does.
"""

from sqlalchemy import text, update

from app.domain import cases, contacts, events
from app.extensions import db
from app.models import ACTIVE, Agent, Case


def change(case: Case, *, by: Agent) -> bool:
    """Make the candidate the author. False without one, or when another agent was quicker."""
    old, new = case.contact_id, case.author_candidate_id
    if new is None or not _claim(case, new):
        return False
    cases.refresh_subject(case)
    contacts.index(case)
    events.record("case.author_changed", case_id=case.id, by=by, old=old, new=new)
    return True


def _claim(case: Case, candidate_id: int) -> bool:
    """Two agents may select at once; one statement makes one change."""
    won = db.session.execute(
        update(Case)
        .where(Case.id == case.id, text(ACTIVE), Case.author_candidate_id == candidate_id)
        .values(contact_id=candidate_id, author_candidate_id=None)
        .execution_options(synchronize_session=False)
    ).rowcount
    db.session.refresh(case)
    return won == 1

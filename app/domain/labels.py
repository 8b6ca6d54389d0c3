"""Labels: words that cases are sorted by, and putting them on cases and taking them off."""

from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam, func, select
from sqlalchemy import delete as remove_rows

from app.domain import events, hot, profiles
from app.domain.agents import Refused
from app.domain.upsert import insert
from app.extensions import db
from app.models import Agent, Case, Label, case_labels

LONGEST_NAME = 60
ANY_ON_CASE = hot.Statement(
    select(case_labels.c.label_id).where(case_labels.c.case_id == bindparam("case_id")).limit(1)
)


def listed() -> Sequence[Label]:
    return db.session.scalars(select(Label).order_by(Label.name)).all()


def case_counts() -> dict[int, int]:
    """How many cases and chats each label is on, by its id; those on none are missing."""
    query = select(case_labels.c.label_id, func.count()).group_by(case_labels.c.label_id)
    return {label_id: count for label_id, count in db.session.execute(query)}


def find(label_id: int) -> Label | None:
    return db.session.get(Label, label_id)


def by_name(name: str) -> Label | None:
    """The label of this name, whatever its letters' case: of any script, so not left to SQL."""
    wanted = profiles.one_line(name).casefold()
    return next((label for label in listed() if label.name.casefold() == wanted), None)


def named(name: str, *, by: Agent) -> Label:
    """The label of this name, else the only one that begins so, else for an admin a new one.

    Raise Refused.
    """
    typed = profiles.one_line(name).casefold()
    begun = [label for label in listed() if label.name.casefold().startswith(typed)]
    found = by_name(name) or (begun[0] if len(begun) == 1 else None)
    if found is None and not by.is_admin:
        raise Refused("There is no such label. Choose one of the list, or ask an admin to add it.")
    return found or create(name, by=by)


def create(name: str, *, by: Agent | None) -> Label:
    """A new label. Raise Refused for a name that is empty, too long or taken."""
    label = Label(name=_free_name(name))
    db.session.add(label)
    db.session.flush()
    events.record("label.created", by=by, name=label.name)
    return label


def rename(label: Label, name: str, *, by: Agent) -> None:
    old, label.name = label.name, _free_name(name, besides=label)
    db.session.flush()
    if label.name != old:
        events.record("label.changed", by=by, old=old, new=label.name)


def delete(label: Label, *, by: Agent) -> None:
    """Take it off every case; rules that refer to it are switched off with that reason."""
    name = label.name
    db.session.delete(label)
    db.session.flush()
    events.record("label.deleted", by=by, name=name)


def of_case(case: Case) -> Sequence[Label]:
    """The labels on a case now, by name."""
    if not hot.finds(ANY_ON_CASE, case_id=case.id):
        return []
    query = select(Label).join(case_labels).where(case_labels.c.case_id == case.id)
    return db.session.scalars(query.order_by(Label.name)).all()


def add(case: Case, labels: Iterable[Label], *, by: Agent | None) -> None:
    """Put labels on a case; those that are on it already change nothing."""
    for label in labels:
        row = {"case_id": case.id, "label_id": label.id}
        added = db.session.execute(insert(case_labels).values(row).on_conflict_do_nothing())
        if added.rowcount:
            events.record("case.label_changed", case_id=case.id, by=by, old=None, new=label.name)


def remove(case: Case, labels: Iterable[Label], *, by: Agent | None) -> None:
    """Take labels off a case."""
    for label in labels:
        on_case = (case_labels.c.case_id == case.id, case_labels.c.label_id == label.id)
        if db.session.execute(remove_rows(case_labels).where(*on_case)).rowcount:
            events.record("case.label_changed", case_id=case.id, by=by, old=label.name, new=None)


def put(case: Case, wanted: Sequence[Label], *, by: Agent) -> None:
    """Let exactly these labels be on the case."""
    now_on = of_case(case)
    remove(case, [label for label in now_on if label not in wanted], by=by)
    add(case, [label for label in wanted if label not in now_on], by=by)


def _free_name(name: str, besides: Label | None = None) -> str:
    cleaned = profiles.one_line(name)
    if not cleaned:
        raise Refused("Type a name for the label.")
    if len(cleaned) > LONGEST_NAME:
        raise Refused(f"Use {LONGEST_NAME} characters or fewer.")
    other = by_name(cleaned)
    if other and other is not besides:
        raise Refused("There is a label of this name already.")
    return cleaned


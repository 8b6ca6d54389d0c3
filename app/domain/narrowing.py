"""What a list of cases is narrowed to, as a condition; an index serves most of them on both engines (S10)."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, bindparam, false, select, text

from app.extensions import db
from app.models import ACTIVE, LISTED, SPAM, TRASHED, UNUSUAL, Case, case_labels

FLAGS = ("spam", "trash")
CHATS = ("ended", "active", "all")
# So many labelled cases are sooner looked up and sorted than met on the way through all cases.
FEW = 5_000


@dataclass(frozen=True)
class Filters:
    """None means any; 0 means "nobody" or "no group". `flag` asks for spam or trash instead."""

    status: str | None = None
    priority: str | None = None
    label_id: int | None = None
    channel_id: int | None = None
    group_id: int | None = None
    assignee_id: int | None = None
    flag: str | None = None


UNFILTERED = Filters()
# Few of many, and looked up before they are put in order: else a planner may walk through all cases
# in the order of the list, and find that not so many as fit on a page are active.
_ACTIVE_IDS = select(Case.id).where(text(ACTIVE))


def condition(filters: Filters, chat: str | None) -> ColumnElement[bool]:
    """`chat` None is All cases: ended chats and mail-like cases. Else one of CHATS."""
    found = [_flagged(filters.flag, chat) if filters.flag else _scope(chat)]
    if filters.status:
        found.append(Case.status == filters.status)
    if filters.priority:
        found.append(Case.priority == filters.priority)
        found += [text(UNUSUAL)] if filters.priority != "normal" else []  # type: ignore[list-item]
    if filters.label_id is not None:
        found.append(_has_label(filters.label_id))
    if filters.channel_id:
        found.append(Case.channel_id == filters.channel_id)
    if filters.group_id is not None:
        found.append(_is(Case.group_id, filters.group_id))
    if filters.assignee_id is not None:
        found.append(_is(Case.assignee_id, filters.assignee_id))
    return and_(*found)


def _scope(chat: str | None) -> ColumnElement[bool]:
    scopes: dict[str | None, ColumnElement[bool]] = {
        None: text(LISTED),  # type: ignore[dict-item]
        "ended": and_(text(LISTED), Case.chat_state == "ended"),
        "active": Case.id.in_(_ACTIVE_IDS),
        "all": and_(Case.is_spam.is_(False), Case.trashed_at.is_(None)),
    }
    return scopes[chat]


def _flagged(flag: str, chat: str | None) -> ColumnElement[bool]:
    """An active chat is neither spam nor in the trash."""
    if chat == "active":
        return false()
    flagged = and_(text({"spam": SPAM, "trash": TRASHED}[flag]), Case.deleted_at.is_(None))
    return and_(flagged, Case.chat_state == chat) if chat == "ended" else flagged


def _has_label(label_id: int) -> ColumnElement[bool]:
    """Neither planner knows well how many have it, so they are counted as far as it matters."""
    labelled = select(case_labels.c.case_id).where(case_labels.c.label_id == label_id)
    some = db.session.scalars(labelled.limit(FEW + 1)).all()
    if len(some) <= FEW:
        return Case.id.in_(bindparam(None, some, expanding=True, literal_execute=True))
    return labelled.where(case_labels.c.case_id == Case.id).exists()


def _is(column: ColumnElement[int | None], value: int) -> ColumnElement[bool]:
    return column == value if value else column.is_(None)

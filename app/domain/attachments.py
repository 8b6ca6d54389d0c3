"""Files of messages: expecting those a contact sent, working them off, and who may have them.

Work due is a row with a due time: a file to be fetched, or one whose bytes are to be deleted. A
claim is a lease; whatever is recorded must still hold it, so of two who work at one file, or of a
download and an unsend meanwhile, one wins. It refuses to talk to anybody and to read or write a
file.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, insert, or_, select, update

from app import content_types
from app.channels.base import InboundFile
from app.clock import now
from app.domain import access, cases, events, filenames, queues
from app.extensions import db
from app.models import LARGEST_ID, Agent, Attachment, Case
from app.transaction import wake_after_commit

LEASE = timedelta(seconds=60)
LONGEST_WAIT = timedelta(hours=1)
KINDS = ("image", "video", "audio", "file")

_INSERT = insert(Attachment.__table__)


@dataclass(frozen=True)
class Claim:
    """Whoever holds it works on this attachment, until then."""

    attachment_id: int
    until: datetime


@dataclass(frozen=True)
class Found:
    """What a file turned out to be, and where it lies."""

    storage_key: str
    size: int
    content_type: str
    preview_key: str | None = None
    width: int | None = None
    height: int | None = None


def expect(message_id: int, case_id: int, files: Sequence[InboundFile]) -> None:
    """Note that these files belong to a message, and have somebody fetch them after the commit."""
    moment = now()
    rows = [
        {
            "case_id": case_id,
            "message_id": message_id,
            "place": place,
            "kind": file.kind,
            "state": "waiting",
            "filename": file.filename,
            "size": file.size,
            "duration_ms": file.duration_ms,
            "source_url": file.url,
            "created_at": moment,
            "due_at": moment,
            "attempts": 0,
        }
        for place, file in enumerate(files)
    ]
    if rows:
        db.session.connection().execute(_INSERT, rows)
        wake_after_commit("media")


def remove(message_id: int) -> None:
    """Take a message's files away from everybody at once; their bytes follow after the commit."""
    _remove(Attachment.message_id == message_id)


def remove_all(case: Case) -> None:
    """The same of a whole case and of all drafts in it."""
    _remove(Attachment.case_id == case.id)


def _remove(which: ColumnElement[bool]) -> None:
    moment = now()
    removed = db.session.execute(
        update(Attachment)
        .where(which, Attachment.state != "removed")
        .values(
            state="removed",
            filename="",
            size=None,
            source_url=None,
            problem=None,
            revoked_at=moment,
            due_at=moment,
        )
        .execution_options(synchronize_session="fetch")
    )
    if removed.rowcount:
        wake_after_commit("media")


def visible(attachment_id: int, agent: Agent) -> Attachment | None:
    """A stored file that this agent may have: of a case they see, or of their own draft in one."""
    if not 0 < attachment_id <= LARGEST_ID:
        return None
    query = (
        select(Attachment)
        .join(Case, Case.id == Attachment.case_id)
        .where(
            Attachment.id == attachment_id,
            Attachment.state == "stored",
            access.visible_to(access.audience_of(agent)),
            or_(Attachment.message_id.is_not(None), Attachment.agent_id == agent.id),
        )
    )
    return db.session.scalar(query)


def name_of(attachment: Attachment) -> str:
    """What it is called when it is saved: its own name made safe (T7), or one made from its id."""
    ending = content_types.EXTENSIONS.get(attachment.content_type or "", "")
    return filenames.clean(attachment.filename) or f"{attachment.kind}-{attachment.id}{ending}"


def named(keys: Collection[str]) -> set[str]:
    """Which of these stored files some attachment still names."""
    names: set[str] = set()
    for column in (Attachment.storage_key, Attachment.preview_key):
        names.update(db.session.scalars(select(column).where(column.in_(keys))))
    return names


# ── Working them off ────────────────────────────────────────────────────────────────────────


def due(kinds: Collection[str] = KINDS) -> Row[Any] | None:
    """The one that has waited longest for somebody to fetch it, or to delete its bytes."""
    return db.session.execute(next_due(kinds)).first()


def next_due(kinds: Collection[str]) -> Select[Any]:
    """The query for it."""
    is_due = queues.is_due(Attachment.due_at, longest=LONGEST_WAIT * 2)
    return (
        select(Attachment.id, Attachment.due_at)
        .where(is_due, Attachment.kind.in_(kinds))
        .order_by(Attachment.due_at, Attachment.id)
        .limit(1)
    )


def claim(due: Row[Any]) -> Claim | None:
    """Take it for a while; None when somebody was quicker."""
    until = now() + LEASE
    values = {"due_at": until, "attempts": Attachment.attempts + 1}
    return Claim(due.id, until) if _change(Claim(due.id, due.due_at), values) else None


def renew(claim: Claim) -> Claim | None:
    """Hold it a little longer; None when it is lost: to another, or because it was unsent."""
    until = now() + LEASE
    return Claim(claim.attachment_id, until) if _change(claim, {"due_at": until}) else None


def store(claim: Claim, found: Found) -> bool:
    """It has come. False when nobody wants it any more: delete it."""
    values = {
        "state": "stored",
        "storage_key": found.storage_key,
        "size": found.size,
        "content_type": found.content_type,
        "preview_key": found.preview_key,
        "width": found.width,
        "height": found.height,
        "problem": None,
        "due_at": None,
    }
    if about := _settle(claim, values):
        events.record("attachment.stored", **about)
    return bool(about)


def lose(claim: Claim, problem: str) -> bool:
    """The provider has it no more."""
    values = {"state": "gone", "problem": problem, "due_at": None}
    if about := _settle(claim, values):
        events.record("attachment.lost", **about)
    return bool(about)


def refuse(claim: Claim, problem: str) -> bool:
    """We don't want it: too large, or from where nothing is fetched."""
    values = {"state": "refused", "problem": problem, "due_at": None}
    if about := _settle(claim, values):
        events.record("attachment.refused", **about)
    return bool(about)


def delay(claim: Claim, again_at: datetime, problem: str) -> bool:
    """It could not be fetched now; people see why."""
    attachment = db.session.get_one(Attachment, claim.attachment_id)
    if attachment.problem == problem:
        return _change(claim, {"due_at": again_at})
    values = {"due_at": again_at, "problem": problem}
    if about := _settle(claim, values):
        events.record("attachment.delayed", **about)
    return bool(about)


def forget_bytes(claim: Claim) -> bool:
    """The files of a removed one are deleted."""
    values = {"storage_key": None, "preview_key": None, "due_at": None}
    return _change(claim, values)


def _settle(claim: Claim, values: dict[str, Any]) -> dict[str, int | None]:
    """Change it for all to see; what it is about, nothing when the claim was lost."""
    attachment = db.session.get_one(Attachment, claim.attachment_id)
    cases.lock(attachment.case)  # first, as every writer of a conversation does
    if not _change(claim, values):
        return {}
    return {"case_id": attachment.case_id, "message_id": attachment.message_id}


def _change(claim: Claim, values: dict[str, Any]) -> bool:
    changed = db.session.execute(
        update(Attachment)
        .where(Attachment.id == claim.attachment_id, Attachment.due_at == claim.until)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return changed.rowcount == 1

"""Chats: active conversations and what agents do with them.

Taking is an atomic claim, ending is one guarded UPDATE, and at most one chat of a conversation is
active because the database refuses a second (S26a). Nothing here commits.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, text, update

from app.channels import registry
from app.channels.base import Content
from app.clock import now
from app.domain import (
    access,
    authors,
    cases,
    contacts,
    costs,
    events,
    messages,
    reading,
    settings,
)
from app.domain.agents import Refused
from app.domain.upsert import insert
from app.extensions import db
from app.models import ACTIVE, STATUSES, Agent, Case, Channel, Message, ReadMark

KEEP_OPEN = timedelta(minutes=5)
COUNTDOWN_FROM = 0.8


class NotActive(Refused):
    """The chat has ended already."""


class NewerMessage(Refused):
    """A contact wrote after what the agent had seen (S17)."""


class OtherChatActive(Refused):
    """Another case of this conversation has the active chat (S26a)."""

    def __init__(self, case: Case) -> None:
        super().__init__(f"This conversation goes on in chat {case.number}.")
        self.case = case


# ── Who has it ──────────────────────────────────────────────────────────────────────────────


def take(case: Case, *, by: Agent) -> bool:
    """Claim an untaken chat. False when somebody was quicker or it has ended (H7)."""
    if not _claim(case, by.id, was=None):
        return False
    _read_by(by, case)
    events.record("chat.taken", case_id=case.id, by=by)
    authors.change(case, by=by)
    return True


def take_over(case: Case, *, by: Agent) -> bool:
    """Take a chat that another agent has. False when that changed meanwhile (S26b)."""
    old = case.taken_by_id
    if old == by.id or not _claim(case, by.id, was=old):
        return False
    _read_by(by, case)
    events.record("chat.taken_over", case_id=case.id, by=by, old=old, new=by.id)
    authors.change(case, by=by)
    return True


def hand_over(case: Case, to: Agent, *, by: Agent | None) -> bool:
    """Give a chat to a colleague, for whom it lights as a response (S26b)."""
    if not access.may_have(to, case):
        raise Refused("This agent can't see the chat, or may only look. Choose another one.")
    old = case.taken_by_id
    if old == to.id or not _claim(case, to.id, was=old):
        return False
    if by is None or to.id != by.id:
        _forget_reading(to, case)
    events.record("chat.handed_over", case_id=case.id, by=by, old=old, new=to.id)
    return True


def take_for(case: Case, agent: Agent, *, by: Agent | None = None) -> bool:
    """Let somebody have the chat without their doing: it lights for them, and selects nothing (S31).

    Whoever takes it for themselves takes it like anybody.
    """
    if by is None or by.id != agent.id:
        return hand_over(case, agent, by=by)
    return take_over(case, by=by) if case.taken_by_id else take(case, by=by)


def give_out(case: Case, to: Agent, *, cause: str) -> bool:
    """Let somebody have an untaken chat without anybody's word; it lights for them (distribution.py)."""
    if not _claim(case, to.id, was=None, is_given=True):
        return False
    _forget_reading(to, case)
    events.record("chat.given_out", case_id=case.id, new=to.id, cause=cause)
    return True


def put_back(case: Case, *, by: Agent | None, reason: str = "") -> bool:
    """Return a taken chat to New."""
    old = case.taken_by_id
    if old is None or not _claim(case, None, was=old):
        return False
    events.record("chat.put_back", case_id=case.id, by=by, old=old, reason=reason)
    return True


def select_message(case: Case, *, by: Agent) -> None:
    """An agent opens the entry from the icon or from New: who reactivated it is its author (S31).

    Taking it, taking it over and replying in it select too. Raise NotActive when it has ended.
    """
    cases.lock(case)
    if not case.is_active_chat:
        raise NotActive("This chat has ended already.")
    events.record("chat.selected", case_id=case.id, by=by)
    authors.change(case, by=by)
    _open_given(case, by)
    reading.show(case)


def mark_read(case: Case, message_id: int, *, by: Agent) -> None:
    """This agent's visible page has shown everything up to this message (S15)."""
    cases.hold(case)
    newest = min(message_id, case.last_message_id or 0)
    statement = insert(ReadMark).values(agent_id=by.id, case_id=case.id, message_id=newest)
    changed = db.session.scalar(
        statement.on_conflict_do_update(
            index_elements=["agent_id", "case_id"],
            set_={"message_id": newest},
            where=ReadMark.message_id < newest,
        ).returning(ReadMark.message_id)
    )
    if changed is not None:
        events.record("chat.read", case_id=case.id, by=by)
        _open_given(case, by)
        reading.show(case, up_to=newest)


def _claim(case: Case, taker_id: int | None, *, was: int | None, is_given: bool = False) -> bool:
    """Change the taker if it is still whom the caller saw."""
    cases.hold(case)  # first, as every writer of a conversation does
    moment = now()
    won = db.session.execute(
        update(Case)
        .where(Case.id == case.id, text(ACTIVE), Case.taken_by_id.is_not_distinct_from(was))
        .values(
            taken_by_id=taker_id,
            taken_at=moment if taker_id else None,
            given_at=moment if is_given else None,
        )
        .execution_options(synchronize_session=False)
    ).rowcount
    db.session.refresh(case)
    return won == 1


def _open_given(case: Case, by: Agent) -> None:
    """Whoever opens or answers a chat that was given out to them has accepted it."""
    if case.given_at is None:
        return
    db.session.execute(
        update(Case)
        .where(Case.id == case.id, Case.taken_by_id == by.id)
        .values(given_at=None)
        .execution_options(synchronize_session=False)
    )
    db.session.expire(case, ["given_at"])


def _read_by(agent: Agent, case: Case) -> None:
    """Whoever takes a chat is looking at it: its messages so far are no new responses."""
    if case.last_message_id:
        mark_read(case, case.last_message_id, by=agent)


def _forget_reading(agent: Agent, case: Case) -> None:
    """Whoever is given a chat shall notice, although they may have looked at it before."""
    mine = (ReadMark.agent_id == agent.id, ReadMark.case_id == case.id)
    db.session.execute(delete(ReadMark).where(*mine))


# ── Answering ───────────────────────────────────────────────────────────────────────────────


def reply(
    case: Case,
    text_: str,
    *,
    by: Agent,
    key: str | None = None,
    files: Collection[int] = (),
    quoted: Message | None = None,
) -> Message:
    """An agent's answer, once per key. It takes an untaken chat and reactivates an ended one.

    `files` are ids of the agent's uploads in this case; with them the text may be empty. `quoted`
    is the message that it answers, as `quotes.quotable` found it.

    Raise OtherChatActive, messages.KeyReused, or Refused when nobody could receive it.
    """
    return reply_once(case, text_, by=by, key=key, files=files, quoted=quoted)[0]


def reply_once(
    case: Case,
    text_: str,
    *,
    by: Agent,
    key: str | None = None,
    files: Collection[int] = (),
    quoted: Message | None = None,
) -> tuple[Message, bool]:
    """The same, and whether this call made the message: False when its key had made it before."""
    cases.lock(case)
    if already := messages.sent_before(case, "out", text_, by=by, key=key, files=files):
        return already, False
    check_reply(case, text_)
    if case.chat_state == "ended":
        _reactivate_by(case, by)
    elif case.is_active_chat:
        if case.taken_by_id is None:
            take(case, by=by)
        _open_given(case, by)
        authors.change(case, by=by)
    cases.set_spam(case, is_spam=False, by=by)
    cases.set_trashed(case, is_trashed=False, by=by)
    message = messages.add_reply(case, text_, by=by, key=key, files=files, quoted=quoted)
    return message, True


def check_reply(case: Case, text_: str) -> None:
    """Raise Refused when this could not be sent: nobody there, too much of it, or a spent quota."""
    if reason := unreachable(case) or registry.adapter(case.channel.kind).problem_with(Content(text_)):
        raise Refused(reason)
    costs.check(case)


def unreachable(case: Case) -> str:
    """Why nobody could receive a reply in this conversation; empty when somebody can."""
    if case.deleted_at:
        return "This case was deleted for good."
    if case.conversation.left_at:
        return "The channel has left this group, so nothing can be sent to it any more."
    if case.channel.state == "deleted":
        return "This case's channel was deleted, so nothing can be sent through it."
    return ""


def note(
    case: Case, text_: str, *, by: Agent, key: str | None = None, files: Collection[int] = ()
) -> Message:
    """An internal note, once per key."""
    cases.lock(case)
    if already := messages.sent_before(case, "note", text_, by=by, key=key, files=files):
        return already
    return messages.add_note(case, text_, by=by, key=key, files=files)


def _reactivate_by(case: Case, agent: Agent) -> None:
    """S26: whatever its status was it becomes open, taken by the agent."""
    other = cases.active_in(case.conversation_id)
    if other:
        raise OtherChatActive(other)
    case.chat_state, case.taken_by_id, case.taken_at = "active", agent.id, now()
    case.keep_open_until = case.ended_at = case.author_candidate_id = None
    cases.set_status(case, "open", by=agent)
    db.session.flush()
    db.session.expire(case, ["taken_by"])
    _read_by(agent, case)
    events.record("chat.reactivated_by_agent", case_id=case.id, by=agent)


# ── Ending ──────────────────────────────────────────────────────────────────────────────────


def end(
    case: Case,
    status: str,
    *,
    by: Agent | None,
    cause: str = "agent",
    last_seen: int | None = None,
) -> None:
    """End an active chat with a status (S17, S24). `cause` is agent, rule or inactivity.

    Raise NotActive when it has ended already, NewerMessage when the contact wrote after
    `last_seen`.
    """
    if status not in STATUSES:
        raise Refused("Choose a status: open, pending or closed.")
    cases.lock(case)
    if not case.is_active_chat:
        raise NotActive("This chat has ended already.")
    if last_seen is not None and (case.last_contact_message_id or 0) > last_seen:
        raise NewerMessage(f"{contacts.latest_writer(case)} just wrote.")
    taker = case.taken_by_id
    case.chat_state, case.taken_by_id, case.taken_at = "ended", None, None
    case.given_at = None
    case.keep_open_until, case.ended_at = None, now()
    case.author_candidate_id = None  # whom nobody selected stays a member among others (S31)
    db.session.flush()
    db.session.expire(case, ["taken_by", "author_candidate"])
    events.record("chat.ended", case_id=case.id, by=by, cause=cause, taken_by=taker)
    cases.set_status(case, status, by=by, cause=cause)


def mark_spam(case: Case, *, by: Agent) -> None:
    """An agent's word that this is spam; an active chat ends first."""
    _end_if_active(case, by)
    cases.set_spam(case, is_spam=True, by=by)


def trash(case: Case, *, by: Agent) -> None:
    """Out of the way, for some weeks to be taken back; an active chat ends first."""
    _end_if_active(case, by)
    cases.set_trashed(case, is_trashed=True, by=by)


def _end_if_active(case: Case, by: Agent) -> None:
    """With the status it would have had else, so that whoever takes it back finds it as it was."""
    cases.lock(case)
    if case.is_active_chat:
        end(case, status_after(case), by=by)


def status_after(case: Case) -> str:
    """What End chat preselects and inactivity sets: open if the contact wrote last (S17, S20)."""
    return "open" if case.contact_wrote_last else "pending"


@dataclass(frozen=True)
class Deadline:
    """When an active chat ends by itself, and from when on its page says so (S20a)."""

    ends_at: datetime
    warns_at: datetime


def deadline(case: Case, default_minutes: int | None = None) -> Deadline:
    """Both limits must have passed: the quiet minutes, and what "keep open" granted."""
    quiet = timedelta(minutes=minutes_of(case.channel, default_minutes))
    ends = case.last_activity_at + quiet
    if case.keep_open_until and case.keep_open_until > ends:
        return Deadline(case.keep_open_until, max(ends, case.keep_open_until - KEEP_OPEN * 0.2))
    return Deadline(ends, case.last_activity_at + quiet * COUNTDOWN_FROM)


def minutes_of(channel: Channel, default_minutes: int | None = None) -> int:
    if channel.inactivity_minutes:
        return channel.inactivity_minutes
    return default_minutes or settings.get(settings.INACTIVITY)


def keep_open(case: Case, *, by: Agent) -> None:
    """Postpone the end: the present deadline and 5 minutes more, as often as wished (S20a)."""
    cases.lock(case)
    if not case.is_active_chat:
        raise NotActive("This chat has ended already.")
    case.keep_open_until = max(deadline(case).ends_at, now()) + KEEP_OPEN
    db.session.flush()
    events.record("chat.kept_open", case_id=case.id, by=by, until=str(case.keep_open_until))

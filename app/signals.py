"""What providers are told of agents in the background: that one writes (L10), that one has read (S9).

Typing is kept in this process's memory: it is worth nothing after some seconds. Read marks stand in
the database, the newest of each conversation, and are claimed by a guarded UPDATE. No request ever
waits for a provider, and a failure is a line in the log.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, Select, func, select, update

from app import transaction
from app.channels import registry
from app.channels.base import NotSent, TemporaryError
from app.clock import now
from app.domain import queues
from app.extensions import db
from app.models import Case, Channel, Conversation

# The page tells of typing every 8 seconds; several pages and agents together tell no oftener.
TYPING_EVERY_SECONDS = 6.0
TYPING_LASTS_SECONDS = 10.0
MOST_WAITING = 500
LEASE = timedelta(seconds=60)
# A mark that could not be set is set later; after a while nobody looks for it any more.
READ_WORTH_FOR = timedelta(minutes=10)

log = logging.getLogger(__name__)

_lock = threading.Lock()
_waiting: OrderedDict[int, float] = OrderedDict()
_told_at: OrderedDict[int, float] = OrderedDict()
_listeners: list[Callable[[], None]] = []


def is_typing(conversation_id: int) -> bool:
    """Somebody writes there. False when that was told a moment ago already."""
    moment = time.monotonic()
    with _lock:
        told = _told_at.get(conversation_id)
        if told is not None and moment - told < TYPING_EVERY_SECONDS:
            return False
        _told_at[conversation_id] = _waiting[conversation_id] = moment
        for kept in (_told_at, _waiting):
            kept.move_to_end(conversation_id)
            while len(kept) > MOST_WAITING:
                kept.popitem(last=False)
    for wake in _listeners:
        wake()
    return True


def on_typing(listener: Callable[[], None]) -> None:
    """Call this whenever somebody begins to write. It must be quick and not raise."""
    _listeners.append(listener)


def forget_typing() -> None:
    """Nothing waits and nothing was told: how a process, or a test, begins."""
    with _lock:
        _waiting.clear()
        _told_at.clear()


def send_one() -> bool:
    """Tell one provider one thing. False when there is nothing to tell."""
    return _show_typing() or _mark_read()


def _show_typing() -> bool:
    conversation_id = _next_typing()
    if conversation_id is None:
        return False
    conversation = db.session.get(Conversation, conversation_id)
    if conversation is None or not conversation.channel.is_connected:
        transaction.release()
        return True
    channel, address = _detached(conversation)
    try:
        registry.adapter(channel.kind).show_typing(channel, address)
    except NotSent as problem:
        log.info("typing was not shown on channel %s: %s", channel.id, problem.reason)
    return True


def _next_typing() -> int | None:
    """The newest wish; what waited behind a slow provider for too long is over."""
    with _lock:
        while _waiting:
            conversation_id, since = _waiting.popitem()
            if time.monotonic() - since < TYPING_LASTS_SECONDS:
                return conversation_id
    return None


def _mark_read() -> bool:
    due = db.session.execute(next_due()).first()
    transaction.release()
    if due is None or not _claim(due):
        return due is not None
    conversation = db.session.get_one(Conversation, due.id)
    channel, _address = _detached(conversation)
    try:
        registry.adapter(channel.kind).mark_read(channel, due.read_token)
    except TemporaryError as problem:
        log.info("not marked as read on channel %s: %s", channel.id, problem.reason)
        if _is_worth_it(due.id):
            return True  # the lease runs out, and it is due again
    except NotSent as problem:
        log.info("not marked as read on channel %s: %s", channel.id, problem.reason)
    _done(due)
    return True


def next_due() -> Select[Any]:
    """The query for the conversation that is to be marked as read for longest."""
    return (
        select(Conversation.id, Conversation.read_token, Conversation.read_due_at)
        .where(queues.is_due(Conversation.read_due_at, longest=LEASE * 2))
        .order_by(Conversation.read_due_at)
        .limit(1)
    )


def _claim(due: Row[Any]) -> bool:
    return _change(due, Conversation.read_due_at == due.read_due_at, read_due_at=now() + LEASE)


def _done(due: Row[Any]) -> None:
    """The token stays, so that it is not told twice; a newer one meanwhile stays due."""
    _change(due, read_due_at=None)


def _change(due: Row[Any], *conditions: Any, **values: Any) -> bool:
    statement = (
        update(Conversation)
        .where(Conversation.id == due.id, Conversation.read_token == due.read_token, *conditions)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    with transaction.writing():
        return db.session.execute(statement).rowcount == 1


def _is_worth_it(conversation_id: int) -> bool:
    query = select(func.max(Case.last_message_at)).where(Case.conversation_id == conversation_id)
    last = db.session.scalar(query)
    transaction.release()
    return last is not None and last > now() - READ_WORTH_FOR


def _detached(conversation: Conversation) -> tuple[Channel, str]:
    """Channel and address, to be used after everything was given back."""
    channel, address = conversation.channel, conversation.external_id
    db.session.expunge(channel)
    transaction.release()
    return channel, address

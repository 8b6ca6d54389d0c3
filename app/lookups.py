"""Names and pictures of contacts, names and sizes of groups, asked for in the background (S34).

A look-up never delays a message: it runs after the commit, is claimed by a guarded UPDATE, tried
again after about 5 and 30 seconds and then with backoff, and refreshed once a day. Who is no friend
yet is asked about once a day; a group that the channel is in should be known, so it is tried again
like a failure first.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, select

from app import pictures, transaction
from app.channels import registry
from app.channels.base import Profile, TemporaryError
from app.clock import now
from app.domain import channels, contacts, conversations, queues
from app.domain.contacts import Place
from app.extensions import db
from app.models import Channel, Conversation, Identity
from app.workers import backoff

LEASE = timedelta(seconds=60)
REFRESH_AFTER = timedelta(days=1)
BACKOFF_SECONDS = (5, 30, 120, 600, 3600)


def look_up_one() -> bool:
    """Do one due look-up. False when none is due."""
    return _look_up(Identity) or _look_up(Conversation)


def _look_up(model: type[Identity] | type[Conversation]) -> bool:
    due = db.session.execute(_next(model)).first()
    transaction.release()
    if due is None:
        return False
    leased_until = now() + LEASE
    if not _claim(model, due, leased_until):
        return True
    row = db.session.get_one(model, due.id)
    channel = db.session.get_one(Channel, row.channel_id)
    db.session.expunge(channel)
    external_id, attempts = row.external_id, row.lookup_attempts
    kind = row.kind if isinstance(row, Conversation) else "user"
    group = contacts.group_of(row) if isinstance(row, Identity) else None
    transaction.release()
    found, again_at = _ask(channel, kind, external_id, group, attempts)
    _keep(model, due.id, found, leased_until, again_at)
    if model is Identity and found and found.picture_url:
        pictures.fetch_for(due.id, found.picture_url)
    return True


def next_identity() -> Select[Any]:
    """The query for the person whose look-up has waited longest."""
    return _next(Identity)


def next_conversation() -> Select[Any]:
    return _next(Conversation)


def _next(model: type[Identity] | type[Conversation]) -> Select[Any]:
    is_due = queues.is_due(model.lookup_due_at, longest=REFRESH_AFTER * 2)
    return (
        select(model.id, model.lookup_due_at)
        .join(Channel, Channel.id == model.channel_id)
        .where(is_due, Channel.state == "connected")
        .order_by(model.lookup_due_at)
        .limit(1)
    )


def _claim(
    model: type[Identity] | type[Conversation], due: Row[Any], leased_until: datetime
) -> bool:
    with transaction.writing():
        return queues.claim(due, model.lookup_due_at, model.lookup_attempts, until=leased_until)


def _ask(
    channel: Channel, kind: str, external_id: str, group: Place | None, attempts: int
) -> tuple[Profile | None, datetime]:
    adapter = registry.adapter(channel.kind)
    try:
        if kind != "user":
            found = adapter.group(channel, kind, external_id)
        elif not (found := adapter.person(channel, external_id)) and group:
            found = adapter.member(channel, *group, external_id)
    except TemporaryError as problem:
        with transaction.writing():
            channels.failed(channel.id, problem)
        return None, now() + backoff(attempts, BACKOFF_SECONDS)
    if found is None and kind != "user" and attempts < len(BACKOFF_SECONDS):
        return None, now() + backoff(attempts, BACKOFF_SECONDS)
    return found, now() + REFRESH_AFTER


def _keep(
    model: type[Identity] | type[Conversation],
    row_id: int,
    found: Profile | None,
    leased_until: datetime,
    again_at: datetime,
) -> None:
    with transaction.writing():
        row = db.session.get_one(model, row_id, with_for_update=True)
        # Whoever became a friend while LINE was asked is asked about again at once.
        if row.lookup_due_at == leased_until:
            row.lookup_due_at = again_at
            row.lookup_attempts = 0 if found else row.lookup_attempts
        if found and isinstance(row, Conversation):
            conversations.took_profile(row, found)
        elif found:
            contacts.took_name(row, found)

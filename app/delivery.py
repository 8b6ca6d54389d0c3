"""The way out: claim a queued message, call its provider, record what came of it.

Method and token are committed before the call, so that a crash in between is told from a call
that was never made (L6). A push carries its retry key and exact body through every try (L7).
Order holds within a conversation; a slow one delays no other (L8).
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from flask import Flask
from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, update
from sqlalchemy.orm import aliased

from app import media, transaction
from app.channels import registry
from app.channels.base import (
    Content,
    FailedCall,
    NotSent,
    Outgoing,
    PermanentError,
    Sent,
    TemporaryError,
    TokenRefused,
    UnknownOutcome,
)
from app.clock import now
from app.domain import cases, channels, costs, events, messages, queues, quotas
from app.extensions import OUTAGES, db
from app.models import Channel, Conversation, Delivery, Message, Receipt
from app.workers import OWNER, STOP_SECONDS, Worker, backoff

LEASE = timedelta(seconds=30)
# A call ends after ten seconds; what came of it is recorded before the lease runs out, or not at all.
RECORDING_SECONDS = 15.0
RECORD_AGAIN_SECONDS = 0.5
GIVE_UP_AFTER = timedelta(minutes=10)
BACKOFF_SECONDS = (1, 5, 20, 60, 120, 240)
PERHAPS = "It may or may not have arrived."
PERHAPS_EARLIER = "An earlier try may have arrived."
INTERRUPTED = f"Mado was interrupted while it was being sent. {PERHAPS}"
TOO_LATE = "Mado did not run for hours, and sends nothing that old by itself. It may have arrived before."
# A call that hangs holds its thread for ten seconds. A channel that hangs fills its share, retries
# at most half of it, and the last quarter of all threads is for channels that have none.
THREADS = 32
THREADS_PER_CHANNEL = 8
RETRIES_PER_CHANNEL = 4
THREADS_FOR_ALL = 24

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Attempt:
    """One claimed try, its method and token committed."""

    message_id: int
    channel_id: int
    to: str
    body: str
    reply_token: str | None
    retry_key: str
    is_retry: bool


class Dispatcher:
    """Claims in one thread, calls providers in a few; one per process."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="delivery")
        self._free = threading.Semaphore(THREADS)
        self._busy: Counter[int] = Counter()
        self._retrying: Counter[int] = Counter()
        self._lock = threading.Lock()
        self.worker = Worker(app, "deliveries", self._dispatch_one, every=None)

    def end_soon(self) -> None:
        self.worker.end_soon()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Claim nothing more; every claimed try has a thread already and comes to its end."""
        self.worker.stop(seconds)
        self._pool.shutdown(wait=True)

    def _dispatch_one(self) -> bool:
        if not is_any_due():
            return False
        self._free.acquire()
        if self.worker.is_stopping:  # what is claimed now would have no thread to be sent by
            self._free.release()
            return False
        try:
            attempt = claim(**self._full())
        except BaseException:
            self._free.release()
            raise
        if attempt is None:
            self._free.release()
            return False
        self._count(attempt, 1)
        self._pool.submit(self._perform, attempt)
        return True

    def _full(self) -> dict[str, list[int]]:
        """Which channels have their share of the threads, and which of them with retries."""
        with self._lock:
            most = THREADS_PER_CHANNEL if self._busy.total() < THREADS_FOR_ALL else 1
            return {
                "full_channels": [one for one, n in self._busy.items() if n >= most],
                "retrying_channels": [
                    one for one, n in self._retrying.items() if n >= RETRIES_PER_CHANNEL
                ],
            }

    def _perform(self, attempt: Attempt) -> None:
        try:
            with self._app.app_context():
                perform(attempt)
        except Exception:  # the lease runs out and another try finishes it
            log.exception("recording an attempt failed")
        finally:
            self._count(attempt, -1)
            self._free.release()
            self.worker.wake()

    def _count(self, attempt: Attempt, by: int) -> None:
        with self._lock:
            self._busy[attempt.channel_id] += by
            if attempt.is_retry:
                self._retrying[attempt.channel_id] += by


def deliver_due(*, limit: int = 100) -> int:
    """Try everything that is due, one after another, here and now; the number of tries."""
    tries = 0
    while tries < limit and (attempt := claim()):
        perform(attempt)
        tries += 1
    return tries


def is_any_due() -> bool:
    """Whether it is worth taking the writer's lock to claim."""
    found = db.session.scalar(due())
    transaction.release()
    return found is not None


def due() -> Select[tuple[int]]:
    """The query for one that is due."""
    return select(Delivery.message_id).where(_is_due()).limit(1)


def claim(
    *, full_channels: Sequence[int] = (), retrying_channels: Sequence[int] = ()
) -> Attempt | None:
    """Lease the next due message and settle how it goes out, or None. Commits.

    Nothing of full channels, and only what was never tried of those that are full of retries.
    """
    while True:
        with transaction.writing():
            delivery = _next_due(full_channels, retrying_channels)
            if delivery is None:
                return None
            was_interrupted = delivery.leased_until is not None
            if was_interrupted and delivery.method == "reply":
                _leave_unconfirmed(delivery, INTERRUPTED)
                continue
            if queues.is_too_late(delivery.queued_at):  # LINE knows a retry key for 24 hours only
                _leave_unconfirmed(delivery, TOO_LATE)
                continue
            delivery.is_ambiguous = delivery.is_ambiguous or was_interrupted
            attempt = _prepare(delivery)
        if attempt:
            return attempt


def perform(attempt: Attempt) -> None:
    """Call the provider, outside any transaction, and record the outcome."""
    channel = db.session.get_one(Channel, attempt.channel_id)
    db.session.expunge(channel)
    transaction.release()
    outcome: Sent | NotSent
    try:
        outcome = registry.adapter(channel.kind).send(
            Outgoing(channel, attempt.to, attempt.body, attempt.reply_token, attempt.retry_key)
        )
    except NotSent as problem:
        outcome = problem
    except Exception as problem:  # an adapter's own mistake: nobody knows what was sent
        log.exception("a channel's send failed unexpectedly")
        outcome = UnknownOutcome(
            f"Sending failed unexpectedly ({type(problem).__name__}).", failed=FailedCall("send")
        )
    _record_despite_outages(attempt, outcome, by=time.monotonic() + RECORDING_SECONDS)


def _record_despite_outages(attempt: Attempt, outcome: Sent | NotSent, *, by: float) -> None:
    """What the provider said is known to nobody else: a database that is away for seconds does not lose it."""
    while True:
        try:
            with transaction.writing():
                return _record(attempt, outcome)
        except OUTAGES:
            if time.monotonic() > by:
                raise
            log.warning("an attempt could not be recorded, trying again")
            time.sleep(RECORD_AGAIN_SECONDS)


def _is_due() -> ColumnElement[bool]:
    moment = now()
    return and_(
        or_(Delivery.due_at <= moment, Delivery.due_at > moment + GIVE_UP_AFTER),
        or_(
            Delivery.leased_until.is_(None),
            Delivery.leased_until < moment,
            Delivery.leased_until > moment + LEASE * 2,  # the clock stepped back (F14)
        ),
    )


def _next_due(
    full_channels: Sequence[int], retrying_channels: Sequence[int]
) -> Delivery | None:
    earlier = aliased(Delivery)
    query = (
        select(Delivery)
        .where(
            _is_due(),
            Delivery.channel_id.not_in(full_channels),
            or_(Delivery.attempts == 0, Delivery.channel_id.not_in(retrying_channels)),
            ~exists().where(
                earlier.conversation_id == Delivery.conversation_id,
                earlier.message_id < Delivery.message_id,
            ),
        )
        .order_by(Delivery.due_at, Delivery.message_id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Delivery)
    )
    return db.session.scalar(query)


def _prepare(delivery: Delivery) -> Attempt | None:
    """Choose the way, write down the body and the lease. None when it can't be sent at all."""
    message = db.session.get_one(Message, delivery.message_id)
    channel = db.session.get_one(Channel, delivery.channel_id)
    conversation = db.session.get_one(Conversation, delivery.conversation_id)
    if channel.state == "deleted":
        messages.settle(message, "failed", error="The channel was deleted.")
        return None
    adapter = registry.adapter(channel.kind)
    delivery.body = delivery.body or adapter.compose(_content_of(message))
    _choose_method(delivery, channel.kind)
    delivery.attempts += 1
    delivery.leased_until, delivery.lease_owner = now() + LEASE, OWNER
    db.session.flush()
    return Attempt(
        message_id=delivery.message_id,
        channel_id=channel.id,
        to=conversation.external_id,
        body=delivery.body,
        reply_token=delivery.reply_token if delivery.method == "reply" else None,
        retry_key=delivery.retry_key,
        is_retry=delivery.attempts > 1,
    )


def _content_of(message: Message) -> Content:
    """What it says, and the token of the message it quotes, unless that was taken back since."""
    quoted = message.quoted
    return Content(
        message.text,
        files=media.outgoing(message.attachments),
        quote_token=quoted.quote_token if quoted else None,
    )


def _choose_method(delivery: Delivery, kind: str) -> None:
    """A young unused token is free; once a push was tried it stays a push with its key (L6, L7)."""
    if delivery.method == "push":
        return
    if delivery.reply_token and delivery.reply_until and now() < delivery.reply_until:
        return
    delivery.reply_token, delivery.method = None, "push"
    youngest = costs.youngest_free_reply(delivery.conversation_id, kind)
    if youngest is None:
        return
    used = update(Receipt).where(Receipt.id == youngest.receipt_id)
    db.session.execute(used.values(reply_token=None))
    delivery.method, delivery.reply_token = "reply", youngest.token
    delivery.reply_until = youngest.until


def _leave_unconfirmed(delivery: Delivery, error: str) -> None:
    message = db.session.get_one(Message, delivery.message_id)
    cases.lock(message.case)
    messages.settle(message, "unconfirmed", error=error)


def _record(attempt: Attempt, outcome: Sent | NotSent) -> None:
    message = db.session.get(Message, attempt.message_id)
    if message is None:  # its case was deleted for good meanwhile
        return
    cases.lock(message.case)  # first, as every writer of a conversation does
    delivery = db.session.scalar(
        select(Delivery)
        .where(Delivery.message_id == attempt.message_id, Delivery.lease_owner == OWNER)
        .with_for_update(of=Delivery)
    )
    if delivery is None or delivery.leased_until is None:
        return
    if isinstance(outcome, Sent):
        ids, token = outcome.external_ids, outcome.quote_token
        messages.settle(message, "sent", external_ids=ids, quote_token=token)
        channels.accepted(attempt.channel_id)
        return
    _note_failure(attempt.channel_id, outcome)
    if isinstance(outcome, UnknownOutcome) and delivery.method == "reply":
        messages.settle(message, "unconfirmed", error=f"{outcome.reason} {PERHAPS}")
    elif delivery.is_ambiguous and isinstance(outcome, PermanentError | TokenRefused):
        # What is refused now may have been accepted by the try that nobody answered.
        messages.settle(message, "unconfirmed", error=f"{outcome.reason} {PERHAPS_EARLIER}")
    elif isinstance(outcome, PermanentError):
        messages.settle(message, "failed", error=outcome.reason)
    else:
        _again_later(delivery, message, outcome)


def _note_failure(channel_id: int, outcome: NotSent) -> None:
    """What admins see of it; a quota that is spent is asked for anew."""
    channels.failed(channel_id, outcome)
    if isinstance(outcome, TemporaryError) and outcome.spends_quota:
        quotas.ask_soon(channel_id)


def _is_only_unpaid(delivery: Delivery, outcome: NotSent) -> bool:
    """A push that certainly did not go for want of quota may go free when the contact writes."""
    is_spent = isinstance(outcome, TemporaryError) and outcome.spends_quota
    return is_spent and delivery.method == "push" and not delivery.is_ambiguous


def _again_later(delivery: Delivery, message: Message, outcome: NotSent) -> None:
    delivery.is_ambiguous = delivery.is_ambiguous or isinstance(outcome, UnknownOutcome)
    if isinstance(outcome, TokenRefused):
        delivery.method = delivery.reply_token = None
    if _is_only_unpaid(delivery, outcome):
        delivery.method = None
    told = getattr(outcome, "retry_after", None)
    wait = backoff(delivery.attempts, BACKOFF_SECONDS) if told is None else timedelta(seconds=told)
    due = now() + wait
    if due > delivery.queued_at + GIVE_UP_AFTER:
        state = "unconfirmed" if delivery.is_ambiguous else "failed"
        error = f"{outcome.reason} {PERHAPS_EARLIER}" if delivery.is_ambiguous else outcome.reason
        messages.settle(message, state, error=error)
        return
    delivery.problem, delivery.due_at = outcome.reason, due
    delivery.leased_until = delivery.lease_owner = None
    db.session.flush()
    events.record("message.delayed", case_id=message.case_id, message_id=message.id)
    transaction.wake_after_commit("deliveries")

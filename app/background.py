"""What runs beside requests: the workers of each process, and the periodic jobs of the scheduler.

Every job may be run by any number of processes: work is claimed in the database, and the sweeps
are done by whoever holds the clock's lease. Nothing is decided here.
"""

import gc
import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from flask import Flask
from flask_babel import lazy_gettext
from sqlalchemy import delete, func, select

from app import (
    calling,
    counters,
    delivery,
    downloads,
    lookups,
    mailing,
    password_mails,
    quotas,
    signals,
    storage,
    transaction,
)
from app.channels import registry
from app.clock import now
from app.domain import (
    attachments,
    changes,
    deletions,
    distribution,
    inbox,
    invitations,
    kept_events,
    metrics,
    notifications,
    password_requests,
    sessions,
    sweeps,
    throttle,
    ticks,
    tokens,
    uploads,
    webhook_calls,
)
from app.domain.quotas import next_due as next_quota
from app.domain.rules import explain, timers
from app.domain.rules.book import InForce
from app.domain.upsert import insert
from app.extensions import db
from app.live import service
from app.models import LARGEST_ID, Lease, Receipt
from app.workers import OWNER, STOP_SECONDS, Lookout, Worker

LATE_AFTER = timedelta(seconds=60)
RECEIPTS_KEPT = timedelta(days=30)
STARTED_AT = now()
LATE_CLOCK = lazy_gettext(
    "The scheduler has not run for a minute: chats don't end by themselves. Is scheduler.py running?"
)
NO_STORAGE = lazy_gettext("Files can't be had now; those that come are fetched later. %(why)s")


def init_app(app: Flask) -> None:
    """Let a server's worker process start its threads once it exists (never before a fork)."""
    app.extensions["start_in_worker"] = lambda: start_workers(app)
    app.extensions["stop_in_worker"] = lambda: stop_workers(app)
    app.extensions["mado.warnings"] = _warnings


def start_workers(app: Flask) -> None:
    """Deliveries, look-ups, downloads, signals, housekeeping; with MADO_EMBEDDED the scheduler."""
    _set_apart_what_stays()
    lookout = Lookout(app)
    dispatcher = delivery.Dispatcher(app)
    lookout.watch(dispatcher.worker, delivery.due)
    look_ups = lookout.sleeper(
        "look-ups",
        lambda: lookups.look_up_one() or quotas.ask_one(),
        *(lookups.next_identity, lookups.next_conversation, next_quota),
    )
    fetching = [
        lookout.sleeper(
            f"downloads-{number}", partial(downloads.work_one, kinds), partial(attachments.next_due, kinds)
        )
        for number, kinds in enumerate(downloads.LANES)
    ]
    telling = lookout.sleeper("signals", signals.send_one, signals.next_due)
    letters = lookout.sleeper(
        "mails",
        lambda: password_mails.mail_one() or mailing.mail_one(),
        *(password_requests.next_due, mailing.next_due),
    )
    callers = [
        lookout.sleeper(f"webhook-calls-{number}", calling.call_one, calling.due)
        for number in range(calling.THREADS)
    ]
    housekeeping = Worker(app, "housekeeping", Housekeeping(app))
    transaction.on_commit("deliveries", dispatcher.worker.wake)
    transaction.on_commit("lookups", look_ups.wake)
    transaction.on_commit("signals", telling.wake)
    transaction.on_commit("mails", letters.wake)
    for worker in callers:
        transaction.on_commit("webhook_calls", worker.wake)
    signals.on_typing(telling.wake)
    for worker in fetching:
        transaction.on_commit("media", worker.wake)
    downloads.is_stopping.clear()
    quiet = (lookout, look_ups, housekeeping, telling, letters, *callers, *fetching)
    for worker in (dispatcher.worker, *quiet):
        worker.start()
    app.extensions["mado.workers"] = (*quiet, dispatcher)
    if os.environ.get("MADO_EMBEDDED"):
        from scheduler import start_scheduler

        app.extensions["mado.ticker"] = start_scheduler(app)


def _set_apart_what_stays() -> None:
    """Take the 134,000 objects that were there before the first request out of the collector's sight.

    Python looks for cycles among all objects once those that are new are a quarter of the old ones:
    seldom, so that what requests leave behind piled up for two minutes, and then everybody waited
    while it looked at the whole application (0.1 s on a slow machine).
    """
    gc.collect()
    gc.freeze()


def stop_workers(app: Flask) -> None:
    """Begin nothing new, and let replies that are being sent come to their end.

    Whatever else is under way has STOP_SECONDS, all of it together: it is done again later.
    """
    downloads.is_stopping.set()
    if ticker := app.extensions.pop("mado.ticker", None):
        ticker.shutdown(wait=False)
    workers, by = app.extensions.pop("mado.workers", ()), time.monotonic() + STOP_SECONDS
    for worker in workers:
        worker.end_soon()
    for worker in workers:
        worker.stop(max(0.0, by - time.monotonic()))


def _warnings() -> list[str]:
    """What admins should see on every page."""
    late = [str(LATE_CLOCK)] if is_late(ticks.latest()) else []
    return late + ([NO_STORAGE % {"why": why}] if (why := storage.place().problem) else [])


class Housekeeping:
    """What each process counted in memory, written every 10 seconds: calls, use, presence; and
    whether files can be kept.

    Who has come since is written at once: new chats may wait for them.
    """

    EVERY = timedelta(seconds=10)
    STORAGE_EVERY = timedelta(seconds=60)

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._due_at = now()
        self._storage_due_at = self._due_at - self.STORAGE_EVERY  # a wrong key is told at once
        self._has_sockets = False
        self._present: frozenset[int] = frozenset()

    def __call__(self) -> bool:
        present = service.present_agents(self._app)
        if abs(now() - self._due_at) < self.EVERY:
            self._welcome(present - self._present)
            return False
        self._due_at, self._present = now(), present
        counting = [kind for kind in registry.kinds() if kind.has_counted()]
        if counting or sessions.has_touches() or tokens.has_touches() or present:
            with transaction.writing():
                for kind in counting:
                    kind.write_counts()
                sessions.flush_touches()
                tokens.flush_touches()
                service.keep_presence(present)
        self._write_metrics()
        self._look_at_storage()
        return False

    def _welcome(self, newcomers: frozenset[int]) -> None:
        if newcomers:
            with transaction.writing():
                service.keep_presence(newcomers)
            self._present |= newcomers

    def _look_at_storage(self) -> None:
        """What began to come and never ended; and the bucket, sooner again when it was not there."""
        storage.forget_halves(now() - downloads.STRAY_AFTER)
        place = storage.place()
        if place.problem or abs(now() - self._storage_due_at) >= self.STORAGE_EVERY:
            self._storage_due_at = now()
            with suppress(storage.Unavailable):
                place.check()

    def _write_metrics(self) -> None:
        """Nothing while nothing happens: a Mado at rest doesn't write for this."""
        taken, sockets = counters.take(), service.socket_count(self._app)
        if not (taken or sockets or self._has_sockets):
            return
        try:
            with transaction.writing():
                metrics.add(taken)
                metrics.tell(counters.SOCKETS, sockets, process=OWNER)
        except BaseException:
            counters.give_back(taken)
            raise
        self._has_sockets = sockets > 0


class Steadiness:
    """For how long the sweeps have come without a gap.

    Nobody's page was seen while Mado was stopped or the machine slept (F14): only after some
    steady minutes does "no page for 2 minutes" say something about the agent.
    """

    GAP = timedelta(seconds=60)

    def __init__(self) -> None:
        self._since = self._last = datetime.min.replace(tzinfo=UTC)

    def tick(self) -> timedelta:
        moment = now()
        if abs(moment - self._last) > self.GAP:
            self._since = moment
        self._last = moment
        return moment - self._since


_steadiness = Steadiness()


# ── Jobs of the scheduler ───────────────────────────────────────────────────────────────────


def sweep() -> None:
    """End quiet chats, put back abandoned ones and give out what waits, if this process leads the clock."""
    steady_for = _steadiness.tick()
    if not lead_clock():
        return
    with transaction.writing():
        sweeps.believe_the_clock()
    end_quiet_chats()
    _portion(distribution.give_out_waiting)
    if steady_for >= sweeps.ABANDONED_AFTER:
        _portion(sweeps.put_back_abandoned)
        _portion(distribution.take_back_unopened)


def end_quiet_chats() -> None:
    """Portion by portion, so that what comes in never waits for long."""
    while _portion(sweeps.end_inactive):
        pass


def run_timers() -> None:
    """Let time-based rules act on what is due, if this process leads the clock (R5)."""
    if not lead_clock():
        return
    rules = timers.due_rules()
    transaction.release()
    for rule in rules:
        _look(rule)


def _look(rule: InForce) -> None:
    """Portion by portion, so that what comes in never waits for long."""
    look = timers.begin(rule)
    transaction.release()
    place = _timer_portion(look, None)
    while place:
        place = _timer_portion(look, place)


def _timer_portion(look: timers.Look, after: timers.Place | None) -> timers.Place | None:
    with transaction.writing():
        return timers.run_portion(look, after)


def empty_trash() -> None:
    """Delete for good what was in the trash for 30 days, and what is left of deleted cases."""
    if not lead_clock():
        return
    while _portion(deletions.delete_due):
        pass
    while _portion(deletions.take_apart):
        pass


def retry_kept_back() -> None:
    """Try kept-back webhook events whose time has come."""
    due = [receipt.id for receipt in kept_events.due()]
    transaction.release()
    for receipt_id in due:
        with transaction.writing():
            receipt = db.session.get(Receipt, receipt_id, with_for_update={"skip_locked": True})
            if receipt and receipt.due_at:
                inbox.retry_kept_back(receipt)


def tidy() -> None:
    """Forget what nobody needs any more: old receipts, sessions, invitations, tries, files."""
    if not lead_clock():
        return
    with transaction.writing():
        old = now() - RECEIPTS_KEPT
        # Ids grow with time, so nobody needs to look beyond the first that is kept.
        is_kept = Receipt.received_at.between(old, now())  # not by a clock that was ahead for a while
        kept = select(Receipt.id).where(is_kept).order_by(Receipt.id).limit(1)
        is_before = Receipt.id < func.coalesce(kept.scalar_subquery(), LARGEST_ID)
        ids = select(Receipt.id).where(is_before, Receipt.received_at < old, Receipt.error.is_(None))
        db.session.execute(delete(Receipt).where(Receipt.id.in_(ids.limit(5000))))
        changes.forget_early(old)
        sessions.forget_ended()
        invitations.forget_old()
        uploads.forget_old()
        explain.forget_old()
        notifications.forget_old()
        webhook_calls.forget_old()
        metrics.forget_dead()
    while _portion(throttle.forget_old):
        pass
    downloads.sweep_strays()


def lead_clock() -> bool:
    """Take or keep the lease of the sweeps; a dead leader's runs out in time for the next tick (F24)."""
    moment = now()
    statement = insert(Lease).values(name=ticks.NAME, owner=OWNER, until=moment + ticks.LEASE)
    with transaction.writing():
        leader = db.session.scalar(
            statement.on_conflict_do_update(
                index_elements=["name"],
                set_={"owner": OWNER, "until": moment + ticks.LEASE},
                where=(Lease.owner == OWNER)
                | (Lease.until < moment)
                | (Lease.until > moment + ticks.LEASE * 2),
            ).returning(Lease.owner)
        )
    return leader == OWNER


def is_late(tick: datetime | None) -> bool:
    """Whether the sweeps have rested for a minute in which this process was there to see it."""
    return now() - max(tick or STARTED_AT, STARTED_AT) > LATE_AFTER


def _portion(job: Callable[[], int]) -> int:
    with transaction.writing():
        return job()

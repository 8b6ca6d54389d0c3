"""Files of contacts' messages, fetched in the background; and unsent ones taken away (L2, L3).

Claimed with a lease that is renewed while bytes come, called outside any transaction, streamed to
the disk, recorded. A file that is too large is refused, one that the provider has no more is gone;
everything else is tried again. It refuses to hold a file in memory.
"""

import logging
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import joinedload

from app import intake, outgoing, previews, storage, transaction
from app.channels import registry
from app.channels.base import Download, Gone, NotReady, TemporaryError, WantedFile
from app.clock import now
from app.domain import attachments, settings
from app.domain.attachments import Claim, Found
from app.extensions import db
from app.models import Attachment, Case, Channel
from app.workers import backoff

RENEW_AFTER = timedelta(seconds=20)
BACKOFF_SECONDS = (5, 30, 120, 600, 1800, 3600)
PREPARING_SECONDS = (2, 3, 5, 10, 20, 30, 60)
GIVE_UP_AFTER = timedelta(days=1)
# One thread takes nothing but pictures: films don't hold them up.
LANES: tuple[Collection[str], ...] = (attachments.KINDS, attachments.KINDS, ("image",))
STRAY_AFTER = timedelta(hours=1)
STRAYS_AT_ONCE = 500
# Between two pieces while webhooks come: a photo can wait a second, a text not.
GIVE_WAY_SECONDS = 0.03

log = logging.getLogger(__name__)
is_stopping = threading.Event()


class Unwanted(Exception):
    """Somebody else holds the claim now, the message was unsent, or this process stops."""


@dataclass(frozen=True)
class _Job:
    """One claimed attachment, as it was."""

    attachment: Attachment
    channel: Channel
    message_id: str | None
    largest: int


def work_one(kinds: Collection[str] = attachments.KINDS) -> bool:
    """Do one due piece: a download or a removal. False when none is due."""
    due = attachments.due(kinds)
    transaction.release()
    if due is None:
        return False
    with transaction.writing():
        claim = attachments.claim(due)
    if claim:
        _do(_job(claim), claim)
    return True


def sweep_strays() -> int:
    """Delete files that no attachment names: of deleted cases, and of processes that died."""
    old = list(storage.keys_before(now() - STRAY_AFTER))
    count = 0
    for start in range(0, len(old), STRAYS_AT_ONCE):
        some = old[start : start + STRAYS_AT_ONCE]
        strays = set(some) - attachments.named(some)
        transaction.release()
        storage.delete(*strays)
        count += len(strays)
    return count


def _job(claim: Claim) -> _Job:
    attachment = db.session.get_one(
        Attachment,
        claim.attachment_id,
        options=[
            joinedload(Attachment.message),
            joinedload(Attachment.case).joinedload(Case.channel),
        ],
    )
    channel, message = attachment.case.channel, attachment.message
    largest = settings.get(settings.LARGEST_FILE) * settings.MEGABYTE
    job = _Job(attachment, channel, message.external_id if message else None, largest)
    db.session.expunge_all()
    transaction.release()
    return job


def _do(job: _Job, claim: Claim) -> None:
    if job.attachment.state == "removed":
        _delete_bytes(job.attachment, claim)
        return
    holding = _Holding(claim)
    try:
        _fetch(job, holding)
    except Unwanted:
        log.info("attachment %s is let go", claim.attachment_id)
    except Gone as problem:
        _record(attachments.lose, holding.claim, problem.reason)
    except (storage.TooLarge, outgoing.NotAllowed) as problem:
        _record(attachments.refuse, holding.claim, _refusal(job, problem))
    except TemporaryError as problem:
        _again(job, holding.claim, problem)
    except (outgoing.OutgoingError, storage.Unavailable) as problem:
        _again(job, holding.claim, TemporaryError(str(problem)))
    except Exception as problem:
        # A full disk, a locked database: nothing is lost. The type alone is logged; the text may
        # hold an address.
        log.warning("attachment %s: %s", claim.attachment_id, type(problem).__name__)
        transaction.release()
        _again(job, holding.claim, TemporaryError("It could not be stored."))


def _fetch(job: _Job, holding: "_Holding") -> None:
    if job.channel.state == "deleted":
        raise Gone("The channel was deleted before it was fetched.")
    if (job.attachment.size or 0) > job.largest:
        raise storage.TooLarge
    with _opened(job) as download:
        if (download.size or 0) > job.largest:
            raise storage.TooLarge
        received = storage.receive(holding.through(download.chunks), largest=job.largest)
    with received:
        _keep(job, holding, received)


@contextmanager
def _opened(job: _Job) -> Iterator[Download]:
    """From the provider, or from the address that it named, which nobody trusts."""
    attachment = job.attachment
    if attachment.source_url is None:
        wanted = WantedFile(job.channel, job.message_id or "", attachment.kind, attachment.place)
        with registry.adapter(job.channel.kind).download(wanted) as download:
            yield download
        return
    with outgoing.stream(attachment.source_url) as stream:
        if stream.status in (404, 410):
            raise Gone("It is not at its address any more.")
        if stream.status != 200:
            raise TemporaryError(f"Its host answered {stream.status}.")
        yield Download(stream.size, stream.chunks)


class _Holding:
    """A claim that is held on to while bytes come."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim

    def through(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The same bytes. Raise Unwanted when the claim is lost in between."""
        for chunk in chunks:
            if intake.is_busy():
                is_stopping.wait(GIVE_WAY_SECONDS)
            if is_stopping.is_set():  # the lease runs out, and another process begins anew
                raise Unwanted
            if self.claim.until - now() < attachments.LEASE - RENEW_AFTER:
                self.renew()
            yield chunk

    def renew(self) -> None:
        with transaction.writing():
            renewed = attachments.renew(self.claim)
        if renewed is None:
            raise Unwanted
        self.claim = renewed


def _keep(job: _Job, holding: _Holding, received: storage.Received) -> None:
    """Examine what came and record it; what is not recorded is not kept."""
    keys: list[str] = []
    is_kept = False
    try:
        holding.renew()  # decoding a large picture takes a moment
        examined = previews.examine(received.path, job.attachment.kind)
        keys.append(received.keep(holding.through))
        pixels = {}
        if preview := examined.preview:
            keys.append(storage.keep(preview.jpeg))
            pixels = {"preview_key": keys[-1], "width": preview.width, "height": preview.height}
        found = Found(keys[0], received.size, examined.content_type, **pixels)
        with transaction.writing():
            is_kept = attachments.store(holding.claim, found)
        if not is_kept:
            raise Unwanted
    finally:
        if not is_kept:
            storage.discard(*keys)


def _again(job: _Job, claim: Claim, problem: TemporaryError) -> None:
    """Later; after a day never, unless an admin has to do something first."""
    is_old = now() > job.attachment.created_at + GIVE_UP_AFTER
    if is_old and not problem.breaks_channel:
        _record(attachments.lose, claim, problem.reason)
        return
    waits = PREPARING_SECONDS if isinstance(problem, NotReady) else BACKOFF_SECONDS
    again_at = now() + backoff(job.attachment.attempts, waits)
    _record(attachments.delay, claim, again_at, problem.reason)


def _record(verb, claim: Claim, *facts: str | datetime) -> None:
    with transaction.writing():
        verb(claim, *facts)


def _refusal(job: _Job, problem: Exception) -> str:
    if isinstance(problem, storage.TooLarge):
        return f"It is larger than {job.largest // settings.MEGABYTE} MB."
    return str(problem)


def _delete_bytes(attachment: Attachment, claim: Claim) -> None:
    """First the bytes, then their names: a crash in between does it again, and so does an outage."""
    try:
        storage.delete(attachment.storage_key, attachment.preview_key)
    except storage.Unavailable:
        log.info("attachment %s is deleted later", claim.attachment_id)
        return
    with transaction.writing():
        attachments.forget_bytes(claim)

"""Putting files into a draft and taking them out again, and revoking the link of a sent one.

A script sends each file as the body of a request of its own, with its name in a header; a plain
form sends some in a form, with the text that stands beside them. Either goes piece by piece to
the storage, outside any transaction: nothing holds a file in memory, nobody waits for a slow line.
"""

from collections.abc import Iterable, Iterator
from typing import BinaryIO
from urllib.parse import unquote

from flask import Blueprint, Response, abort, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app import sendable, storage, transaction
from app.blueprints.access import case_or_404, own_transaction, signed_in
from app.blueprints.answers import address_of, id_of, nothing, refused, wants_fragment
from app.blueprints.composer import keep_draft
from app.domain import cases, public_links, settings, uploads
from app.domain.agents import Refused
from app.language import gettext as _
from app.models import Attachment, Case
from app.security import takes_files
from app.sendable import Upload

blueprint = Blueprint("uploads", __name__)

PIECE = 64 * 1024


@blueprint.post("/cases/<int:number>/attachments")
@takes_files
@own_transaction
@signed_in
def add(number: int) -> ResponseReturnValue:
    """Put a file into my draft of this case; a form may bring several."""
    case_or_404(number)
    largest_mb = settings.get(settings.LARGEST_FILE)
    if wants_fragment():
        name = unquote(request.headers.get("X-Filename", ""))
        return _add_one(number, Upload(name, _pieces(request.stream)), largest_mb)
    for sent in request.files.getlist("files"):
        if sent.filename:
            _try(number, Upload(sent.filename, _pieces(sent.stream)), largest_mb)
    transaction.start_writing()
    case = case_or_404(number)
    keep_draft(case)
    transaction.commit()
    return redirect(address_of(case), 303)


@blueprint.post("/cases/<int:number>/attachments/removal")
@signed_in
def remove(number: int) -> ResponseReturnValue:
    """Take a file out of my draft; one that is gone already is fine."""
    case = case_or_404(number)
    upload = uploads.find(case, g.agent, id_of(request.form.get("upload")) or 0)
    gone = uploads.remove(upload) if upload else []
    transaction.commit()
    storage.discard(*gone)
    return nothing() if wants_fragment() else redirect(address_of(case), 303)


@blueprint.post("/cases/<int:number>/attachments/<int:attachment_id>/revocation")
@signed_in
def revoke(number: int, attachment_id: int) -> ResponseReturnValue:
    """Let the public link of a sent file open nothing any more."""
    case = case_or_404(number)
    cases.lock(case)
    file = public_links.sent_in(case, attachment_id)
    if file is None:
        abort(404)
    try:
        public_links.revoke(file, by=g.agent)
    except Refused as problem:
        return refused(problem, address_of(case))
    transaction.commit()
    return nothing() if wants_fragment() else redirect(address_of(case), 303)


def _add_one(number: int, upload: Upload, largest_mb: int) -> ResponseReturnValue:
    try:
        case, made = _add(number, upload, largest_mb)
    except Refused as problem:
        return Response(str(problem), 422, content_type="text/plain; charset=utf-8")
    return render_template("cases/_upload.html", upload=made, case=case), 201


def _try(number: int, upload: Upload, largest_mb: int) -> None:
    """For a plain form: what is refused is told on the page one goes back to."""
    try:
        _add(number, upload, largest_mb)
    except Refused as problem:
        flash(_("%(name)s was not attached. %(why)s", name=upload.name[:80], why=problem), "error")


def _add(number: int, upload: Upload, largest_mb: int) -> tuple[Case, Attachment]:
    """Store it, then ask for the case once more: rights may have changed over a slow line."""
    transaction.release()
    made = sendable.keep(upload, largest_mb=largest_mb)
    try:
        transaction.start_writing()
        case = case_or_404(number)
        cases.lock(case)
        made.case_id, made.agent_id = case.id, g.agent.id
        uploads.add(made)
        transaction.commit()
    except BaseException:
        transaction.release()
        sendable.forget(made)
        raise
    return case, made


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    pieces: Iterable[bytes] = iter(lambda: stream.read(PIECE), b"")
    yield from pieces

"""Stored files as answers: streamed, in ranges when asked for, and never run by a browser (T6).

The type is what the bytes told. A few types show themselves; everything else is saved under a name
that was made safe (T7), and the page it would make is an empty sandbox. Who may have a file is for
the caller to know.
"""

import os
from collections.abc import Collection, Mapping
from hashlib import sha256

from flask import Response, abort, request, send_file

from app import content_types, storage
from app.domain import attachments
from app.models import Attachment

PREVIEW_TYPE = "image/jpeg"
NOT_NOW = "The storage of files does not answer. Try again in a minute."
RETRY_SECONDS = "30"
HEADERS = {
    # Kept by this browser alone, and asked about each time: rights change, and files are unsent.
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}


def original(
    file: Attachment,
    *,
    shown: Collection[str] = content_types.INLINE,
    headers: Mapping[str, str] = HEADERS,
) -> Response:
    """The very bytes that came; only these types are shown, and only as what they were sent as."""
    type_ = file.content_type or content_types.OTHER
    is_shown = file.kind != "file" and type_ in shown
    name = attachments.name_of(file)
    return _answer(file.storage_key, type_, headers, name=name, is_shown=is_shown)


def preview(file: Attachment, *, headers: Mapping[str, str] = HEADERS) -> Response:
    """The small picture of it that we made; 404 where there is none."""
    return _answer(file.preview_key, PREVIEW_TYPE, headers, name=None, is_shown=True)


def _answer(
    key: str | None, type_: str, headers: Mapping[str, str], *, name: str | None, is_shown: bool
) -> Response:
    try:
        response = _bytes(key, type_, name=name, is_shown=is_shown)
    except storage.Unavailable:
        return Response(NOT_NOW, 503, {"Retry-After": RETRY_SECONDS}, content_type="text/plain")
    response.headers.update(headers)
    return response


def _bytes(key: str | None, type_: str, *, name: str | None, is_shown: bool) -> Response:
    """All of the file, or what the request asks of it; nothing when the browser has it already."""
    if key is None:
        abort(404)
    tag = sha256(key.encode()).hexdigest()[:32]  # what is under a name never changes
    if request.if_none_match.contains(tag):
        response = Response(status=304)
        response.set_etag(tag)
        return response
    try:
        file = storage.open_(key)
    except FileNotFoundError:
        abort(404)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    response = send_file(
        file,
        mimetype=type_,
        as_attachment=not is_shown,
        download_name=name,
        conditional=False,
        etag=tag,
    )
    response.content_length = size
    return response.make_conditional(request, accept_ranges=True, complete_length=size)

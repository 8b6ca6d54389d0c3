"""Sent files as addresses: what an adapter puts into a provider's message, made from PUBLIC_URL."""

import re
from collections.abc import Sequence
from urllib.parse import quote

from flask import current_app

from app import content_types
from app.channels.base import OutgoingFile
from app.models import Attachment

# An address may have 2,000 characters (LINE.md 2.7), and one of a name may become twelve.
LONGEST_SHOWN_NAME = 80
NOT_GIVEN = "-"
_NOT_SHOWN = re.compile(r"[^\w.-]")


def outgoing(files: Sequence[Attachment]) -> tuple[OutgoingFile, ...]:
    """The files as providers see them; before they have links, with addresses of the same form."""
    return tuple(_outgoing(file) for file in files)


def address_of(file: Attachment) -> str:
    """The file itself. The name is for whoever reads the address; the token alone opens it."""
    name = _NOT_SHOWN.sub("_", file.filename[-LONGEST_SHOWN_NAME:]).strip("._") or "file"
    return f"{_folder_of(file)}/{quote(name)}"


def _outgoing(file: Attachment) -> OutgoingFile:
    return OutgoingFile(
        kind=file.kind,
        url=address_of(file),
        preview_url=f"{_folder_of(file)}/preview/picture.jpg" if file.preview_key else None,
        filename=file.filename,
        content_type=file.content_type or content_types.OTHER,
        size=file.size or 0,
        duration_ms=file.duration_ms,
    )


def _folder_of(file: Attachment) -> str:
    public_url = current_app.extensions["mado"].public_url.rstrip("/")
    return f"{public_url}/media/{file.public_token or NOT_GIVEN}"

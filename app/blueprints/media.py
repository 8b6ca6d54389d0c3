"""Sent files, for providers and the people they serve: no session, no cookie, only the token.

A wrong token, a revoked link and a file that is gone answer alike. What comes from here never
runs anything (T6): the types that show themselves are a short list, all else is saved, and the
page it would make is an empty sandbox.
"""

from flask import Blueprint, Response, abort
from flask.typing import ResponseReturnValue

from app.blueprints import files
from app.domain import public_links
from app.models import Attachment

blueprint = Blueprint("media", __name__, url_prefix="/media")

# Everything else is saved, under the type that its own first bytes told.
SHOWN = frozenset({"image/jpeg", "image/png", "video/mp4", "audio/mpeg", "audio/mp4"})
# The file under an address never changes, but its link may be revoked.
HEADERS = {
    "Cache-Control": "private, max-age=3600",
    "Content-Security-Policy": "default-src 'none'; media-src 'self'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Robots-Tag": "noindex",
}


@blueprint.get("/<token>/<filename>")
def original(token: str, filename: str) -> ResponseReturnValue:
    """The file itself, whole or in ranges; its name in the address is not looked at."""
    return files.original(_found(token), shown=SHOWN, headers=HEADERS)


@blueprint.get("/<token>/preview/<filename>")
def preview(token: str, filename: str) -> ResponseReturnValue:
    """The picture that stands for it until somebody opens it."""
    return files.preview(_found(token), headers=HEADERS)


@blueprint.errorhandler(404)
def missing(_error: Exception) -> ResponseReturnValue:
    """In plain words: a page of ours would bring a cookie along."""
    return Response("There is nothing at this address.", 404, content_type="text/plain")


def _found(token: str) -> Attachment:
    file = public_links.find(token)
    if file is None:
        abort(404)
    return file

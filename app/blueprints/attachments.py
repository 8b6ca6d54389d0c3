"""Files of messages, for agents who may see the case; for all others they are not there (T8)."""

from flask import Blueprint, abort, g
from flask.typing import ResponseReturnValue

from app.blueprints import files
from app.blueprints.access import signed_in
from app.domain import attachments
from app.models import Attachment

blueprint = Blueprint("attachments", __name__, url_prefix="/attachments")


@blueprint.get("/<int:attachment_id>")
@signed_in
def original(attachment_id: int) -> ResponseReturnValue:
    """The file as it came, whole or in ranges."""
    return files.original(_found(attachment_id))


@blueprint.get("/<int:attachment_id>/preview")
@signed_in
def preview(attachment_id: int) -> ResponseReturnValue:
    """The small picture that stands for it."""
    return files.preview(_found(attachment_id))


def _found(attachment_id: int) -> Attachment:
    file = attachments.visible(attachment_id, g.agent)
    if file is None:
        abort(404)
    return file

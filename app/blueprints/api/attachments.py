"""Files of messages for programs: the original bytes, for the eyes of the token's agent."""

from flask import Blueprint, Response, g

from app.blueprints import files
from app.blueprints.api.refusals import refuse
from app.domain import attachments


def register(blueprint: Blueprint) -> None:
    blueprint.get("/attachments/<int:attachment_id>")(attachment)


def attachment(attachment_id: int) -> Response:
    """The bytes as they came, whole or in ranges. What is not fetched yet is not there."""
    file = attachments.visible(attachment_id, g.agent)
    if file is None:
        refuse(404, "There is no such file, or not yet, or not for this token's agent.")
    return files.original(file)

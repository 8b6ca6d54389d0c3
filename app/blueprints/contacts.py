"""Pictures of contacts, for agents who may see a case they belong to and for nobody else.

A case belongs to its author; in a group, those who wrote in it are shown beside them (S29).
"""

from flask import Blueprint, Response, abort, g
from flask.typing import ResponseReturnValue
from sqlalchemy import exists, or_, select

from app import pictures
from app.blueprints.access import signed_in
from app.domain import access
from app.extensions import db
from app.models import Case, Contact, Message

blueprint = Blueprint("contacts", __name__)

# The address changes with the picture, so the browser may keep it; only this browser.
KEPT = "private, max-age=86400, immutable"


@blueprint.get("/contacts/<int:contact_id>/picture")
@signed_in
def picture(contact_id: int) -> ResponseReturnValue:
    """The small picture we made; 404 when there is none or it is not for these eyes."""
    contact = _visible(contact_id)
    found = pictures.named(contact.picture) if contact else None
    if found is None:
        abort(404)
    response = Response(found, mimetype=pictures.MEDIA_TYPE)
    response.headers["Cache-Control"] = KEPT
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _visible(contact_id: int) -> Contact | None:
    if not 0 < contact_id < 2**63:
        return None
    audience = access.audience_of(g.agent)
    is_author = exists().where(Case.contact_id == Contact.id, access.visible_to(audience))
    wrote = exists().where(
        Message.contact_id == Contact.id, Case.id == Message.case_id, access.visible_to(audience)
    )
    return db.session.scalar(select(Contact).where(Contact.id == contact_id, or_(is_author, wrote)))

"""The JSON API, version 1: cases, their messages, their ending and their history, for programs.

Bearer tokens only: no cookie is ever looked at, so no other site's page can act through a browser
and no form token is needed. A program acts as its token's agent and sees what they see. Every
error is an RFC 9457 problem document. docs/api.md tells it to people, openapi.py to programs.
"""

from flask import Blueprint

from app.blueprints.api import (
    attachments,
    auth,
    cases,
    channels,
    macros,
    messages,
    openapi,
    refusals,
    rules,
)
from app.extensions import csrf

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

csrf.exempt(blueprint)
blueprint.before_request(auth.let_in)
refusals.register(blueprint)
cases.register(blueprint)
messages.register(blueprint)
attachments.register(blueprint)
rules.register(blueprint)
macros.register(blueprint)
channels.register(blueprint)
openapi.register(blueprint)

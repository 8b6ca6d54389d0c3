"""Search over everything an agent may see; active chats are marked and lead to Chats (S10, H4)."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app.blueprints.access import signed_in
from app.blueprints.filters import listing

blueprint = Blueprint("search", __name__)


@blueprint.get("/search")
@signed_in
def index() -> ResponseReturnValue:
    """Cases and chats by number, subject, contact and every message."""
    if not request.args.get("q", "").strip():
        return render_template("search/index.html", listing=None)
    only_q = {key: request.args[key] for key in ("q", "before") if key in request.args}
    return render_template("search/index.html", listing=listing(only_q, chat="all", path="/search"))

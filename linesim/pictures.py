"""Serves the drawn pictures, to Mado (pictureUrl) and to the simulator's own page."""

from flask import Blueprint, Response, abort

from linesim import checks, media
from linesim.current import world

pictures = Blueprint("pictures", __name__)


@pictures.get("/pictures/<of>.png")
def picture(of: str) -> Response:
    """The portrait of a person or group, or the account's window."""
    if not checks.ADDRESS.fullmatch(of):
        abort(404)
    is_account = of == world().sim.account.user_id
    return _png(media.window(of) if is_account else media.portrait(of))


@pictures.get("/stickers/<sticker_id>.png")
def sticker(sticker_id: str) -> Response:
    return _png(media.sticker(sticker_id))


@pictures.get("/photos/<message_id>.png")
def photo(message_id: str) -> Response:
    """A photo that a customer sent, for the page."""
    message = world().sim.message(message_id)
    if message is None or message.kind != "image" or message.is_unsent:
        abort(404)
    data, content_type = media.content_of(message)
    response = _png(data)
    response.content_type = content_type if content_type.startswith("image/") else "application/octet-stream"
    return response


def _png(data: bytes) -> Response:
    return Response(data, content_type="image/png", headers={"Cache-Control": "private, max-age=3600"})

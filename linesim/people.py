"""LINE's calls that ask about people, groups, the bot itself and what customers sent."""

import itertools
from typing import Any

from flask import Blueprint, Response, request, url_for

from linesim import checks, media
from linesim.current import world
from linesim.gate import Refused, guard
from linesim.state import GROUP, ROOM, Customer, Group, Message

people = Blueprint("people", __name__)
guard(people, with_token=True)


@people.get("/v2/bot/info")
def info() -> dict[str, Any]:
    account = world().sim.account
    return {
        "userId": account.user_id,
        "basicId": account.basic_id,
        "displayName": account.name,
        "pictureUrl": _picture(account.user_id),
        "chatMode": account.chat_mode,
        "markAsReadMode": account.mark_as_read_mode,
    }


@people.get("/v2/bot/profile/<user_id>")
def profile(user_id: str) -> dict[str, Any]:
    sim = world().sim
    with sim.lock:
        customer = sim.customers.get(_valid(user_id, "userId"))
        if customer is None or not customer.shows_profile():
            raise Refused(404, "Not found")
        status = {"statusMessage": customer.status_message} if customer.status_message else {}
        return _short_profile(customer) | {"language": customer.language} | status


@people.get("/v2/bot/group/<group_id>/summary")
def group_summary(group_id: str) -> dict[str, Any]:
    group = _group(group_id, GROUP)
    return {"groupId": group.group_id, "groupName": group.name, "pictureUrl": _picture(group.group_id)}


@people.get("/v2/bot/group/<group_id>/members/count")
def group_count(group_id: str) -> dict[str, Any]:
    return {"count": len(_group(group_id, GROUP).member_ids)}


@people.get("/v2/bot/room/<room_id>/members/count")
def room_count(room_id: str) -> dict[str, Any]:
    return {"count": len(_group(room_id, ROOM).member_ids)}


@people.get("/v2/bot/group/<group_id>/member/<user_id>")
def group_member(group_id: str, user_id: str) -> dict[str, Any]:
    return _member(_group(group_id, GROUP), user_id)


@people.get("/v2/bot/room/<room_id>/member/<user_id>")
def room_member(room_id: str, user_id: str) -> dict[str, Any]:
    return _member(_group(room_id, ROOM), user_id)


@people.post("/v2/bot/group/<group_id>/leave")
def group_leave(group_id: str) -> dict[str, Any]:
    world().stage.remove_account(_group(group_id, GROUP))
    return {}


@people.post("/v2/bot/room/<room_id>/leave")
def room_leave(room_id: str) -> dict[str, Any]:
    """LINE answers 200 to a room's leave even if the account isn't in it."""
    room = world().sim.groups.get(room_id)
    if room is not None and room.has_account:
        world().stage.remove_account(room)
    return {}


@people.get("/v2/bot/message/<message_id>/content")
def content(message_id: str) -> Response:
    message = _media_message(message_id)
    if message.preparing > 0:
        message.preparing -= 1
        return Response("{}", 202, content_type="application/json")
    data, content_type = media.content_of(message)
    if message.least_size <= len(data):
        return Response(data, content_type=content_type)
    pieces = itertools.chain([data], media.padding_of(message, len(data)))
    return Response(pieces, content_type=content_type, headers={"Content-Length": str(message.least_size)})


@people.get("/v2/bot/message/<message_id>/content/preview")
def content_preview(message_id: str) -> Response:
    message = _media_message(message_id)
    if message.kind not in ("image", "video"):
        raise Refused(400, "The message has no preview")
    return Response(media.scene(message.id, size=(240, 180)), content_type="image/png")


@people.get("/v2/bot/message/<message_id>/content/transcoding")
def content_transcoding(message_id: str) -> dict[str, Any]:
    message = _media_message(message_id)
    if message.kind not in ("video", "audio"):
        raise Refused(400, "The message is not transcoded")
    return {"status": "processing" if message.preparing > 0 else "succeeded"}


def _media_message(message_id: str) -> Message:
    message = world().sim.message(message_id)
    if message is None or message.is_from_account or message.kind not in media.KINDS:
        raise Refused(404, "Not found")
    if message.is_unsent:
        raise Refused(410, "Gone")
    return message


def _group(group_id: str, kind: str) -> Group:
    """LINE answers for groups only while the account is in them."""
    group = world().sim.groups.get(_valid(group_id, f"{kind}Id"))
    if group is None or group.kind != kind or not group.has_account:
        raise Refused(404, "Not found")
    return group


def _member(group: Group, user_id: str) -> dict[str, Any]:
    """Unlike /profile this also tells of strangers and of those who blocked the account."""
    if _valid(user_id, "userId") not in group.member_ids:
        raise Refused(404, "Not found")
    return _short_profile(world().sim.customers[user_id])


def _short_profile(customer: Customer) -> dict[str, Any]:
    picture = {"pictureUrl": _picture(customer.user_id)} if customer.has_picture else {}
    return {"userId": customer.user_id, "displayName": customer.name} | picture


def _valid(value: str, name: str) -> str:
    if not checks.ADDRESS.fullmatch(value):
        raise Refused(400, f"The value for the '{name}' parameter is invalid")
    return value


def _picture(of: str) -> str:
    return request.host_url.rstrip("/") + url_for("pictures.picture", of=of)

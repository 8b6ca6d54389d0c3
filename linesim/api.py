"""LINE's messaging calls as far as a helpdesk uses them: reply, push, quota, loading, mark as read.

Each view asks the state, changes it under the lock and answers in LINE's shape (messaging-api.yml).
"""

import uuid
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, g, request

from linesim import checks, clock, ids
from linesim.current import world
from linesim.faults import MONTHLY_LIMIT
from linesim.gate import Refused, guard, note
from linesim.state import AcceptedPush, Message, Sim

LOADING_SECONDS = range(5, 61, 5)
# LINE: these can be quoted, so their answers carry a quote token.
QUOTABLE = {"text", "textV2", "sticker", "image", "video", "template", "flex"}

api = Blueprint("api", __name__)
guard(api, with_token=True)


@api.post("/v2/bot/message/reply")
def reply() -> dict[str, Any]:
    if "X-Line-Retry-Key" in request.headers:
        raise Refused(400, "The retry key is not supported by this endpoint")
    body = checks.json_body()
    token, messages = checks.text_field(body, "replyToken"), checks.messages(body)
    sim = world().sim
    with sim.lock:
        reply_token = sim.usable_reply_token(token)
        if reply_token is None:
            raise Refused(400, "Invalid reply token")
        _check_quotes(sim, reply_token.talk, messages)
        reply_token.used = True
        return {"sentMessages": _deliver(sim, reply_token.talk, messages, via="reply")}


@api.post("/v2/bot/message/push")
def push() -> dict[str, Any]:
    key = _retry_key()
    body = checks.json_body()
    to, messages = checks.address(checks.text_field(body, "to"), "to"), checks.messages(body)
    sim = world().sim
    with sim.lock:
        _refuse_accepted_key(sim, key)
        people = _people_to_push_to(sim, to)
        _check_quotes(sim, to, messages)
        if not sim.has_quota_for(people):
            raise Refused(429, MONTHLY_LIMIT)
        sent = _deliver(sim, to, messages, via="push")
        sim.account.used_this_month += people
        if key:
            sim.accepted_pushes[key] = AcceptedPush(g.request_id, sent, clock.now())
        return {"sentMessages": sent}


@api.post("/v2/bot/message/validate/<any(reply, push, multicast, narrowcast, broadcast):_kind>")
def validate(_kind: str) -> dict[str, Any]:
    checks.messages(checks.json_body())
    return {}


@api.get("/v2/bot/message/quota")
def quota() -> dict[str, Any]:
    limit = world().sim.account.monthly_limit
    return {"type": "none"} if limit is None else {"type": "limited", "value": limit}


@api.get("/v2/bot/message/quota/consumption")
def consumption() -> dict[str, Any]:
    return {"totalUsage": world().sim.account.used_this_month}


@api.post("/v2/bot/chat/loading/start")
def loading() -> tuple[dict[str, Any], int]:
    body = checks.json_body()
    chat, seconds = checks.text_field(body, "chatId"), body.get("loadingSeconds", 20)
    if seconds not in LOADING_SECONDS or not chat.startswith("U"):
        raise Refused(400, "The request body has 1 error(s)")
    sim = world().sim
    with sim.lock:
        if chat in sim.customers and sim.recipients(chat):
            sim.typing_until[chat] = clock.now() + timedelta(seconds=seconds)
            sim.touch()
    return {}, 202


@api.post("/v2/bot/chat/markAsRead")
def mark_as_read() -> dict[str, Any]:
    """Marks the message of the token and everything before it."""
    token = checks.text_field(checks.json_body(), "markAsReadToken")
    sim = world().sim
    with sim.lock:
        last = next((m for m in sim.messages if m.read_token == token), None)
        if last is None:
            raise Refused(400, "Invalid mark as read token")
        for message in sim.talk(last.talk):
            message.is_read = message.is_read or message.sent_at <= last.sent_at
        sim.touch()
    return {}


@api.route("/v2/<path:_rest>", methods=["GET", "POST", "PUT", "DELETE"])
def unknown(_rest: str) -> Response:
    raise Refused(404, "Not found")


def _retry_key() -> str | None:
    key = request.headers.get("X-Line-Retry-Key")
    if key is None:
        return None
    try:
        return str(uuid.UUID(key))
    except ValueError as problem:
        raise Refused(400, "The retry key must be a UUID") from problem


def _refuse_accepted_key(sim: Sim, key: str | None) -> None:
    accepted = sim.accepted_push(key) if key else None
    if accepted is not None:
        headers = {"x-line-accepted-request-id": accepted.request_id}
        raise Refused(409, "The retry key is already accepted", headers=headers, sentMessages=accepted.sent)


def _people_to_push_to(sim: Sim, to: str) -> int:
    """How many people LINE counts; an unknown address is refused, an unreachable person is not."""
    group = sim.groups.get(to)
    if to not in sim.customers and not (group and group.has_account):
        raise Refused(400, "Failed to send messages")
    return len(sim.recipients(to))


def _check_quotes(sim: Sim, talk: str, messages: list[dict[str, Any]]) -> None:
    for n, message in enumerate(messages):
        token = message.get("quoteToken")
        if token and not sim.is_quotable_in(token, talk):
            checks.complain([{"message": "Invalid quote token", "property": f"messages[{n}].quoteToken"}])


def _deliver(sim: Sim, talk: str, messages: list[dict[str, Any]], *, via: str) -> list[dict[str, str]]:
    """Puts the messages into the talk if anybody receives them; the answer is the same if not."""
    sim.typing_until.pop(talk, None)
    arrives = bool(sim.recipients(talk))
    if not arrives:
        note("accepted, but nobody receives it (blocked, or no friend)")
    return [_deliver_one(sim, talk, message, via=via, arrives=arrives) for message in messages]


def _deliver_one(sim: Sim, talk: str, body: dict[str, Any], *, via: str, arrives: bool) -> dict[str, str]:
    message = Message(ids.message_id(), talk, "account", body["type"], body, clock.now(), via)
    if message.kind in QUOTABLE:
        message.quote_token = sim.new_quote_token(message)
    if arrives:
        sim.add_message(message)
    return {"id": message.id} | ({"quoteToken": message.quote_token} if message.quote_token else {})

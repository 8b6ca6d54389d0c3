"""How the control API speaks: JSON in, JSON out, one sentence for what is wrong."""

from dataclasses import asdict, fields
from typing import Any, TypeVar

from flask import Blueprint, request
from werkzeug.exceptions import HTTPException

from linesim.acts import Done, Impossible
from linesim.current import world
from linesim.state import Account, Customer, Group, Message

WAIT_SECONDS = 10.0
SHORT_NAMES = {"token": "access_token", "secret": "channel_secret", "webhook": "webhook_url"}
NUMBERS = (int, float)
Found = TypeVar("Found")
Answer = dict[str, Any] | tuple[dict[str, Any], int]


class Wrong(Exception):
    """The control call can't be done; carries the status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def speak(blueprint: Blueprint) -> None:
    """Lets the blueprint's errors come out as {"message"}."""

    @blueprint.errorhandler(Wrong)
    def wrong(problem: Wrong) -> Answer:
        return {"message": str(problem)}, problem.status

    @blueprint.errorhandler(Impossible)
    def impossible(problem: Impossible) -> Answer:
        return {"message": str(problem)}, 409

    @blueprint.errorhandler(HTTPException)
    def refused(problem: HTTPException) -> Answer:
        return {"message": problem.description or problem.name}, problem.code or 500


def body() -> dict[str, Any]:
    """The JSON object of the request; an empty body is an empty object."""
    found = request.get_json() if request.get_data() else {}
    if not isinstance(found, dict):
        raise Wrong(400, "a JSON object is expected")
    return found


def text(given: dict[str, Any], name: str, default: str = "") -> str:
    value = given.get(name, default)
    if not isinstance(value, str):
        raise Wrong(400, f"{name} must be a text")
    return value.strip()


def number(given: dict[str, Any], name: str, default: float) -> float:
    value = given.get(name, default)
    if not isinstance(value, NUMBERS) or isinstance(value, bool):
        raise Wrong(400, f"{name} must be a number")
    return value


def find_customer(user_id: str) -> Customer:
    return _found(world().sim.customers.get(user_id), f"there is no customer {user_id!r}")


def find_group(group_id: str) -> Group:
    return _found(world().sim.groups.get(group_id), f"there is no group {group_id!r}")


def find_message(message_id: str) -> Message:
    return _found(world().sim.message(message_id), f"there is no message {message_id!r}")


def customer_json(customer: Customer) -> dict[str, Any]:
    return asdict(customer) | {"wrote_at": customer.wrote_at and customer.wrote_at.isoformat()}


def message_json(message: Message) -> dict[str, Any]:
    """`text` is there for every message that has words; `from` is a user id or "account"."""
    return {
        "id": message.id,
        "from": message.sender,
        "kind": message.kind,
        "via": message.via,
        "text": message.body.get("text"),
        "body": message.body,
        "sent_at": message.sent_at.isoformat(),
        "quote_token": message.quote_token,
        "is_read": message.is_read,
        "is_unsent": message.is_unsent,
        "is_edited": message.is_edited,
    }


def told(done: Done, *, wait: bool) -> dict[str, Any]:
    """What came of an act; with `wait` also what the bot server answered (null: nothing)."""
    answer: dict[str, Any] = {
        "webhookEventId": done.event and done.event["webhookEventId"],
        "messageId": done.message and done.message.id,
        "replyToken": done.event and done.event.get("replyToken"),
    }
    if wait and done.delivery:
        done.delivery.wait(WAIT_SECONDS)
        answer |= {"status": done.delivery.status, "outcome": done.delivery.outcome}
    return answer


def set_account(given: dict[str, Any]) -> None:
    """Changes the account's fields, all or none. The short names of the command line work too."""
    sim = world().sim
    named = {SHORT_NAMES.get(name, name): value for name, value in given.items()}
    known = {field.name for field in fields(Account)}
    for name, value in named.items():
        if name not in known:
            raise Wrong(400, f"an account has no {name!r}, but {', '.join(sorted(known))}")
        _check_kind(name, getattr(Account(), name), value)
    with sim.lock:
        for name, value in named.items():
            setattr(sim.account, name, value)
        sim.touch()


def _check_kind(name: str, model: Any, value: Any) -> None:
    is_number = isinstance(value, NUMBERS) and not isinstance(value, bool)
    wants_number = isinstance(model, NUMBERS) and not isinstance(model, bool)
    fits = is_number if wants_number else isinstance(value, type(model))
    if not fits and not (name == "monthly_limit" and value is None):
        raise Wrong(400, f"{name} must be like {model!r}")


def _found(thing: Found | None, otherwise: str) -> Found:
    if thing is None:
        raise Wrong(404, otherwise)
    return thing

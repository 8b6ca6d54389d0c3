"""The control API under /_sim: what people with phones do, for tests and demos. JSON both ways.

Every act takes {"wait": true}: the answer then holds `status`, what the bot server answered its webhook.
"""

from dataclasses import asdict, fields
from typing import Any

from flask import Blueprint, request

from linesim import ids, wire
from linesim.acts import Done
from linesim.current import world
from linesim.state import BLOCKED, FRIEND, STRANGER, Customer
from linesim.wire import Answer, Wrong

WRITE_OPTIONS = ("kind", "text", "quoted", "anonymous", "extra", "content", "content_type", "size", "preparing")
CHANGEABLE = {field.name for field in fields(Customer)} - {"user_id", "wrote_at"}

control = Blueprint("control", __name__, url_prefix="/_sim")
wire.speak(control)


@control.get("/account")
def account() -> Answer:
    return asdict(world().sim.account)


@control.route("/account", methods=["PATCH", "PUT", "POST"])
def configure() -> Answer:
    """Sets any fields of the account; `token`, `secret` and `webhook` are short names."""
    wire.set_account(wire.body())
    return account()


@control.get("/customers")
def customers() -> Answer:
    return {"items": [wire.customer_json(c) for c in list(world().sim.customers.values())]}


@control.post("/customers")
def create_customer() -> Answer:
    """{"name", "language"?, "relation"?: friend (default)|stranger|blocked, "status_message"?, "has_picture"?}.
    The same name gives the same customer again (200 instead of 201)."""
    body = wire.body()
    name, relation = wire.text(body, "name"), wire.text(body, "relation", FRIEND)
    if not name or relation not in (FRIEND, STRANGER, BLOCKED):
        raise Wrong(400, "a customer needs a name, and a relation of friend, stranger or blocked")
    sim = world().sim
    with sim.lock:
        found = sim.customers.get(ids.user_id(name))
        if found is not None:
            return wire.customer_json(found)
        made = Customer(ids.user_id(name), name, wire.text(body, "language", "en"),
                        wire.text(body, "status_message"), relation, bool(body.get("has_picture", True)))
        sim.customers[made.user_id] = made
        sim.touch()
    return wire.customer_json(made), 201


@control.get("/customers/<user_id>")
def customer(user_id: str) -> Answer:
    return wire.customer_json(wire.find_customer(user_id))


@control.patch("/customers/<user_id>")
def change_customer(user_id: str) -> Answer:
    """Renames, and so on; sends no webhook (LINE doesn't either)."""
    found, body = wire.find_customer(user_id), wire.body()
    if set(body) - CHANGEABLE:
        raise Wrong(400, f"only {', '.join(sorted(CHANGEABLE))} can be changed")
    with world().sim.lock:
        for name, value in body.items():
            setattr(found, name, value)
        world().sim.touch()
    return wire.customer_json(found)


@control.post("/customers/<user_id>/messages")
def write(user_id: str) -> Answer:
    """{"text"} or {"kind": "sticker", ...}; "group": id writes into a group."""
    writer, body = wire.find_customer(user_id), wire.body()
    group = wire.find_group(body["group"]) if body.get("group") else None
    options = {name: body[name] for name in WRITE_OPTIONS if name in body}
    return _told(world().stage.write(writer, group=group, **options)), 201


@control.post("/customers/<user_id>/follow")
def follow(user_id: str) -> Answer:
    return _told(world().stage.follow(wire.find_customer(user_id)))


@control.post("/customers/<user_id>/block")
def block(user_id: str) -> Answer:
    return _told(world().stage.block(wire.find_customer(user_id)))


@control.get("/customers/<user_id>/talk")
def talk(user_id: str) -> Answer:
    """What the customer sees: the 1:1 talk, or with ?group=<id> that group's."""
    viewer, group_id = wire.find_customer(user_id), request.args.get("group")
    if group_id and viewer.user_id not in wire.find_group(group_id).member_ids:
        raise Wrong(404, f"{viewer.name} is not in that group")
    sim = world().sim
    with sim.lock:
        return {"items": [wire.message_json(m) for m in sim.talk(group_id or user_id)]}


@control.get("/groups")
def groups() -> Answer:
    return {"items": [asdict(group) for group in list(world().sim.groups.values())]}


@control.post("/groups")
def create_group() -> Answer:
    """{"name", "members": [user ids], "kind"?: group (default)|room}; the account joins at once."""
    body = wire.body()
    members = [wire.find_customer(user_id) for user_id in body.get("members", [])]
    kind = wire.text(body, "kind", "group")
    group, done = world().stage.make_group(wire.text(body, "name"), members, kind=kind)
    return asdict(group) | _told(done), 201


@control.patch("/groups/<group_id>")
def rename_group(group_id: str) -> Answer:
    group, name = wire.find_group(group_id), wire.text(wire.body(), "name")
    if not name:
        raise Wrong(400, "a group needs a name")
    with world().sim.lock:
        group.name = name
        world().sim.touch()
    return asdict(group)


@control.post("/groups/<group_id>/account")
def invite_account(group_id: str) -> Answer:
    return _told(world().stage.invite_account(wire.find_group(group_id)))


@control.delete("/groups/<group_id>/account")
def remove_account(group_id: str) -> Answer:
    return _told(world().stage.remove_account(wire.find_group(group_id)))


@control.post("/groups/<group_id>/members/<user_id>")
def join(group_id: str, user_id: str) -> Answer:
    return _told(world().stage.join(wire.find_customer(user_id), wire.find_group(group_id)))


@control.delete("/groups/<group_id>/members/<user_id>")
def leave(group_id: str, user_id: str) -> Answer:
    return _told(world().stage.leave(wire.find_customer(user_id), wire.find_group(group_id)))


@control.post("/messages/<message_id>/unsend")
def unsend(message_id: str) -> Answer:
    return _told(world().stage.unsend(wire.find_message(message_id)))


@control.post("/messages/<message_id>/edit")
def edit(message_id: str) -> Answer:
    return _told(world().stage.edit(wire.find_message(message_id), wire.text(wire.body(), "text")))


def _told(done: Done) -> dict[str, Any]:
    return wire.told(done, wait=bool(wire.body().get("wait")))

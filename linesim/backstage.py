"""The part of the control API that no customer could do: faults, raw webhooks, the log, time, scenes."""

from flask import Blueprint, request

from linesim import cast, scenes, wire
from linesim.acts import Done
from linesim.current import world
from linesim.faults import Fault
from linesim.wire import Answer, Wrong

backstage = Blueprint("backstage", __name__, url_prefix="/_sim")
wire.speak(backstage)


@backstage.get("/health")
def health() -> Answer:
    return {"ok": True}


@backstage.post("/reset")
def reset() -> Answer:
    """Back to the opening cast, with an empty log and no faults. The account stays as configured,
    its counters start anew."""
    here = world()
    here.courier.forget()
    here.faults.clear()
    with here.sim.lock:
        here.sim.clear()
        cast.assemble(here.sim)
    here.calls.clear()
    return {"ok": True}


@backstage.post("/clock")
def clock() -> Answer:
    """{"advance_seconds": n}: all reply tokens, stateless tokens and retry keys become n seconds older."""
    sim = world().sim
    with sim.lock:
        sim.age(wire.number(wire.body(), "advance_seconds", 0))
    return {"ok": True}


@backstage.get("/faults")
def faults() -> Answer:
    return {"items": [fault.as_json() for fault in world().faults.waiting()]}


@backstage.post("/faults")
def order_fault() -> Answer:
    """{"call": "push|reply|profile|...|*", "what", "times"?: 1, "seconds"?: 30 for timeouts}."""
    body = wire.body()
    fault = Fault(wire.text(body, "call", "*"), wire.text(body, "what"),
                  int(wire.number(body, "times", 1)), wire.number(body, "seconds", 30.0))
    try:
        world().faults.order(fault)
    except ValueError as problem:
        raise Wrong(400, str(problem)) from problem
    return fault.as_json(), 201


@backstage.delete("/faults")
def clear_faults() -> Answer:
    world().faults.clear()
    return {"ok": True}


@backstage.get("/calls")
def calls() -> Answer:
    """The log, oldest first; ?after=<number> and ?name=push narrow it."""
    after, name = request.args.get("after", 0, type=int), request.args.get("name")
    return {"items": [call.as_json() for call in world().calls.entries(after=after, name=name)]}


@backstage.delete("/calls")
def clear_calls() -> Answer:
    world().calls.clear()
    return {"ok": True}


@backstage.post("/scenes/three-fresh-chats")
def three_fresh_chats() -> Answer:
    """{"pause"?: seconds between the three; 0 lets all write before the answer}."""
    pause = wire.number(wire.body(), "pause", scenes.PAUSE_SECONDS)
    done = scenes.three_fresh_chats(world().stage, pause=pause)
    return {"items": [_told(one) for one in done]}, 201


@backstage.post("/scenes/new-customer")
def new_customer() -> Answer:
    return {"items": [_told(one) for one in scenes.new_customer(world().stage)]}, 201


@backstage.post("/webhooks")
def raw_webhook() -> Answer:
    """{"events": [...]}: signs and sends them in one call, just as they are; "signature" replaces the right one."""
    body = wire.body()
    events = body.get("events")
    if not isinstance(events, list):
        raise Wrong(400, "events must be a list")
    delivery = world().courier.send(events, signature=body.get("signature"))
    return _told(Done(delivery)), 201


@backstage.post("/webhooks/<event_id>/redelivery")
def redeliver(event_id: str) -> Answer:
    """Sends an event of the log once more, marked as redelivered."""
    event = world().calls.event(event_id)
    if event is None:
        raise Wrong(404, f"the log holds no event {event_id!r}")
    return _told(Done(world().courier.redeliver([event]), event)), 201


def _told(done: Done) -> dict[str, object]:
    return wire.told(done, wait=bool(wire.body().get("wait")))

"""Little plays: several customers who write, for demos and first looks."""

import random
import threading

from linesim import cast, ids
from linesim.acts import Done, Stage
from linesim.state import FRIEND, Customer

PAUSE_SECONDS = 1.0


def three_fresh_chats(stage: Stage, *, pause: float = PAUSE_SECONDS) -> list[Done]:
    """Somchai, Yuki and Mei write, in three languages, `pause` seconds apart; the first at once.
    Without a pause all have written when this returns."""
    roles = [cast.SOMCHAI, cast.YUKI, cast.MEI]
    if not pause:
        return [_enter(stage, role) for role in roles]
    for number, role in enumerate(roles[1:], start=1):
        _later(number * pause, stage, role)
    return [_enter(stage, roles[0])]


def new_customer(stage: Stage) -> list[Done]:
    """Somebody new adds the account and writes; when all have come, another of the same name."""
    with stage.sim.lock:
        known = {customer.name for customer in stage.sim.customers.values()}
        unseen = [role for role in cast.NEWCOMERS if role.name not in known]
        role = random.choice(unseen or cast.NEWCOMERS)
        name = ids.free_name(role.name, known)
        customer = Customer(ids.user_id(name), name, role.language, role.status_message)
        stage.sim.customers[customer.user_id] = customer
        return [stage.follow(customer), stage.write(customer, text=role.first_words)]


def _later(seconds: float, stage: Stage, role: cast.Role) -> None:
    timer = threading.Timer(seconds, _enter, [stage, role])
    timer.daemon = True
    timer.start()


def _enter(stage: Stage, role: cast.Role) -> Done:
    with stage.sim.lock:
        fresh = cast.customer_for(role, relation=FRIEND)
        customer = stage.sim.customers.pop(fresh.user_id, fresh)
        stage.sim.customers[customer.user_id] = customer  # who comes now stands first
        customer.relation = FRIEND
        return stage.write(customer, text=role.first_words)

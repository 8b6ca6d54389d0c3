"""What the database is asked of cases says the same as the conditions themselves."""

import pytest
from sqlalchemy import select

from app import transaction
from app.clock import now
from app.domain import cases, chats, labels
from app.domain.rules.conditions import CONDITIONS
from app.domain.rules.engine import NOTHING
from app.domain.rules.in_database import ASKED
from app.domain.rules.situations import Situation
from app.extensions import db
from app.models import PRIORITIES, STATUSES, Case
from tests.world import chat_of


@pytest.fixture
def several(channel, alice, bob):
    """Cases that differ in all that can be asked, and the values to ask for."""
    plain, sorted_, ended = (chat_of(channel, "hi", who=f"U{n}") for n in range(3))
    with transaction.writing():
        red, blue = (labels.create(name, by=alice) for name in ("red", "blue"))
        labels.put(sorted_, [red, blue], by=alice)
        labels.put(ended, [red], by=alice)
        chats.take(sorted_, by=alice)
        cases.set_priority(sorted_, "urgent", by=alice)
        cases.assign(sorted_, alice, by=alice)
        cases.move(sorted_, bob.groups[0], by=alice)
        chats.end(ended, "pending", by=alice)
        written = cases.open_by_hand(subject="By hand", text_="written", contact_name="Malee", by=bob)
    values = {
        "status": STATUSES,
        "priority": PRIORITIES,
        "chat_state": ("none", "active", "ended"),
        "channel": (channel.id, written.channel_id),
        "group": (None, bob.groups[0].id),
        "assignee": (None, alice.id, bob.id),
        "author": (plain.contact_id, written.contact_id),
        "taken": ("yes", "no"),
        "labels": ([red.id], [blue.id], [red.id, blue.id]),
    }
    return values, db.session.scalars(select(Case).order_by(Case.id)).all()


@pytest.mark.parametrize(("name", "operator"), ASKED)
def test_database_finds_what_the_condition_holds_for(several, name, operator):
    values, found = several
    compare = CONDITIONS[name].operators[operator]
    numbers = set()
    for value in values[name]:
        holds = [one.id for one in found if compare(_seen(one, name), value)]
        query = select(Case.id).where(ASKED[name, operator](value)).order_by(Case.id)
        assert db.session.scalars(query).all() == holds, value
        numbers.add(len(holds))
    assert numbers - {0, len(found)}, "no value tells these cases apart"


def _seen(case: Case, name: str):
    return CONDITIONS[name].see(Situation(case, NOTHING, now()))

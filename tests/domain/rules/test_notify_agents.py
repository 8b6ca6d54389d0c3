"""Rules that tell agents: whom, how, and how often at most (R3)."""

import json

import pytest
from sqlalchemy import select

from app import transaction
from app.domain import agents, events, notifications
from app.domain.rules import book
from app.extensions import db
from app.models import Agent, Group, Notification, RuleRun
from tests.domain.rules.conftest import rule
from tests.world import chat_of, connected, receive, said

pytestmark = pytest.mark.usefixtures("channel")


def notice(*to: str, by: tuple[str, ...] = ("app",), text: str = "Look here") -> dict[str, object]:
    return {"to": list(to), "by": list(by), "text": text}


def notifying(*to: str, type_: str = "new_case", **more) -> None:
    rule(type_, then=[("notify_agents", notice(*to, **more))])


def told() -> list[str]:
    query = select(Agent.name).join(Notification, Notification.agent_id == Agent.id)
    return list(db.session.scalars(query.order_by(Agent.name)))


def notes() -> str | None:
    return db.session.scalars(select(RuleRun.problem).order_by(RuleRun.id.desc()).limit(1)).one()


def one() -> Notification:
    return db.session.scalars(select(Notification)).one()


def mine(agent: Agent) -> Agent:
    return db.session.get_one(Agent, agent.id)


def test_everybody_who_may_see_the_case_is_told(alice, bob, charlie):
    sales = mine(bob).groups[0]
    notifying("all")
    chat_of(connected("toy", group=sales))
    assert told() == ["Alice", "Bob"]


def test_assignee_and_taker_are_told(channel, alice, bob):
    rule(
        "new_case",
        then=[
            ("assign_to", f"agent:{alice.id}"),
            ("take_for", bob.id),
            ("notify_agents", notice("assignee", "taker")),
        ],
    )
    chat_of(channel)
    assert told() == ["Alice", "Bob"]


def test_a_group_and_chosen_agents_are_told(channel, alice, bob, charlie):
    notifying(f"group:{mine(bob).groups[0].id}", f"agent:{alice.id}")
    chat_of(channel)
    assert told() == ["Alice", "Bob"]


def test_who_may_not_see_the_case_is_not_told(bob, charlie):  # T11
    notifying(f"agent:{charlie.id}")
    chat_of(connected("toy", group=mine(bob).groups[0]))
    assert told() == []
    assert "may see this case" in notes()


def test_nobody_is_told_where_nobody_is_assigned(channel, bob):
    notifying("assignee")
    chat_of(channel)
    assert told() == []
    assert notes().startswith("Nobody was notified")


def test_switched_off_agents_are_not_told(channel, bob, charlie):
    with transaction.writing():
        mine(charlie).is_active = False
    notifying("all")
    chat_of(channel)
    assert told() == ["Bob"]


def test_text_holds_what_is_known_and_is_cut(channel, bob):  # T21
    notifying("all", text="Case {case.number} {{7*7}} {config} " + "x" * 460)
    chat_of(channel)
    assert one().text.startswith("Case 1 {{7*7}} {config} xxx")
    assert len(one().text) <= notifications.LONGEST_TEXT


def test_a_rule_tells_once_in_ten_minutes_of_a_case(channel, bob, clock):  # T22
    notifying("all", type_="updated_case")
    chat_of(channel)
    receive(channel, said("one"), said("two"))
    assert told() == ["Bob"]
    assert "again" in notes()
    clock.shift(notifications.QUIET_FOR)
    receive(channel, said("three"))
    assert told() == ["Bob", "Bob"]


def test_another_rule_and_another_case_are_told_of(channel, bob):
    notifying("all")
    notifying("all")
    chat_of(channel)
    chat_of(channel, who="Uyuki")
    assert len(told()) == 4


@pytest.mark.parametrize(
    ("by", "mailed", "is_shown", "mail"),
    [
        (("app",), "asked", True, None),
        (("email",), "asked", False, "queued"),
        (("app", "email"), "asked", True, "queued"),
        (("app",), "all", True, "queued"),
        (("email",), "none", True, None),
    ],
)
def test_agents_choose_what_arrives_by_mail(channel, bob, by, mailed, is_shown, mail):
    """What an agent wants no mail of is shown in Mado instead."""
    with transaction.writing():
        mine(bob).mailed = mailed
    notifying("all", by=by)
    chat_of(channel)
    assert (one().is_shown, one().mail) == (is_shown, mail)
    assert (one().mail_due_at is not None) is (mail == "queued")


def test_mailbox_is_not_filled_by_a_rule_over_many_cases(channel, bob, monkeypatch):  # T22
    monkeypatch.setattr(notifications, "MOST_MAILS_AN_HOUR", 1)
    notifying("all", by=("email",))
    chat_of(channel)
    chat_of(channel, who="Uyuki")
    query = select(Notification.mail, Notification.is_shown).order_by(Notification.id)
    found = db.session.execute(query).all()
    assert [tuple(row) for row in found] == [("queued", False), (None, True)]


def test_rule_that_tells_a_deleted_group_is_switched_off(channel, alice, bob):
    notifying(f"group:{mine(bob).groups[0].id}")
    with transaction.writing():
        agents.delete_group(db.session.scalars(select(Group)).one(), by=mine(alice))
    (off,) = book.listed()
    assert (off.is_active, off.off_reason) == (False, "This group is gone. Choose another one.")


def test_telling_is_history_of_the_case(channel, bob):
    notifying("all")
    case = chat_of(channel)
    recorded = {event.type: json.loads(event.data) for event in events.of_case(case)}
    assert recorded["notification.added"] == {"agents": [bob.id]}

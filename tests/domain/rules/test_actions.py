"""Every action: what it does to a case, and what it leaves alone (R3)."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app import transaction
from app.clock import now
from app.domain import access, agents, cases, chat_lists, labels, messages
from app.extensions import db
from app.models import Agent, Case, Contact, Message, RuleRun
from tests.domain.rules.conftest import again, rule
from tests.world import chat_of, receive, said

pytestmark = pytest.mark.usefixtures("channel")


def after(channel, action: str, value: object, **fields) -> Case:
    """A fresh chat on which a rule has done this."""
    rule("new_case", then=[(action, value)])
    return again(chat_of(channel, **fields))


def last_message() -> Message:
    return db.session.scalars(select(Message).order_by(Message.id.desc()).limit(1)).one()


def notes() -> str | None:
    return db.session.scalars(select(RuleRun.problem)).one()


def last_note() -> str | None:
    return db.session.scalars(select(RuleRun.problem).order_by(RuleRun.id.desc()).limit(1)).one()


@pytest.mark.parametrize("status", ["open", "pending", "closed"])
def test_chat_is_ended_with_the_status(channel, status):  # S21
    case = after(channel, "end_chat_and_set_status", status)
    assert (case.chat_state, case.status) == ("ended", status)


def test_status_and_priority_are_set(channel):
    assert after(channel, "set_status", "pending").status == "pending"
    assert after(channel, "set_priority", "urgent", who="Uyuki").priority == "urgent"


def test_case_is_assigned_to_an_agent_and_to_nobody(channel, bob):
    rule("new_case", then=[("assign_to", f"agent:{bob.id}")])
    assert chat_of(channel).assignee_id == bob.id
    rule("new_case", then=[("assign_to", "nobody")])
    assert chat_of(channel, who="Uyuki").assignee_id is None


def test_case_is_given_to_a_group(channel, bob):
    sales = db.session.get_one(Agent, bob.id).groups[0]
    assert after(channel, "assign_to", f"group:{sales.id}").group_id == sales.id


def test_least_busy_agent_with_an_open_page_is_chosen(channel, alice, bob):
    with transaction.writing():
        for one in (alice, bob):
            db.session.get_one(Agent, one.id).live_at = now()
    busy = chat_of(channel, who="Ubusy")
    with transaction.writing():
        cases.assign(busy, db.session.get_one(Agent, alice.id), by=None)
    assert after(channel, "assign_to", "least_busy").assignee_id == bob.id


def test_nobody_is_assigned_when_nobody_is_online(channel, bob):
    with transaction.writing():
        db.session.get_one(Agent, bob.id).live_at = now() - timedelta(minutes=3)
    assert after(channel, "assign_to", "least_busy").assignee_id is None
    assert "online" in notes()


def test_chat_is_taken_for_an_agent_and_lights_for_them(channel, bob):
    case = after(channel, "take_for", bob.id)
    assert case.taken_by_id == bob.id
    assert [one.id for one in chat_lists.responses(db.session.get_one(Agent, bob.id))] == [case.id]
    assert chat_lists.incoming(access.EVERYTHING) == []


def test_labels_are_put_on_and_taken_off(channel):
    with transaction.writing():
        night, vip = labels.create("night", by=None).id, labels.create("vip", by=None).id
    rule("new_case", then=[("add_labels", [night, vip]), ("remove_labels", [night])])
    assert [one.name for one in labels.of_case(chat_of(channel))] == ["vip"]


def test_subject_is_set_with_what_is_known(channel):
    case = after(channel, "set_subject", "Case {case.number} of {contact.name}{{7*7}}{config}")
    assert case.subject == "Case 1 of {{7*7}}{config}"
    assert case.subject_is_edited


def test_names_of_contacts_are_put_in_literally(channel):  # T21
    chat_of(channel, who="Ueve")
    with transaction.writing():
        db.session.scalars(select(Contact)).one().name = "{case.number} {{7*7}}"
    rule("updated_case", then=[("add_note", "From {contact.name}")])
    receive(channel, said("again", who="Ueve"))
    assert last_message().text == "From {case.number} {{7*7}}"


def test_message_is_queued_and_counts_as_nobodys_activity(channel):  # S18
    case = after(channel, "send_message", "We answer at 9:00.")
    sent = last_message()
    assert (sent.direction, sent.state, sent.text) == ("out", "queued", "We answer at 9:00.")
    assert sent.is_automatic and sent.agent_id is None
    assert case.contact_wrote_last and case.unanswered_since is not None
    assert case.taken_by_id is None
    assert messages.delivery_of(sent) is not None


def test_message_that_an_agent_could_not_send_is_left_out(channel):
    rule("updated_case", ("happened", "is", "assigned"), then=[("send_message", "hello")])
    case = chat_of(channel)
    with transaction.writing():
        case.conversation.left_at = now()
        cases.assign(case, agents.create("a@example.com", name="A", role="admin"), by=None)
    assert notes().startswith("Not sent: ")
    assert db.session.scalar(select(Message).where(Message.direction == "out")) is None


def test_message_in_a_case_written_by_hand_is_only_kept(channel, alice):
    rule("new_case", ("channel_kind", "is", "mail_like"), then=[("send_message", "Thank you")])
    with transaction.writing():
        cases.open_by_hand(subject="Letter", text_="Hello", contact_name="Ann", by=alice)
    assert (last_message().text, last_message().state) == ("Thank you", None)


def test_two_machines_do_not_talk_to_each_other(channel, clock):  # T22
    rule("new_case", then=[("end_chat_and_set_status", "closed"), ("send_message", "Pardon?")])
    receive(channel, *(said("Pardon?", who="Ubot") for _ in range(6)))
    assert db.session.scalar(select(func.count()).where(Message.is_automatic)) == 5
    assert last_note().startswith("Not sent: Rules sent 5 messages")
    clock.shift(timedelta(hours=1, seconds=1))
    chat_of(channel, who="Ubot")
    assert last_note() is None


@pytest.mark.parametrize(("minutes", "sent"), [(6, 0), (4, 1)])
def test_what_came_far_too_late_gets_no_automatic_answer(channel, minutes, sent):  # T3
    rule("new_case", then=[("send_message", "We are here.")])
    written_at = now() - timedelta(minutes=minutes)
    receive(channel, said("hello", is_redelivered=True, occurred_at=written_at))
    assert db.session.scalar(select(func.count()).where(Message.is_automatic)) == sent


def test_note_is_written_by_nobody(channel):
    after(channel, "add_note", "Night shift")
    assert (last_message().direction, last_message().text) == ("note", "Night shift")
    assert last_message().agent_id is None


def test_spam_is_ended_and_in_no_list(channel):
    case = after(channel, "mark_spam", None)
    assert (case.is_spam, case.chat_state) == (True, "ended")
    assert cases.listed(access.EVERYTHING).cases == []
    assert chat_lists.incoming(access.EVERYTHING) == []

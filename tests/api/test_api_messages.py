"""Messages for programs: in order, with honest senders and states; and replying once per key."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import event, select

from app import transaction
from app.domain import chats, messages
from app.extensions import db
from app.models import Agent, Case, Conversation, Delivery, Group, Message
from tests import world

MESSAGE_MEMBERS = {
    "id", "direction", "sender", "kind", "text", "sent_at", "received_at", "state", "error",
    "attachments",
    "quoted", "edited_at", "unsent_at",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _in_context(app: Flask):
    with app.app_context():
        yield
        transaction.release()


@pytest.fixture
def line():
    return world.connected()


@pytest.fixture
def chat(line) -> Case:
    return world.chat_of(line, "help")


def path(case: Case) -> str:
    return f"/cases/{case.number}/messages"


def end(case: Case, status: str = "open") -> None:
    with transaction.writing():
        chats.end(case, status, by=None)


def as_row(agent: Agent) -> Agent:
    return db.session.get_one(Agent, agent.id)


def test_messages_come_oldest_first(api, line, chat):
    world.receive(line, world.said("second"), world.said("third"))
    assert [one["text"] for one in api.items(path(chat))] == ["help", "second", "third"]


def test_a_message_has_exactly_the_listed_members(api, chat):  # T27
    assert [set(one) for one in api.items(path(chat))] == [MESSAGE_MEMBERS]


def test_pages_of_messages_lead_on(api, line, chat):
    world.receive(line, *[world.said(f"text {count}") for count in range(4)])
    first = api.get(path(chat), limit=2).json
    second = api.get(path(chat), limit=2, after=first["next"]).json
    third = api.get(path(chat), limit=2, after=second["next"]).json
    found = [one["text"] for page in (first, second, third) for one in page["items"]]
    assert found == ["help", "text 0", "text 1", "text 2", "text 3"]
    assert third["next"] is None


def test_who_has_read_on_asks_for_what_came_after(api, line, chat):
    last = api.items(path(chat))[-1]["id"]
    assert api.get(path(chat), after=last).json == {"items": [], "next": None}
    world.receive(line, world.said("news"))
    assert [one["text"] for one in api.items(path(chat), after=last)] == ["news"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("after", "-1"), ("after", "x"), ("after", ""), ("after", str(2**63)), ("after", "9" * 50),
     ("after", "1.5"), ("limit", "0"), ("limit", "201"), ("limit", "")],
)  # fmt: skip
def test_a_wrong_parameter_of_messages_is_named(api, chat, name, value):
    response = api.get(path(chat), **{name: value})
    assert response.status_code == 422
    assert set(response.json["errors"]) == {name}


def test_a_contact_is_shown_by_line_user_id_until_the_name_is_known(api, chat):  # S33
    sender = api.items(path(chat))[0]["sender"]
    assert sender == {"id": chat.contact_id, "name": "Usomchai"}


def test_each_member_of_a_group_is_the_sender_of_their_own(api, line):  # S29
    group = {"conversation_kind": "group", "who": "Cfamily"}
    for who in ("Uyuki", "Usomchai", None):
        world.receive(line, world.said("hi", **group, sender_id=who))
    case = db.session.scalars(select(Case)).one()
    senders = [one["sender"]["name"] for one in api.items(path(case))]
    assert senders == ["Uyuki", "Usomchai", "LINE member"]


def test_agents_sign_replies_and_notes_and_nobody_a_system_line(api, alice, chat):
    with transaction.writing():
        chats.reply(chat, "an answer", by=as_row(alice))
        chats.note(chat, "for us", by=as_row(alice))
        messages.add_system_line(chat, "join", "")
    found = [(one["direction"], one["sender"]) for one in api.items(path(chat))][1:]
    me = {"id": alice.id, "name": "Alice"}
    assert found == [("out", me), ("note", me), ("system", None)]


def test_what_is_no_text_says_its_kind(api, line, chat):
    world.receive(line, world.said("", message_kind="image"))
    found = api.items(path(chat))[-1]
    assert (found["kind"], found["text"]) == ("image", "")


def test_a_message_list_has_a_fixed_number_of_queries(api, line):
    group = {"conversation_kind": "group", "who": "Cfamily"}
    for count in range(9):
        world.receive(line, world.said("hi", **group, sender_id=f"U{count}"))
    case = db.session.scalars(select(Case)).one()
    address = path(case)
    transaction.release()
    asked = []
    event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    assert len(api.items(address)) == 9
    assert len(asked) == 4


def test_a_reply_is_queued_and_takes_an_untaken_chat(api, alice, chat):
    response = api.post(path(chat), {"text": "We are on it."})
    assert response.status_code == 201
    assert (response.json["direction"], response.json["state"]) == ("out", "queued")
    assert response.json["sender"] == {"id": alice.id, "name": "Alice"}
    assert api.items(path(chat))[-1] == response.json
    assert api.get(f"/cases/{chat.number}").json["taken_by"]["id"] == alice.id


def test_a_reply_in_somebodys_chat_takes_nothing(api, program, bob, chat):
    with transaction.writing():
        chats.take(chat, by=as_row(bob))
    api.post(path(chat), {"text": "hello"})
    assert api.get(f"/cases/{chat.number}").json["taken_by"]["name"] == "Bob"


def test_a_reply_in_a_mail_like_case_is_kept_without_a_state(api):
    number = api.post("/cases", {"text": "letter", "contact": "Yuki"}).json["number"]
    response = api.post(f"/cases/{number}/messages", {"text": "answer"})
    assert response.status_code == 201
    assert response.json["state"] is None


def test_the_same_key_again_is_the_same_message(api, chat):
    first = api.post(path(chat), {"text": "once"}, key="k-1")
    again = api.post(path(chat), {"text": "once"}, key="k-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    assert world.texts(chat) == ["help", "once"]


def test_the_same_key_with_another_text_is_422(api, chat):
    api.post(path(chat), {"text": "once"}, key="k-1")
    response = api.post(path(chat), {"text": "twice"}, key="k-1")
    assert response.status_code == 422
    assert set(response.json["errors"]) == {"Idempotency-Key"}
    assert world.texts(chat) == ["help", "once"]


def test_the_same_key_in_another_case_is_422(api, line, chat):
    other = world.chat_of(line, "me too", who="Uyuki")
    api.post(path(chat), {"text": "once"}, key="k-1")
    assert api.post(path(other), {"text": "once"}, key="k-1").status_code == 422
    assert world.texts(other) == ["me too"]


def test_keys_of_two_agents_have_nothing_to_do_with_each_other(api, program, bob, chat):
    assert api.post(path(chat), {"text": "once"}, key="k-1").status_code == 201
    assert program(bob).post(path(chat), {"text": "once"}, key="k-1").status_code == 201


def test_without_a_key_each_request_is_a_message(api, chat):
    assert api.post(path(chat), {"text": "again"}).status_code == 201
    assert api.post(path(chat), {"text": "again"}).status_code == 201
    assert world.texts(chat) == ["help", "again", "again"]


@pytest.mark.parametrize("key", ["", "   ", "x" * 101, "schlüssel"])
def test_a_key_must_be_short_and_plain(api, chat, key):
    response = api.post(path(chat), {"text": "once"}, key=key)
    assert response.status_code == 422
    assert set(response.json["errors"]) == {"Idempotency-Key"}


@pytest.mark.parametrize("text", ["", "  \n", None, 5, ["x"], {"a": 1}, True])
def test_a_reply_needs_a_text(api, chat, text):
    response = api.post(path(chat), {"text": text})
    assert response.status_code == 422
    assert set(response.json["errors"]) == {"text"}
    assert world.texts(chat) == ["help"]


def test_a_reply_is_as_long_as_the_channel_takes(api, chat):
    assert api.post(path(chat), {"text": "x" * 25_000}).status_code == 201
    assert api.post(path(chat), {"text": "x" * 25_001}).status_code == 422


def test_length_is_counted_in_utf_16_units(api, chat):
    assert api.post(path(chat), {"text": "😀" * 12_500}).status_code == 201
    assert api.post(path(chat), {"text": "😀" * 12_500 + "x"}).status_code == 422


@pytest.mark.parametrize("status", ["open", "pending", "closed"])
def test_a_reply_to_an_ended_chat_reactivates_it(api, alice, chat, status):  # S26
    end(chat, status)
    assert api.post(path(chat), {"text": "one more thing"}).status_code == 201
    found = api.get(f"/cases/{chat.number}").json
    assert (found["chat"], found["status"]) == ("active", "open")
    assert found["taken_by"]["id"] == alice.id


def test_a_reply_to_an_older_case_names_the_chat_that_is_active(api, line, chat):  # S26a
    end(chat, "closed")
    newer = world.chat_of(line, "something else")
    response = api.post(path(chat), {"text": "late"})
    assert response.status_code == 409
    assert response.json["case"] == newer.number
    assert world.texts(chat) == ["help"]


def test_a_chat_that_one_may_not_see_is_not_named(program, line, charlie, bob, chat):  # T11
    end(chat, "closed")
    newer = world.chat_of(line, "something else")
    with transaction.writing():
        sales = db.session.scalars(select(Group).where(Group.name == "Sales")).one()
        db.session.get_one(Case, newer.id).group_id = sales.id
    response = program(charlie).post(path(chat), {"text": "late"})
    assert response.status_code == 409
    assert "case" not in response.json
    assert str(newer.number) not in response.json["detail"]


def test_a_group_that_the_channel_has_left_takes_no_reply(api, line):  # S28
    group = {"conversation_kind": "group", "who": "Cfamily"}
    world.receive(line, world.said("hi", **group, sender_id="Uyuki"))
    case = db.session.scalars(select(Case)).one()
    with transaction.writing():
        conversation = db.session.get_one(Conversation, case.conversation_id)
        conversation.left_at = case.created_at + timedelta(seconds=1)
    response = api.post(path(case), {"text": "hello?"})
    assert response.status_code == 409
    assert "left" in response.json["detail"]


def test_a_failed_reply_says_why(api, chat):
    made = api.post(path(chat), {"text": "hello"}).json
    with transaction.writing():
        message = db.session.get_one(Message, made["id"])
        messages.settle(message, "failed", error="LINE refused it.")
    found = api.items(path(chat))[-1]
    assert (found["state"], found["error"]) == ("failed", "LINE refused it.")


def test_a_reply_that_waits_for_another_try_says_why(api, chat):  # L7
    made = api.post(path(chat), {"text": "hello"}).json
    with transaction.writing():
        db.session.get_one(Delivery, made["id"]).problem = "LINE is busy."
    found = api.items(path(chat))[-1]
    assert (found["state"], found["error"]) == ("queued", "LINE is busy.")


def test_a_sent_reply_tells_when(api, chat, clock):
    made = api.post(path(chat), {"text": "hello"}).json
    assert made["sent_at"] is None
    with transaction.writing():
        messages.settle(db.session.get_one(Message, made["id"]), "sent")
    found = api.items(path(chat))[-1]
    assert (found["state"], found["sent_at"]) == ("sent", "2026-11-23T09:00:00.000Z")


def test_messages_of_a_hidden_case_are_those_of_a_missing_one(program, charlie, bob, line):  # T11
    sales = db.session.scalars(select(Group).where(Group.name == "Sales")).one()
    case = world.chat_of(world.connected(group=sales), "secret")
    outsider = program(charlie)
    hidden, missing = outsider.get(path(case)), outsider.get("/cases/999999/messages")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.data == missing.data
    refused = outsider.post(path(case), {"text": "hello"})
    assert (refused.status_code, refused.data) == (404, missing.data)
    assert world.texts(case) == ["secret"]

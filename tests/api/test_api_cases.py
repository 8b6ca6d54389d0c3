"""Cases for programs: what lists show, how pages lead on, and opening one."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import event, select

from app import transaction
from app.channels.base import Profile
from app.domain import access, cases, chat_lists, chats, contacts, labels
from app.extensions import db
from app.models import Agent, Case, Group, Identity
from tests import world
from tests.api.conftest import Program

CASE_MEMBERS = {
    "number", "subject", "status", "chat", "channel", "conversation", "author", "taken_by",
    "assignee", "created_at", "last_message_at", "priority", "labels", "is_spam", "trashed_at",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _in_context(app: Flask):
    with app.app_context():
        yield
        transaction.release()


def numbers(program: Program, **query) -> list[int]:
    return [case["number"] for case in program.items("/cases", **query)]


def ended(case: Case, status: str = "open") -> Case:
    with transaction.writing():
        chats.end(case, status, by=None, cause="inactivity")
    return case


def opened(text: str = "hello", contact: str = "Yuki", subject: str = "") -> Case:
    with transaction.writing():
        return cases.open_by_hand(subject=subject, text_=text, contact_name=contact, by=None)


@pytest.fixture
def mixed(clock):
    """An ended chat, a mail-like case and an active chat, in this order of last messages."""
    line = world.connected()
    chat = ended(world.chat_of(line, "bye", who="Uyuki"))
    clock.shift(timedelta(seconds=1))
    mail = opened("a letter")
    clock.shift(timedelta(seconds=1))
    active = world.chat_of(line, "help", who="Usomchai")
    return chat.number, mail.number, active.number


def test_without_chat_the_list_is_what_all_cases_shows(api, mixed):  # S10
    chat, mail, _ = mixed
    assert numbers(api) == [mail, chat]


def test_ended_and_active_mean_chats_only(api, mixed):  # S10
    chat, _, active = mixed
    assert numbers(api, chat="ended") == [chat]
    assert numbers(api, chat="active") == [active]


def test_all_includes_active_chats_last_message_first(api, mixed):
    chat, mail, active = mixed
    assert numbers(api, chat="all") == [active, mail, chat]


def test_the_status_narrows_the_list(api):
    line = world.connected()
    closed = ended(world.chat_of(line, "bye"), "closed")
    opened()
    assert numbers(api, status="closed") == [closed.number]
    assert numbers(api, status="pending") == []


def test_search_finds_message_texts(api, mixed):
    _, mail, _ = mixed
    assert numbers(api, q="letter") == [mail]
    assert numbers(api, q="nothing like it") == []


def test_search_finds_an_active_chat_only_where_active_chats_are_asked_for(api, mixed):  # S10
    assert numbers(api, q="help") == []
    assert numbers(api, q="help", chat="all") == [mixed[2]]


def test_pages_lead_through_all_cases_once(api, clock):
    made = []
    for count in range(7):
        made.append(opened(f"letter {count}").number)
        clock.shift(timedelta(seconds=count % 2))
    seen, cursor, pages = [], {}, 0
    while cursor is not None:
        page = api.get("/cases", limit=3, **cursor).json
        seen += [case["number"] for case in page["items"]]
        cursor = {"cursor": page["next"]} if page["next"] else None
        pages += 1
    assert seen == sorted(made, reverse=True)
    assert pages == 3


def test_pages_of_a_search_lead_on_too(api):
    made = [opened(f"letter {count}").number for count in range(3)]
    first = api.get("/cases", q="letter", limit=2).json
    second = api.get("/cases", q="letter", limit=2, cursor=first["next"]).json
    found = [case["number"] for case in first["items"] + second["items"]]
    assert found == sorted(made, reverse=True)
    assert second["next"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("status", "spam"), ("status", ""), ("chat", "none"), ("limit", "0"), ("limit", "201"),
     ("limit", "ten"), ("limit", "-1"), ("limit", "1e2"), ("limit", "٣"), ("limit", "9" * 30),
     ("cursor", "x"), ("cursor", ""), ("cursor", "1"), ("cursor", "1-2-3"), ("cursor", "9" * 39),
     ("cursor", "1-" + "9" * 19), ("cursor", "-1-1"), ("q", "x" * 201)],
)  # fmt: skip
def test_a_wrong_parameter_is_named(api, name, value):
    response = api.get("/cases", **{name: value})
    assert response.status_code == 422
    assert set(response.json["errors"]) == {name}


def test_all_wrong_parameters_are_named_at_once(api):
    response = api.get("/cases", status="x", chat="x", limit="x", cursor="x")
    assert set(response.json["errors"]) == {"status", "chat", "limit", "cursor"}


def test_labels_priority_and_flags_narrow_the_list_and_stand_in_a_case(api, mixed):
    chat, mail, _ = mixed
    with transaction.writing():
        label = labels.create("vip", by=None)
        labels.add(db.session.get_one(Case, mail), [label], by=None)
        cases.set_priority(db.session.get_one(Case, mail), "high", by=None)
        cases.set_spam(db.session.get_one(Case, chat), is_spam=True, by=None)
    found = api.get(f"/cases/{mail}").json
    assert (found["priority"], found["labels"]) == ("high", [{"id": label.id, "name": "vip"}])
    assert numbers(api, label="VIP") == numbers(api, label=label.id) == [mail]
    assert numbers(api, priority="high") == numbers(api) == [mail]
    assert numbers(api, flag="spam") == [chat]
    assert numbers(api, flag="trash") == []


@pytest.mark.parametrize(
    ("name", "value"), [("label", "nope"), ("label", "99"), ("priority", "x"), ("flag", "ham")]
)
def test_filters_that_make_no_sense_are_refused_by_name(api, name, value):
    answer = api.get("/cases", **{name: value})
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == [name]


def test_a_case_has_exactly_the_listed_members(api, mixed):  # T27
    found = api.items("/cases", chat="all")
    assert len(found) == 3
    assert all(set(case) == CASE_MEMBERS for case in found)


def test_a_chat_tells_who_has_it_and_where(api, alice):
    case = world.chat_of(world.connected(), "help", who="Usomchai")
    fresh = api.get(f"/cases/{case.number}").json
    assert (fresh["chat"], fresh["status"], fresh["taken_by"]) == ("active", "open", None)
    assert fresh["author"] == {"id": case.contact_id, "name": "Usomchai"}
    assert fresh["channel"]["kind"] == "line"
    assert fresh["conversation"] == {"id": case.conversation_id, "kind": "user", "name": None}
    with transaction.writing():
        chats.take(case, by=db.session.get_one(Agent, alice.id))
    taken = api.get(f"/cases/{case.number}").json
    assert taken["taken_by"] == {"id": alice.id, "name": "Alice"}


def test_times_are_utc_with_milliseconds(api, clock):
    case = opened()
    assert api.get(f"/cases/{case.number}").json["created_at"] == "2026-11-23T09:00:00.000Z"


def test_the_author_is_shown_by_name_once_it_is_known(api):  # S34
    case = world.chat_of(world.connected(), "help", who="Usomchai")
    with transaction.writing():
        identity = db.session.scalars(select(Identity)).one()
        contacts.took_name(identity, Profile("Somchai"))
    assert api.get(f"/cases/{case.number}").json["author"]["name"] == "Somchai"


def test_a_group_is_named_and_its_author_shown_by_id(api):  # S30, S33
    line = world.connected()
    group = {"conversation_kind": "group", "who": "Cfamily"}
    world.receive(line, world.said("hi", **group, sender_id="Uyuki"))
    found = api.items("/cases", chat="active")[0]
    assert found["conversation"]["name"] == "LINE group Cfamily"
    assert found["author"]["name"] == "Uyuki"


def test_a_sender_whom_the_channel_does_not_name_has_no_id(api):  # S33
    line = world.connected()
    group = {"conversation_kind": "group", "who": "Cfamily"}
    world.receive(line, world.said("hi", **group, sender_id=None))
    found = api.items("/cases", chat="active")[0]
    assert found["author"] == {"id": None, "name": "LINE member"}


@pytest.mark.parametrize("count", [1, 12])
def test_a_list_has_a_fixed_number_of_queries(app, api, count):
    line = world.connected()
    for one in range(count):
        group = {"conversation_kind": "group", "who": f"C{one}"}
        world.receive(line, world.said("hi", **group, sender_id=f"U{one}"))
        world.receive(line, world.said("hello", who=f"Uother{one}"))
    transaction.release()
    asked = []
    event.listen(db.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    assert len(api.items("/cases", chat="all", limit=200)) == count * 2
    assert len(asked) == 4


def test_a_mail_like_case_is_opened(api, alice):
    asked = {"subject": "Broken lamp", "text": "It does not light.", "contact": "Yuki"}
    response = api.post("/cases", asked)
    assert response.status_code == 201
    case = response.json
    assert response.headers["Location"] == f"/api/v1/cases/{case['number']}"
    assert (case["subject"], case["author"]["name"]) == ("Broken lamp", "Yuki")
    assert (case["status"], case["chat"], case["taken_by"]) == ("open", None, None)
    assert api.get(f"/cases/{case['number']}").json == case
    messages = api.items(f"/cases/{case['number']}/messages")
    assert [(one["direction"], one["text"]) for one in messages] == [("in", "It does not light.")]


def test_the_contact_may_be_an_object_with_a_name(api):
    response = api.post("/cases", {"text": "hello", "contact": {"name": "Yuki"}})
    assert response.json["author"]["name"] == "Yuki"


def test_a_long_subject_is_kept_whole(api):
    subject = "word " * 39 + "word"
    assert api.post("/cases", {"subject": subject, "text": "x", "contact": "Y"}).json["subject"] == subject


def test_without_a_subject_it_is_made_from_the_text(api):
    response = api.post("/cases", {"text": "The lamp\nis broken", "contact": "Yuki"})
    assert response.json["subject"] == "The lamp is broken"


def test_an_opened_case_is_found_and_lights_no_icon(api):  # S12
    number = api.post("/cases", {"text": "注文の件です", "contact": "Yuki"}).json["number"]
    assert numbers(api, q="注文") == [number]
    assert numbers(api, chat="active") == []
    assert chat_lists.incoming(access.EVERYTHING) == []


@pytest.mark.parametrize(
    ("body", "wrong"),
    [({}, {"text", "contact"}),
     ({"text": "x"}, {"contact"}),
     ({"text": " \n", "contact": "y"}, {"text"}),
     ({"text": "x", "contact": ""}, {"contact"}),
     ({"text": "x", "contact": {}}, {"contact"}),
     ({"text": "x", "contact": ["y"]}, {"contact"}),
     ({"text": 1, "contact": True}, {"text", "contact"}),
     ({"text": None, "contact": None}, {"text", "contact"}),
     ({"text": "x", "contact": "y", "subject": 5}, {"subject"}),
     ({"text": "x", "contact": "y", "subject": "s" * 201}, {"subject"}),
     ({"text": "x" * 25_001, "contact": "y" * 201}, {"text", "contact"})],
)  # fmt: skip
def test_a_wrong_field_is_named_and_nothing_is_opened(api, body, wrong):
    response = api.post("/cases", body)
    assert response.status_code == 422
    assert set(response.json["errors"]) == wrong
    assert world.count(Case) == 0


def test_cases_of_other_groups_do_not_exist(program, api, bob, charlie):  # T11
    sales = db.session.scalars(select(Group).where(Group.name == "Sales")).one()
    case = ended(world.chat_of(world.connected(group=sales), "secret"))
    outsider = program(charlie)
    assert numbers(program(bob)) == numbers(api) == [case.number]
    assert numbers(outsider) == numbers(outsider, q="secret") == numbers(outsider, chat="all") == []
    hidden, missing = outsider.get(f"/cases/{case.number}"), outsider.get("/cases/999999")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.data == missing.data


@pytest.mark.parametrize("number", ["0", str(2**63), "9" * 200])
def test_a_number_that_no_case_can_have_is_missing(api, number):
    assert api.get(f"/cases/{number}").status_code == 404


def test_agents_without_groups_see_cases_without_one(program, charlie):
    case = opened()
    assert numbers(program(charlie)) == [case.number]
    assert access.audience_of(charlie) != access.EVERYTHING

"""A group's chat as pages: who wrote, whose case it is, and what opening it does (S29-S33)."""

import re

import pytest
from sqlalchemy import select

from app import transaction
from app.domain import contacts
from app.extensions import db
from app.models import Case, Channel, Contact, Event, Identity
from tests import world
from tests.web import desk
from tests.web.desk import act, fragment
from tests.world import ToyAdapter, play

GROUP = {"conversation_kind": "group", "conversation_id": "Cmove"}


@pytest.fixture(autouse=True)
def toy(app) -> ToyAdapter:
    return play(ToyAdapter())


@pytest.fixture
def channel(app) -> Channel:
    with app.app_context():
        return world.connected("toy")


@pytest.fixture
def at_desk(client, sign_in, alice):
    return sign_in(client, alice)


@pytest.fixture
def writes(app, channel):
    """A function by which a member writes into the group."""

    def do(who: str | None, text: str = "hello") -> None:
        with app.app_context():
            world.receive(channel, world.said(text, who=who, **GROUP))

    return do


@pytest.fixture
def reactivated(app, writes) -> int:
    """Anna's case, reactivated by Ben and selected by nobody yet."""
    writes("Uanna", "The desks are late")
    desk.ended(app, 1, "open")
    writes("Uben", "They are here")
    assert desk.case_of(app, 1).author_candidate_id is not None
    return 1


def name(app, external_id: str, text: str) -> None:
    with app.app_context(), transaction.writing():
        identity = db.session.scalars(
            select(Identity).where(Identity.external_id == external_id)
        ).one()
        contacts.took_name(identity, contacts.Profile(text))


def members(page: str) -> list[tuple[str, bool]]:
    """Who stands in the panel, and whether as the author."""
    block = re.search(r'<div class="block members".*?</ul>', page, re.S)
    assert block, page
    rows = re.findall(r"<li>(.*?)</li>", block[0], re.S)
    return [(re.search(r"<bdi[^>]*>(.*?)</bdi>", row)[1], ">author<" in row) for row in rows]


def author(app, number: int = 1) -> str:
    with app.app_context():
        return contacts.author_name(db.session.get_one(Case, number))


def test_the_panel_lists_who_wrote_and_marks_the_author(app, at_desk, writes):  # S29, S30, S33
    writes("Uanna")
    writes("Uben")
    writes(None)
    name(app, "Uben", "Ben")

    assert members(at_desk.get("/chats/1").text) == [("Ben", False), ("Uanna", True)]


def test_each_bubble_of_a_group_has_its_sender(at_desk, writes):  # S29, S33
    writes("Uanna", "one")
    writes("Uanna", "two")
    writes(None, "three")

    page = at_desk.get("/chats/1").text

    assert re.findall(r'<span class="sender"><bdi>(.*?)</bdi>', page) == ["Uanna", "Uanna", "Somebody"]


def test_a_conversation_of_two_lists_no_members(app, at_desk):
    number = desk.chat_in(app)
    assert 'class="block members"' not in at_desk.get(f"/chats/{number}").text


def test_a_candidate_is_explained_and_not_yet_the_author(app, at_desk, reactivated):  # S31
    page = at_desk.get("/chats/1").text

    assert "Uben wrote again after the chat had ended" in page
    assert members(page) == [("Uben", False), ("Uanna", True)]


def test_selecting_changes_the_author_and_the_history_says_so(app, at_desk, reactivated):  # S31
    name(app, "Uben", "Ben")
    at_desk.post("/chats/1/selection")

    page = at_desk.get("/chats/1").text
    assert members(page) == [("Ben", True), ("Uanna", False)]
    assert "wrote again after" not in page
    assert "Author: Uanna → Ben." in at_desk.get("/cases/1/history").text


def test_the_history_has_a_word_for_who_has_no_id(app, at_desk, writes):  # S31, S33
    writes(None)
    desk.ended(app, 1, "open")
    writes("Uben")
    act(at_desk, "/chats/1/taking")

    assert "Author: Somebody → Uben." in at_desk.get("/cases/1/history").text


@pytest.mark.parametrize(
    "path",
    [
        "/chats/1",
        "/chats?tab=new",
        "/chats/list?tab=new",
        "/cases/1",
        "/cases/1/messages?since=0",
        "/cases/1/history",
        "/search?q=desks",
        "/live/incoming",
        "/cases",
    ],
)
def test_looking_changes_no_author(app, at_desk, reactivated, path):  # S31
    at_desk.get(path, follow_redirects=True)
    fragment(at_desk, path)

    assert author(app) == "Uanna"
    assert desk.case_of(app, 1).author_candidate_id is not None


def test_an_open_page_hears_of_the_change(app, at_desk, reactivated):  # S31
    before = at_desk.get("/chats/1").text
    cursor = re.search(r'data-cursor="(\d+)"', before)[1]
    at_desk.post("/chats/1/selection")

    changes = fragment(at_desk, f"/cases/1/messages?since={cursor}").text

    assert members(changes) == [("Uben", True), ("Uanna", False)]


def test_the_picture_of_who_wrote_in_a_group_is_for_those_who_see_it(
    app, at_desk, writes, sign_in, bob, charlie
):  # S29, T11
    writes("Uanna")
    writes("Uben")
    desk.grouped(app, 1, "Sales")
    with app.app_context(), transaction.writing():
        ben = db.session.scalars(select(Identity).where(Identity.external_id == "Uben")).one()
        contact = db.session.get_one(Contact, ben.contact_id)
        contact.picture = "ben.jpg"
        folder = app.extensions["mado"].data_dir / "pictures"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ben.jpg").write_bytes(b"a picture")
        path = f"/contacts/{contact.id}/picture"

    assert at_desk.get(path).status_code == 200
    assert sign_in(app.test_client(), bob).get(path).status_code == 200
    assert sign_in(app.test_client(), charlie).get(path).status_code == 404


def test_a_groups_page_costs_the_same_however_many_people_wrote(app, at_desk, writes):
    writes("Uanna")
    with desk.counted(app) as few:
        at_desk.get("/chats/1")
    for number in range(8):
        writes(f"U{number}")
    with desk.counted(app) as many:
        at_desk.get("/chats/1")
    assert len(many) == len(few)


def test_one_change_is_one_event(app, at_desk, reactivated):  # S31
    at_desk.post("/chats/1/selection")
    at_desk.post("/chats/1/selection")
    act(at_desk, "/chats/1/taking")

    with app.app_context():
        query = select(Event).where(Event.type == "case.author_changed")
        assert len(db.session.scalars(query).all()) == 1


def test_a_name_changes_every_bubble_that_a_page_shows_however_old(app, at_desk, writes):  # S33
    for number in range(60):
        writes("Uben", f"message {number}")
    page = at_desk.get("/chats/1").text
    cursor = re.search(r'data-cursor="(\d+)"', page)[1]
    name(app, "Uben", "Ben")

    all_of_them = fragment(at_desk, f"/cases/1/messages?since={cursor}&oldest=1").text
    newest = fragment(at_desk, f"/cases/1/messages?since={cursor}&oldest=41").text

    assert all_of_them.count('<span class="sender"><bdi>Ben</bdi>') == 60
    assert newest.count('<span class="sender"><bdi>Ben</bdi>') == 20


def test_a_group_says_how_many_people_are_in_it(app, at_desk, writes):  # S33
    writes("Uanna")
    with app.app_context(), transaction.writing():
        db.session.get_one(Case, 1).conversation.member_count = 5
    assert "5 people in the group" in at_desk.get("/chats/1").text


def test_a_group_that_the_channel_left_says_so_wherever_it_stands(app, at_desk, writes, channel):
    """S28"""
    writes("Uanna")
    before = re.search(r'data-cursor="(\d+)"', at_desk.get("/chats/1").text)[1]
    gone = {"kind": "left", "message_kind": "leave", "message_id": None, "sender_id": None}
    with app.app_context():
        world.receive(channel, world.said("", **gone, **GROUP))
    changes = fragment(at_desk, f"/cases/1/messages?since={before}").text
    desk.ended(app, 1, "open")

    assert '<mado-refusal class="refusal" id="case-refusal-1" data-refuses>' in changes
    assert changes.count("the channel left the group") == 2
    assert "The channel left the group." in changes
    assert '<span class="badge">left</span>' in at_desk.get("/cases").text
    assert "Is out of the group “Cmove”." in at_desk.get("/cases/1/history").text


def test_who_joined_stands_by_name_in_the_chat(app, at_desk, writes, channel):  # S8, S33
    writes("Uanna")
    came = {"kind": "line", "message_kind": "member_joined", "message_id": None, "sender_id": None}
    with app.app_context():
        world.receive(channel, world.said("", member_ids=("Uben",), **came, **GROUP))
    before = at_desk.get("/chats/1").text
    name(app, "Uben", "Ben")

    assert "Uben joined the group." in before
    assert "Ben joined the group." in at_desk.get("/chats/1").text

"""Files of messages for programs: told with their message, and read with the same token."""

import pytest
from flask import Flask

from app import downloads, transaction
from app.channels.base import InboundFile, TemporaryError
from app.domain import attachments
from app.extensions import db
from app.models import Case, Message
from tests import files, world
from tests.conftest import fresh_id


@pytest.fixture(autouse=True)
def _in_context(app: Flask):
    with app.app_context():
        yield
        transaction.release()


@pytest.fixture
def toy():
    return world.play(world.ToyAdapter())


@pytest.fixture
def chat(toy) -> Case:
    """A chat whose contact sent a picture that was not fetched yet."""
    message_id = fresh_id()
    toy.files[message_id] = [TemporaryError("Not now."), [files.picture()]]
    channel = world.connected("toy")
    photo = InboundFile(kind="image", size=4000)
    world.receive(channel, world.said("", message_id=message_id, message_kind="image", files=(photo,)))
    return db.session.query(Case).one()


def told(api, chat: Case) -> list[dict]:
    return api.items(f"/cases/{chat.number}/messages")[0]["attachments"]


def fetch(clock) -> None:
    transaction.release()
    downloads.work_one()
    clock.shift(60)
    downloads.work_one()


def test_file_has_no_address_until_it_is_fetched(api, chat):
    assert told(api, chat) == [
        {"id": 1, "filename": "image-1", "content_type": None, "size": 4000, "url": None}
    ]


def test_fetched_file_has_an_address_that_takes_the_token(api, chat, clock):
    fetch(clock)
    [file] = told(api, chat)
    assert file == {
        "id": 1,
        "filename": "image-1.jpg",
        "content_type": "image/jpeg",
        "size": len(files.picture()),
        "url": "http://localhost/api/v1/attachments/1",
    }
    answer = api.client.get(file["url"], headers=api.headers)
    assert (answer.status_code, answer.content_type) == (200, "image/jpeg")
    assert answer.data == files.picture()
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert api.client.get(file["url"]).status_code == 401


def test_part_of_a_file_is_read(api, chat, clock):
    fetch(clock)
    headers = api.headers | {"Range": "bytes=0-9"}
    answer = api.client.get("/api/v1/attachments/1", headers=headers)
    assert (answer.status_code, answer.data) == (206, files.picture()[:10])


def test_file_that_is_not_there_is_a_problem_in_words(api, chat):
    for_all = [
        api.client.get(f"/api/v1/attachments/{number}", headers=api.headers)
        for number in (1, 2, 999_999_999)
    ]
    assert {answer.status_code for answer in for_all} == {404}
    assert {answer.content_type for answer in for_all} == {"application/problem+json"}
    assert len({answer.data for answer in for_all}) == 1


def test_unsent_file_is_not_told_of_any_more(api, chat, clock):  # L3
    fetch(clock)
    with transaction.writing():
        attachments.remove(db.session.query(Message.id).scalar())
    assert told(api, chat) == []
    answer = api.client.get("/api/v1/attachments/1", headers=api.headers)
    assert answer.status_code == 404

"""A bucket that can't be had: what people, load balancers and LINE's users are told meanwhile."""

import pytest
from sqlalchemy import select

from app import background, media, pictures, transaction
from app.domain import uploads
from app.extensions import db
from app.models import Agent, Attachment, Case, Contact
from tests import files
from tests.web.desk import HTMX, chat_in
from tests.world import ToyAdapter, play

WORDS = "The storage of files does not answer. Try again in a minute."


@pytest.fixture
def number(app, bucket) -> int:
    play(ToyAdapter())
    return chat_in(app)


@pytest.fixture
def sent(app, bob, number) -> tuple[str, str]:
    """A sent photo: its address for agents, and its public one."""
    with app.app_context(), transaction.writing():
        case, agent = db.session.get_one(Case, number), db.session.get_one(Agent, bob.id)
        file = files.sent(case, "photo.jpg", files.picture(), by=agent)
        return f"/attachments/{file.id}", media.address_of(file).removeprefix("http://localhost")


def test_file_is_not_gone_but_later(client, bob, sign_in, sent, bucket):
    desk = sign_in(client, bob)
    with bucket.sick(400):
        answers = [desk.get(address) for address in (sent[0], f"{sent[0]}/preview", sent[1])]
    assert [(one.status_code, one.text) for one in answers] == [(503, WORDS)] * 3
    assert {one.headers["Retry-After"] for one in answers} == {"30"}
    assert "Set-Cookie" not in answers[2].headers
    assert desk.get(sent[0]).status_code == 200


def test_what_the_browser_has_already_needs_no_storage(client, bob, sign_in, sent, bucket):
    desk = sign_in(client, bob)
    tag = desk.get(sent[0]).headers["ETag"]
    bucket.calls.clear()
    answer = desk.get(sent[0], headers={"If-None-Match": tag})
    assert (answer.status_code, answer.headers["ETag"], bucket.calls) == (304, tag, [])


def test_upload_is_refused_in_words_and_nothing_is_left(app, client, bob, sign_in, number, bucket):
    desk = sign_in(client, bob)
    with bucket.sick(400):
        body = {"data": files.picture(), "content_type": "application/octet-stream"}
        answer = desk.post(f"/cases/{number}/attachments", headers=HTMX | {"X-Filename": "a.jpg"}, **body)
    assert (answer.status_code, answer.text) == (422, "It can't be stored now. Try again in a minute.")
    with app.app_context():
        assert db.session.scalars(select(Attachment)).all() == []
        assert files.kept() == []


def test_file_is_taken_out_of_a_draft_all_the_same(app, client, bob, sign_in, number, bucket):
    with app.app_context(), transaction.writing():
        case, agent = db.session.get_one(Case, number), db.session.get_one(Agent, bob.id)
        upload_id = files.uploaded(case, "a.jpg", files.picture(), by=agent).id
    desk = sign_in(client, bob)
    with bucket.sick(400):
        answer = desk.post(f"/cases/{number}/attachments/removal", data={"upload": upload_id}, headers=HTMX)
    assert answer.status_code == 204
    with app.app_context():
        assert list(uploads.of_draft(db.session.get_one(Case, number), db.session.get_one(Agent, bob.id))) == []


def test_pages_without_pictures_are_pages(app, client, alice, sign_in, number, bucket):
    with app.app_context(), transaction.writing():
        contact = db.session.scalars(select(Contact)).one()
        contact.picture = "face.jpg"
        pictures.keep("face.jpg", b"a face")
        address = f"/contacts/{contact.id}/picture"
    admin = sign_in(client, alice)
    assert admin.get(address).data == b"a face"
    with bucket.sick(400):
        assert admin.get(address).status_code == 404
        assert admin.get("/settings/channels").status_code == 200


def test_load_balancer_and_admins_are_told_until_it_answers_again(app, client, alice, sign_in, bucket):
    admin, look = sign_in(client, alice), background.Housekeeping(app)._look_at_storage
    with app.app_context():
        background.lead_clock()
        transaction.release()
        with bucket.sick(400):
            look()
            told, page = client.get("/readyz").get_json(), admin.get("/settings/channels").text
        look()
    problem = "The storage: it answered 400."
    assert (told["status"], told["problems"], told["storage"]) == ("degraded", [problem], "unavailable")
    assert "Files can&#39;t be had now; those that come are fetched later. " + problem in page
    assert client.get("/readyz").get_json()["problems"] == []


def test_being_asked_whether_it_is_ready_asks_no_bucket(client, bucket):
    client.get("/readyz")
    assert bucket.calls == []

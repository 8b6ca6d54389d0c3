"""Sent files under their public addresses: who holds the link sees them, and they run nothing (T6-T8)."""

import pytest
from sqlalchemy import select

from app import media, storage, transaction
from app.domain import public_links
from app.extensions import db
from app.models import Agent, Attachment, Case, Event
from tests import files
from tests.web.desk import chat_in
from tests.world import ToyAdapter, play

pytestmark = pytest.mark.usefixtures("either_storage")

HTML = b"<html><script>alert(1)</script>"


@pytest.fixture
def chat(app) -> int:
    play(ToyAdapter())
    return chat_in(app)


@pytest.fixture
def sent(app, bob, chat):
    """A function that sends a file; its address without the host."""

    def send(name: str, content: bytes, **fields: object) -> str:
        with app.app_context(), transaction.writing():
            case, agent = db.session.get_one(Case, chat), db.session.get_one(Agent, bob.id)
            file = files.sent(case, name, content, by=agent, **fields)
            return media.address_of(file).removeprefix("http://localhost")

    return send


@pytest.fixture
def photo(sent) -> str:
    return sent("photo.jpg", files.picture())


def changed(app, **values) -> None:
    with app.app_context(), transaction.writing():
        file = db.session.scalars(select(Attachment)).one()
        for name, value in values.items():
            setattr(file, name, value)


def revoked(app, bob) -> None:
    with app.app_context(), transaction.writing():
        file = db.session.scalars(select(Attachment)).one()
        public_links.revoke(file, by=db.session.get_one(Agent, bob.id))


def test_whoever_has_the_link_gets_the_file_without_signing_in(client, photo):
    answer = client.get(photo)
    assert (answer.status_code, answer.content_type) == (200, "image/jpeg")
    assert answer.data == files.picture()
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert "Set-Cookie" not in answer.headers


def test_its_headers_let_nothing_run_nobody_index_it_and_others_show_it(client, photo):
    """T6"""
    headers = client.get(photo).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "sandbox" in headers["Content-Security-Policy"]
    assert headers["X-Robots-Tag"] == "noindex"
    assert headers["Cache-Control"] == "private, max-age=3600"
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_the_preview_is_another_address_below_the_same_token(client, photo):
    answer = client.get(f"{photo.rpartition('/')[0]}/preview/picture.jpg")
    assert (answer.status_code, answer.content_type) == (200, "image/jpeg")


def test_a_file_without_a_preview_has_no_preview(client, sent):
    plan = sent("plan.pdf", b"%PDF-1.4")
    assert client.get(f"{plan.rpartition('/')[0]}/preview/picture.jpg").status_code == 404


def test_the_head_tells_what_the_file_would(client, photo):
    answer = client.head(photo)
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(files.picture()))


def test_a_player_gets_the_part_that_it_asks_for(client, sent):
    film = sent("film.mp4", bytes(range(200)))
    answer = client.get(film, headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.data) == (206, bytes(range(10, 20)))
    assert answer.headers["Content-Range"] == "bytes 10-19/200"
    assert answer.content_type == "video/mp4"


def test_a_part_beyond_the_end_is_refused(client, sent):
    film = sent("film.mp4", b"short")
    assert client.get(film, headers={"Range": "bytes=900-"}).status_code == 416


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("page.html", "application/octet-stream"),
        ("drawing.svg", "application/octet-stream"),
        ("plan.pdf", "application/pdf"),
    ],
)
def test_what_could_run_is_saved_and_never_shown(client, sent, name, type_):
    """T6"""
    answer = client.get(sent(name, HTML))
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.content_type == type_


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "x\r\nSet-Cookie: a=b", 'say "hi".txt', "あ" * 200, "\u202egnp.exe", "CON", ""],
)
def test_a_hostile_name_neither_breaks_the_address_nor_the_header(client, sent, name):
    """T7"""
    path = sent(name, b"text")
    answer = client.get(path)
    assert answer.status_code == 200
    assert len(path) < 1_900
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_the_name_in_the_address_is_not_looked_at(client, photo):
    assert client.get(f"{photo.rpartition('/')[0]}/anything-else").status_code == 200


def test_a_wrong_a_revoked_and_a_gone_link_answer_alike(app, client, bob, photo):
    """T8"""
    wrong = client.get(f"/media/{'x' * 43}/photo.jpg")
    revoked(app, bob)
    answers = [wrong, client.get(photo), client.get(f"/media/{'y' * 5000}/photo.jpg")]
    assert {answer.status_code for answer in answers} == {404}
    assert not any("Set-Cookie" in answer.headers for answer in answers)
    assert len({answer.data for answer in answers}) == 1


def test_a_revoked_links_preview_is_gone_too(app, client, bob, photo):
    revoked(app, bob)
    assert client.get(f"{photo.rpartition('/')[0]}/preview/picture.jpg").status_code == 404


def test_a_file_that_is_not_on_the_disk_is_not_there(app, client, photo):
    with app.app_context():
        storage.delete(db.session.scalars(select(Attachment.storage_key)).one())
    assert client.get(photo).status_code == 404


def test_a_removed_file_is_not_there(app, client, photo):
    changed(app, state="removed")
    assert client.get(photo).status_code == 404


def test_a_file_of_a_draft_is_nobodys_but_its_agents(app, client, bob, chat):
    """T8: even if it had a token already."""
    with app.app_context(), transaction.writing():
        case, agent = db.session.get_one(Case, chat), db.session.get_one(Agent, bob.id)
        draft = files.uploaded(case, "photo.jpg", files.picture(), by=agent)
        public_links.give([draft])
        path = media.address_of(draft).removeprefix("http://localhost")
    assert client.get(path).status_code == 404


def test_another_hosts_address_is_not_answered(client, photo):
    """T31"""
    assert client.get(photo, headers={"Host": "evil.example"}).status_code == 400


def test_reading_writes_nothing(app, client, photo):
    with app.app_context():
        before = db.session.query(Event).count()
        db.session.rollback()
    client.get(photo)
    with app.app_context():
        assert db.session.query(Event).count() == before

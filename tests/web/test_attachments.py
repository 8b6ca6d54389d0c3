"""Files of messages as agents get them: whose case it is, and what browsers are told (T6-T8)."""

import pytest
from sqlalchemy import select

from app import storage, transaction
from app.domain import attachments
from app.extensions import db
from app.models import Agent, Attachment, Case, Message
from tests import files
from tests.web.desk import chat_in, grouped, sessions_ended
from tests.world import ToyAdapter, play

pytestmark = pytest.mark.usefixtures("either_storage")


@pytest.fixture
def chat(app) -> int:
    """A chat of Bob's group."""
    play(ToyAdapter())
    number = chat_in(app)
    grouped(app, number, "Sales")
    return number


@pytest.fixture
def bobs(client, bob, sign_in):
    return sign_in(client, bob)


@pytest.fixture
def came(app, chat):
    """A function that gives the chat's message a file; the file's address."""

    def come(content: bytes, content_type: str | None, kind: str = "image", **fields: object) -> str:
        with app.app_context(), transaction.writing():
            message = db.session.scalars(select(Message).where(Message.case_id == chat)).first()
            preview = storage.write([files.picture()], largest=10**6).key
            file = Attachment(
                case_id=chat,
                message_id=message.id,
                kind=kind,
                content_type=content_type,
                size=len(content),
                **{"state": "stored", "preview_key": preview} | fields,
                storage_key=storage.write([content], largest=10**9).key,
            )
            db.session.add(file)
            db.session.flush()
            return f"/attachments/{file.id}"

    return come


def test_agent_who_sees_the_case_gets_the_very_bytes_and_a_preview(bobs, came):  # L2
    path = came(files.picture("PNG"), "image/png")
    answer, preview = bobs.get(path), bobs.get(f"{path}/preview")
    assert (answer.status_code, answer.content_type) == (200, "image/png")
    assert answer.data == files.picture("PNG")
    assert (preview.status_code, preview.content_type) == (200, "image/jpeg")


@pytest.mark.parametrize("part", ["", "/preview"])
def test_headers_let_nothing_run_and_nobody_else_keep_it(bobs, came, part):  # T6, T33
    headers = bobs.get(came(files.picture(), "image/jpeg") + part).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("kind", "type_"),
    [
        ("image", "image/jpeg"),
        ("image", "image/gif"),
        ("image", "image/webp"),
        ("video", "video/mp4"),
        ("audio", "audio/mp4"),
        ("audio", "audio/mpeg"),
    ],
)
def test_pictures_films_and_sounds_show_themselves(bobs, came, kind, type_):  # T6
    answer = bobs.get(came(b"bytes", type_, kind))
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert answer.content_type == type_


@pytest.mark.parametrize(
    ("kind", "type_"),
    [
        ("file", "application/pdf"),
        ("file", "application/octet-stream"),
        ("file", "image/png"),
        ("image", "application/octet-stream"),
        ("image", "image/svg+xml"),
        ("file", "text/html"),
        ("image", None),
    ],
)
def test_everything_else_is_saved(bobs, came, kind, type_):  # T6
    answer = bobs.get(came(b"<script>alert(1)</script>", type_, kind))
    assert answer.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("name", "saved_as"),
    [
        ("領収書.pdf", "filename*=UTF-8''%E9%A0%98%E5%8F%8E%E6%9B%B8.pdf"),
        ("../../etc/passwd", "filename=passwd"),
        ("x\r\nSet-Cookie: a=b", 'filename="xSet-Cookie_ a=b"'),
        ("a\0.png", "filename=a.png"),
        ("\u200b.htaccess", "filename=htaccess"),
        ("invoice\u202egnp.exe", "filename=invoicegnp.exe"),
        ('say "hi".txt', 'filename="say _hi_.txt"'),
        ("CON", "filename=_CON"),
        ("", "filename=file-1.pdf"),
    ],
)
def test_name_of_a_saved_file_is_safe_and_readable(bobs, came, name, saved_as):  # T7
    answer = bobs.get(came(b"%PDF", "application/pdf", "file", filename=name))
    assert saved_as in answer.headers["Content-Disposition"]
    assert "Set-Cookie" not in answer.headers


def test_very_long_name_fits_into_the_header(bobs, came):  # T7
    answer = bobs.get(came(b"%PDF", "application/pdf", "file", filename="あ" * 255))
    assert len(answer.headers["Content-Disposition"]) < 1500


def test_player_gets_the_part_that_it_asks_for(bobs, came):
    path = came(bytes(range(200)), "video/mp4", "video")
    answer = bobs.get(path, headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.data) == (206, bytes(range(10, 20)))
    assert answer.headers["Content-Range"] == "bytes 10-19/200"
    assert bobs.get(path, headers={"Range": "bytes=900-"}).status_code == 416


def test_unchanged_file_is_not_sent_again(bobs, came):
    path = came(files.picture(), "image/jpeg")
    etag = bobs.get(path).headers["ETag"]
    answer = bobs.get(path, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.data) == (304, b"")


def test_file_is_read_piece_by_piece(bobs, came):
    answer = bobs.get(came(bytes(3_000_000), "video/mp4", "video"), buffered=False)
    pieces = list(answer.iter_encoded())
    assert sum(map(len, pieces)) == 3_000_000
    assert max(map(len, pieces)) <= 65536


def test_nobody_else_gets_it_and_it_looks_as_if_it_was_not_there(app, came, charlie, sign_in):  # T8
    path = came(b"CANARY", "image/jpeg")
    charlies = sign_in(app.test_client(), charlie)
    theirs, nowhere = charlies.get(path), charlies.get("/attachments/999999")
    assert theirs.status_code == nowhere.status_code == 404
    assert b"CANARY" not in theirs.data
    assert app.test_client().get(path).status_code == 303


@pytest.mark.parametrize("attachment_id", ["0", "999999", "9" * 30])
def test_number_that_means_nothing_is_not_there(bobs, attachment_id):
    assert bobs.get(f"/attachments/{attachment_id}").status_code == 404


@pytest.mark.parametrize("state", ["waiting", "gone", "refused", "removed"])
def test_only_a_stored_file_is_there(bobs, came, state):  # L2, L3
    path = came(b"bytes", "image/jpeg", state=state)
    assert bobs.get(path).status_code == 404
    assert bobs.get(f"{path}/preview").status_code == 404


def test_file_without_a_preview_has_none(bobs, came):
    path = came(b"bytes", "audio/mp4", "audio", preview_key=None)
    assert bobs.get(f"{path}/preview").status_code == 404


def test_file_that_is_not_on_the_disk_is_not_there(app, bobs, came):
    path = came(b"bytes", "image/jpeg")
    with app.app_context():
        storage.delete(db.session.scalars(select(Attachment.storage_key)).one())
    assert bobs.get(path).status_code == 404


def test_file_in_a_draft_is_its_agents_alone(app, bobs, alice, bob, chat, sign_in):  # T8
    with app.app_context(), transaction.writing():
        case, agent = db.session.get_one(Case, chat), db.session.get_one(Agent, bob.id)
        path = f"/attachments/{files.uploaded(case, 'x.jpg', files.picture(), by=agent).id}"
    assert bobs.get(path).status_code == 200
    assert sign_in(app.test_client(), alice).get(path).status_code == 404


def test_file_is_gone_for_a_deactivated_agent_and_an_ended_session(app, bobs, bob, came):  # T8
    path = came(b"bytes", "image/jpeg")
    assert bobs.get(path).status_code == 200
    sessions_ended(app, bob)
    assert bobs.get(path).status_code == 303


def test_unsent_file_is_gone_at_once(app, bobs, chat, came):  # L3
    path = came(b"bytes", "image/jpeg")
    with app.app_context(), transaction.writing():
        attachments.remove(db.session.scalars(select(Attachment.message_id)).one())
    assert bobs.get(path).status_code == 404

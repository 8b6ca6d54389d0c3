"""Files in bubbles: what became of each, and that a page has room for it before it comes (L1, L2)."""

import re

import pytest

from app import downloads, transaction
from app.channels.base import Gone, InboundFile, NotReady, NotSent
from app.domain import attachments
from app.extensions import db
from app.models import Attachment, Channel
from tests import files, world
from tests.conftest import fresh_id
from tests.web.desk import chat_in, counted, fragment

FILM = b"\x00\x00\x00\x18ftypmp42" + bytes(100)
SOUND = b"\x00\x00\x00\x18ftypM4A " + bytes(100)


@pytest.fixture
def toy(app):
    return world.play(world.ToyAdapter())


@pytest.fixture
def chat(app, toy) -> int:
    return chat_in(app)


@pytest.fixture
def bobs(client, bob, sign_in):
    return sign_in(client, bob)


@pytest.fixture
def sends(app, chat, toy):
    """A function by which the contact sends a file."""

    def send(kind: str, *outcomes: list[bytes] | NotSent, **more: object) -> None:
        message_id = fresh_id()
        toy.files[message_id] = list(outcomes)
        said = world.said(
            "", message_id=message_id, message_kind=kind, files=(InboundFile(kind=kind, **more),)
        )
        with app.app_context():
            channel = db.session.query(Channel).filter_by(kind="toy").one()
            db.session.expunge(channel)
            transaction.release()
            world.receive(channel, said)

    return send


@pytest.fixture
def fetch(app):
    def do() -> None:
        with app.app_context():
            assert downloads.work_one()

    return do


def bubble(browser, chat: int) -> str:
    """The newest message as the page shows it."""
    return re.findall(r'<li class="message.*?</li>', browser.get(f"/chats/{chat}").text, re.S)[-1]


def cursor(browser, chat: int) -> str:
    return re.search(r'data-cursor="(\d+)"', browser.get(f"/chats/{chat}").text)[1]


def test_photo_is_shown_as_preview_with_room_kept_for_it(bobs, chat, sends, fetch):  # L1, U11
    sends("image", [files.picture(size=(1600, 1200))])
    fetch()
    found = bubble(bobs, chat)
    assert '<img src="/attachments/1/preview" alt="Photo" width="320" height="240"' in found
    assert 'href="/attachments/1" target="_blank" rel="noopener"' in found
    assert bobs.get("/attachments/1/preview").status_code == 200


def test_small_photo_is_not_blown_up(bobs, chat, sends, fetch):
    sends("image", [files.picture(size=(60, 40))])
    fetch()
    assert 'width="60" height="40"' in bubble(bobs, chat)


def test_film_plays_when_asked_and_loads_nothing_before(bobs, chat, sends, fetch):  # L1
    sends("video", [FILM])
    fetch()
    found = bubble(bobs, chat)
    assert re.search(r'<video class="tile is-video" controls playsinline preload="none"', found)
    assert 'src="/attachments/1"' in found
    assert re.search(r'poster="/static/v/\w+/img/film.svg"', found)


def test_voice_message_has_a_player(bobs, chat, sends, fetch):  # L1
    sends("audio", [SOUND], duration_ms=4000)
    fetch()
    found = bubble(bobs, chat)
    assert '<audio class="tile is-audio" controls preload="none" src="/attachments/1"' in found
    assert 'aria-label="Recording"' in found


def test_file_is_a_row_with_name_and_size(bobs, chat, sends, fetch):  # L1, T4
    sends("file", [b"%PDF" + bytes(4096)], filename='<img src=x>"領収書.pdf')
    fetch()
    found = bubble(bobs, chat)
    assert '<a class="tile is-file" href="/attachments/1" download>' in found
    assert "&lt;img src=x&gt;&#34;領収書.pdf" in found
    assert "4.1 kB" in found


@pytest.mark.parametrize("kind", ["image", "video", "audio"])
def test_file_that_is_not_what_it_was_said_to_be_is_only_saved(bobs, chat, sends, fetch, kind):  # T6
    sends(kind, [b"<script>alert(1)</script>"])
    fetch()
    found = bubble(bobs, chat)
    assert 'class="tile is-file"' in found
    assert not re.search(r"<(img|video|audio) ", found.partition('class="tiles"')[2])


def test_file_on_its_way_says_so_and_why_it_takes_long(bobs, chat, sends, fetch):  # L2
    sends("video", NotReady("LINE is still preparing it."))
    assert "Being fetched…" in bubble(bobs, chat)
    fetch()
    assert "LINE is still preparing it." in bubble(bobs, chat)


def test_file_that_is_gone_says_so(bobs, chat, sends, fetch):  # L2
    sends("image", Gone("LINE has it no more."))
    fetch()
    assert "No longer available. LINE has it no more." in bubble(bobs, chat)


def test_file_that_is_too_large_says_so(bobs, chat, sends, fetch):  # L2
    sends("file", [b"x"], size=60_000_000, filename="film.mkv")
    fetch()
    found = bubble(bobs, chat)
    assert "film.mkv" in found
    assert "Not fetched. It is larger than 50 MB." in found


def test_open_page_gets_the_bubble_again_when_the_file_has_come(bobs, chat, sends, fetch):  # L2
    sends("image", [files.picture()])
    since = cursor(bobs, chat)
    assert "tile" not in fragment(bobs, f"/cases/{chat}/messages?since={since}").text
    fetch()
    changes = fragment(bobs, f"/cases/{chat}/messages?since={since}").text
    assert 'src="/attachments/1/preview"' in changes
    assert changes.count('<li class="message') == 1


def test_unsent_file_leaves_the_bubble(app, bobs, chat, sends, fetch):  # L3
    sends("image", [files.picture()])
    fetch()
    with app.app_context(), transaction.writing():
        attachments.remove(db.session.query(Attachment.message_id).scalar())
    assert "/attachments/1" not in bubble(bobs, chat)


def test_more_files_need_no_more_queries(app, bobs, chat, sends, fetch):
    sends("image", [files.picture()])
    bobs.get(f"/chats/{chat}")
    with counted(app) as before:
        bobs.get(f"/chats/{chat}")
    sends("image", [files.picture()])
    sends("image", [files.picture()])
    with counted(app) as after:
        bobs.get(f"/chats/{chat}")
    assert len(after) == len(before)

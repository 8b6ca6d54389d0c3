"""What LINE's messages of each type bring: words to read, and files to fetch."""

import json

import pytest
from sqlalchemy import select

from app.channels.base import InboundFile
from app.channels.line import parse
from app.extensions import db
from app.models import Attachment, Message
from tests.channels.line_posts import batch, connected_line, post, text_event

LINE_HELD = {"type": "line"}
ELSEWHERE = {"type": "external", "originalContentUrl": "https://cdn.example.com/a.jpg"}
FILES = {
    "image": ({"type": "image", "contentProvider": LINE_HELD}, InboundFile("image")),
    "image elsewhere": (
        {"type": "image", "contentProvider": ELSEWHERE},
        InboundFile("image", url="https://cdn.example.com/a.jpg"),
    ),
    "video": (
        {"type": "video", "duration": 60_000, "contentProvider": LINE_HELD},
        InboundFile("video", duration_ms=60_000),
    ),
    "audio": (
        {"type": "audio", "duration": 1_500, "contentProvider": LINE_HELD},
        InboundFile("audio", duration_ms=1_500),
    ),
    "file": (
        {"type": "file", "fileName": "receipt.pdf", "fileSize": 2138},
        InboundFile("file", filename="receipt.pdf", size=2138),
    ),
    "nothing but a type": ({"type": "file"}, InboundFile("file")),
    "retyped": (
        {"type": "video", "duration": "long", "contentProvider": [], "fileSize": -1},
        InboundFile("video"),
    ),
    "too large for a column": (
        {"type": "audio", "duration": 2**40, "fileSize": 2**70},
        InboundFile("audio"),
    ),
}
WORDS = {
    "sticker with a text": ({"type": "sticker", "text": "Hi\nthere", "keywords": ["wave"]}, "Hi there"),
    "sticker with keywords": (
        {"type": "sticker", "keywords": ["happy", 5, "", "smile", "yay", "sun"]},
        "happy, smile, yay",
    ),
    "sticker without words": ({"type": "sticker"}, ""),
    "file": ({"type": "file", "fileName": "C:\\tmp\\..\\a\u202egnp.exe"}, "agnp.exe"),
    "place": (
        {"type": "location", "title": "Siam", "address": "Rama I Rd\nBangkok", "latitude": 13.7},
        "Siam\nRama I Rd Bangkok",
    ),
    "place named like its address": (
        {"type": "location", "title": "Rama I Rd", "address": "Rama I Rd"},
        "Rama I Rd",
    ),
    "hologram": ({"type": "hologram", "text": "no"}, ""),
}


def inbound(message):
    return parse.event(text_event(message={"id": "1", **message}))


@pytest.mark.parametrize(("message", "expected"), FILES.values(), ids=FILES)
def test_files_of_a_message_are_told_with_what_line_says_of_them(message, expected):  # L1, L2
    assert inbound(message).files == (expected,)


@pytest.mark.parametrize(("message", "expected"), WORDS.values(), ids=WORDS)
def test_what_can_be_read_of_a_message_is_its_text(message, expected):  # L1
    assert inbound(message).text == expected


def test_picture_of_a_set_tells_its_place(app):  # L1
    told = inbound({"type": "image", "imageSet": {"id": "E005D41A", "index": 2, "total": 3}})

    assert (told.album_key, told.album_place) == ("E005D41A", 2)


def test_file_of_a_stored_message_waits_to_be_fetched(app, client):  # L2
    with app.app_context():
        connected_line()

    post(client, batch(text_event(message={"id": "7", "type": "image"})))

    with app.app_context():
        message, file = db.session.scalar(select(Message)), db.session.scalar(select(Attachment))
        assert (file.message_id, file.case_id, file.state) == (message.id, message.case_id, "waiting")
        assert file.due_at == file.created_at


def test_redelivered_message_expects_its_file_once(app, client):  # S6, L2
    with app.app_context():
        connected_line()
    message = {"id": "7", "type": "image"}

    post(client, batch(text_event(message=message)))
    post(client, batch(text_event(message=message)))

    with app.app_context():
        assert len(db.session.scalars(select(Attachment)).all()) == 1


def stored_urls(app, client, message, **options):
    with app.app_context():
        connected_line(options=json.dumps(options))
    post(client, batch(text_event(message={"id": "7", **message})))
    with app.app_context():
        return list(db.session.scalars(select(Attachment.source_url)))


def test_sticker_has_no_picture_unless_the_channel_wants_it(app, client):  # L1
    assert stored_urls(app, client, {"type": "sticker", "stickerId": "52002734"}) == []


def test_picture_of_a_sticker_is_fetched_where_the_channel_wants_it(app, client):  # L1
    sticker = {"type": "sticker", "stickerId": "52002734"}

    [url] = stored_urls(app, client, sticker, sticker_pictures=True)

    assert url.startswith("https://stickershop.line-scdn.net/")
    assert "/52002734/" in url


@pytest.mark.parametrize("odd", ["../../x", "1/2", "", None, 5, "๑๒", "9" * 300])
def test_odd_sticker_leads_to_no_address(app, client, odd):  # T22
    sticker = {"type": "sticker", "stickerId": odd}

    assert stored_urls(app, client, sticker, sticker_pictures=True) == []

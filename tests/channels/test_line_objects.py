"""Files as LINE takes them (L5, LINE.md 2.7): bodies by LINE's own description, limits, refusals."""

import json
from dataclasses import replace

import pytest
import requests

from app.channels.base import Content, Outgoing, OutgoingFile
from app.channels.line.adapter import LineAdapter
from app.channels.line.credentials import Credentials
from app.models import Channel
from linesim import create_app
from linesim.serving import Running
from tests.linesim.linesim_contract import check, document

BASE = "https://mado.example.com/media/token"
PHOTO = OutgoingFile("image", f"{BASE}/photo.jpg", f"{BASE}/preview/picture.jpg", "photo.jpg", "image/jpeg", 900_000)
FILM = replace(PHOTO, kind="video", url=f"{BASE}/film.mp4", filename="film.mp4", content_type="video/mp4")
VOICE = OutgoingFile("audio", f"{BASE}/voice.m4a", None, "voice.m4a", "audio/mp4", 40_000, duration_ms=2_500)
PLAN = OutgoingFile("file", f"{BASE}/plan.pdf", None, "plan ผัง.pdf", "application/pdf", 1_400_000)

AS_CARDS = {
    "a picture over 10 MB": replace(PHOTO, size=10_000_001),
    "a picture without a preview": replace(PHOTO, preview_url=None),
    "a moving picture": replace(PHOTO, content_type="image/gif"),
    "a film over 200 MB": replace(FILM, size=200_000_001),
    "a film of another kind": replace(FILM, content_type="video/quicktime"),
    "a sound of another kind": replace(VOICE, content_type="audio/flac"),
}


def composed(*files: OutgoingFile, text: str = "") -> list[dict]:
    return json.loads(LineAdapter().compose(Content(text, files=files)))


def as_line_describes_it(message: dict) -> bool:
    families = document("messaging-api")["components"]["schemas"]["Message"]["discriminator"]["mapping"]
    check(message, {"$ref": families[message["type"]]}, api="messaging-api")
    return True


@pytest.mark.parametrize("file", [PHOTO, FILM, VOICE, PLAN], ids=lambda file: file.kind)
def test_a_file_becomes_an_object_that_line_describes(file):
    assert as_line_describes_it(composed(file)[0])


def test_a_picture_is_a_picture_with_its_preview():
    preview = f"{BASE}/preview/picture.jpg"
    assert composed(PHOTO) == [{"type": "image", "originalContentUrl": PHOTO.url, "previewImageUrl": preview}]


def test_a_voice_has_its_length_and_an_unmeasured_one_a_minute():
    assert composed(VOICE)[0]["duration"] == 2_500
    assert composed(replace(VOICE, duration_ms=None))[0]["duration"] == 60_000


def test_any_other_file_is_a_card_with_its_name_size_and_link():
    card = composed(PLAN)[0]
    assert card["altText"] == "plan ผัง.pdf (1.4 MB)"
    words = [part["text"] for part in card["contents"]["body"]["contents"]]
    assert words == ["plan ผัง.pdf", "1.4 MB", "mado.example.com"]
    assert card["contents"]["action"]["uri"] == PLAN.url


@pytest.mark.parametrize("what", AS_CARDS)
def test_what_line_does_not_show_is_a_card(what):
    assert composed(AS_CARDS[what])[0]["type"] == "flex"


def test_text_comes_before_the_files_and_files_need_none():
    assert [one["type"] for one in composed(PHOTO, PLAN, text="Both")] == ["text", "image", "flex"]
    assert [one["type"] for one in composed(PHOTO)] == ["image"]


@pytest.fixture
def context(app):
    with app.app_context():
        yield app


@pytest.mark.usefixtures("context")
def test_five_things_go_into_one_message_and_six_are_refused_with_what_to_do():
    adapter = LineAdapter()
    assert adapter.problem_with(Content("", files=(PHOTO,) * 5)) == ""
    problem = adapter.problem_with(Content("and a text", files=(PHOTO,) * 5))
    assert "5 files and 1" in problem
    assert "send them afterwards" in problem


@pytest.mark.parametrize(
    ("api", "url", "is_refused"),
    [
        ("https://api.line.me", "http://localhost:8000/media/a/b", True),
        ("https://api.line.me", "http://mado.example.com/media/a/b", True),
        ("https://api.line.me", "https://mado.example.com/media/a/b", False),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8000/media/a/b", False),
        ("http://127.0.0.1:8001", "http://mado.example.com/media/a/b", True),
    ],
)
def test_an_address_that_line_would_not_fetch_is_refused_before_sending(
    context, monkeypatch, api, url, is_refused
):
    config = replace(context.extensions["mado"], line_api_url=api)
    monkeypatch.setitem(context.extensions, "mado", config)
    problem = LineAdapter().problem_with(Content(files=(replace(PHOTO, url=url),)))
    assert ("PUBLIC_URL" in problem) is is_refused


def test_line_takes_every_kind_of_file_in_one_push(context, monkeypatch):
    line = Running(create_app(token="t" * 20, secret="s" * 32))
    try:
        config = replace(context.extensions["mado"], line_api_url=line.url)
        monkeypatch.setitem(context.extensions, "mado", config)
        channel = Channel(kind="line", name="Shop")
        Credentials(token="t" * 20, secret="s" * 32).keep(channel)
        someone = requests.get(f"{line.url}/_sim/customers", timeout=5).json()["items"][0]["user_id"]
        body = json.dumps(composed(PHOTO, FILM, VOICE, PLAN, text="All"))
        sent = LineAdapter().send(Outgoing(channel, someone, body, None, "123e4567-e89b-12d3-a456-426614174000"))
        talk = requests.get(f"{line.url}/_sim/customers/{someone}/talk", timeout=5).json()["items"]
    finally:
        line.stop()
    assert len(sent.external_ids) == 5
    assert [one["kind"] for one in talk] == ["text", "image", "video", "audio", "flex"]
    assert talk[4]["body"] == composed(PLAN)[0]

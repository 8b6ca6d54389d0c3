"""What an upload becomes: pictures written anew, films with a picture, refusals in words (T6, T7, T9)."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from app import pictures, sendable, storage
from app.domain.agents import Refused
from app.models import Attachment
from app.sendable import Upload
from tests import files
from tests.test_probing import film


@pytest.fixture(autouse=True)
def _in_context(app, either_storage):
    with app.app_context():
        yield


def kept(name: str, content: bytes, largest_mb: int = 50) -> Attachment:
    return sendable.keep(Upload(name, [content]), largest_mb=largest_mb)


def test_a_photo_loses_what_else_its_file_held():
    """T6: where it was taken, and what hides behind its end."""
    exif = Image.Exif()
    exif[0x010F] = "SECRET CAMERA"
    photo = files.picture("JPEG", exif=exif) + b"<script>alert(1)</script>"
    made = kept("photo.jpg", photo)
    sent = files.read(made.storage_key)
    assert (made.kind, made.content_type, made.width, made.height) == ("image", "image/jpeg", 60, 40)
    assert b"SECRET" not in sent
    assert b"script" not in sent
    assert made.size == len(sent)


def test_a_transparent_png_stays_one():
    made = kept("logo.png", files.picture("PNG", mode="RGBA"))
    assert made.content_type == "image/png"
    with Image.open(storage.open_(made.storage_key)) as image:
        assert image.mode == "RGBA"


def test_a_photo_of_many_megabytes_becomes_a_jpeg_whatever_it_was():
    photo = files.picture("PNG", (1900, 1900), compress_level=0)
    made = kept("photo.png", photo)
    assert len(photo) > 10_000_000
    assert (made.content_type, made.filename) == ("image/jpeg", "photo.jpg")


@pytest.mark.parametrize(("name", "shown"), [("a.webp", "a.jpg"), ("photo", "photo.jpg"), ("B.JPEG", "B.JPEG")])
def test_a_picture_of_another_format_becomes_a_jpeg_and_is_called_so(name, shown):
    made = kept(name, files.picture("WEBP"))
    assert (made.content_type, made.filename) == ("image/jpeg", shown)


def test_a_large_photo_fits_what_providers_take():
    made = kept("large.jpg", files.picture("JPEG", (6000, 4000)))
    assert (made.width, made.height) == (2560, 1707)
    assert made.size <= 10_000_000


def test_a_picture_has_a_preview_below_a_megabyte():
    made = kept("photo.png", files.picture("PNG", (1600, 900)))
    with Image.open(storage.open_(made.preview_key)) as preview:
        assert (preview.format, preview.size) == ("JPEG", (640, 360))
    assert storage.size_of(made.preview_key) < 1_000_000


def test_a_picture_that_moves_is_sent_as_it_is():
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    written = BytesIO()
    frames[0].save(written, "GIF", save_all=True, append_images=frames[1:])
    made = kept("cat.gif", written.getvalue())
    assert (made.kind, files.read(made.storage_key)) == ("file", written.getvalue())


def bomb() -> bytes:
    """A PNG that says it is 20,000 pixels wide and high."""

    def chunk(type_: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + type_ + data + struct.pack(">I", zlib.crc32(type_ + data))

    head = struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)
    data = zlib.compress(bytes(2501 * 200))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("content", [bomb(), files.picture()[:200]], ids=["bomb", "half"])
def test_a_picture_that_is_not_decoded_is_a_file(content):
    """T9"""
    made = kept("odd.png", content)
    assert (made.kind, made.preview_key) == ("file", None)


def test_a_web_page_called_a_picture_is_a_file_of_no_known_type():
    """T6"""
    made = kept("photo.png", b"<html><script>alert(1)</script>")
    assert (made.kind, made.content_type) == ("file", "application/octet-stream")


def test_a_film_has_its_length_and_a_picture_that_stands_for_it(monkeypatch):
    monkeypatch.setenv("PATH", "")
    made = kept("film.mp4", film(12))
    assert (made.kind, made.content_type, made.duration_ms) == ("video", "video/mp4", 12_000)
    assert files.read(made.preview_key).startswith(b"\xff\xd8")


def test_a_film_has_its_own_picture_where_ffmpeg_knows_it(monkeypatch):
    frame = pictures.Preview(files.picture(size=(64, 64)), 64, 64)
    monkeypatch.setattr("app.previews._of_film", lambda path: frame)
    made = kept("film.mp4", film(12))
    with Image.open(storage.open_(made.preview_key)) as preview:
        assert preview.size == (64, 64)


def test_a_sound_has_its_length():
    made = kept("voice.m4a", film(3).replace(b"isom", b"M4A "))
    assert (made.kind, made.content_type, made.duration_ms) == ("audio", "audio/mp4", 3_000)


REFUSED = {
    "empty": ("photo.jpg", b"", "empty"),
    "a program by its name": ("setup.EXE", b"text", "Programs are not sent"),
    "a program by its beginning": ("letter.pdf", b"MZ\x90\x00", "Programs are not sent"),
    "a script": ("letter.txt", b"#!/bin/sh\n", "Programs are not sent"),
    "a program behind a hidden mark": ("letter\u202efdp.exe", b"text", "Programs are not sent"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_says_why_and_leaves_nothing_behind(what):
    """T7"""
    name, content, why = REFUSED[what]
    before = files.kept()
    with pytest.raises(Refused, match=why):
        kept(name, content)
    assert files.kept() == before


def test_what_is_too_large_stops_where_it_is_and_leaves_nothing_behind():
    before, read_so_far = files.kept(), []

    def endless():
        while True:
            read_so_far.append(1)
            yield bytes(64 * 1024)

    with pytest.raises(sendable.TooLarge, match="1 MB"):
        sendable.keep(Upload("film.mp4", endless()), largest_mb=1)
    assert len(read_so_far) == 16
    assert files.kept() == before


@pytest.mark.parametrize(
    ("name", "shown"),
    [("../../etc/passwd", "passwd"), ("a\0b.txt", "ab.txt"), ("CON", "_CON"), ("", "file.pdf")],
)
def test_a_hostile_name_is_kept_harmless(name, shown):
    """T7"""
    assert kept(name, b"%PDF-1.4").filename == shown

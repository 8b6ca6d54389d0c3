"""What a file is by its first bytes: an allow-list, whatever its name or sender says."""

from pathlib import Path

import pytest

from app import content_types
from app.content_types import OTHER


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image/png"),
        (b"GIF89a\x01\x00", "image/gif"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00", "video/mp4"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00", "video/mp4"),
        (b"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00", "audio/mp4"),
        (b"ID3\x04\x00", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"OggS\x00\x02", "audio/ogg"),
        (b"%PDF-1.7\n", "application/pdf"),
    ],
)
def test_known_beginnings_are_named(head: bytes, found: str, tmp_path: Path):
    file = tmp_path / "x.html"
    file.write_bytes(head + b"\0" * 1000)
    assert content_types.of_file(file) == found


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"<?xml version='1.0'?><?xml-stylesheet href='x'?>",
        b"MZ\x90\x00",
        b"PK\x03\x04",
        b"RIFF\x24\x00\x00\x00AVI ",
        b"\x00\x00\x00\x18ftypqt  ",
        b"\x00\x00\x00\x18ftypheic",
    ],
)
def test_everything_else_is_just_bytes(head: bytes):  # T6
    assert content_types.sniff(head) == OTHER


@pytest.mark.parametrize(
    ("kind", "sniffed", "served"),
    [
        ("image", "image/png", "image/png"),
        ("image", "video/mp4", OTHER),
        ("image", "application/pdf", OTHER),
        ("video", "video/mp4", "video/mp4"),
        ("video", "image/gif", OTHER),
        ("audio", "audio/mp4", "audio/mp4"),
        ("audio", "video/mp4", "audio/mp4"),
        ("file", "image/png", "image/png"),
        ("file", OTHER, OTHER),
    ],
)
def test_what_is_not_what_it_was_said_to_be_is_just_bytes(kind: str, sniffed: str, served: str):
    assert content_types.fitting(kind, sniffed) == served


def test_only_pictures_videos_and_sounds_are_shown_in_pages():  # T6
    kinds = {content_types.kind_of(type_) for type_ in content_types.INLINE}
    assert kinds == {"image", "video", "audio"}
    assert not {"image/svg+xml", "text/html", "application/pdf", OTHER} & content_types.INLINE

"""Lengths of films and sounds, with ffprobe and without it; the picture for any film."""

import struct
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from app import probing


def box(type_: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), type_) + content


def film(seconds: float, *, version: int = 0, before: bytes = b"") -> bytes:
    """An MPEG-4 file that holds nothing but its length."""
    times = (">QQIQ", (0, 0, 1000)) if version else (">IIII", (0, 0, 1000))
    head = bytes([version, 0, 0, 0]) + struct.pack(times[0], *times[1], int(seconds * 1000))
    return box(b"ftyp", b"isom" + bytes(4)) + before + box(b"moov", box(b"mvhd", head + bytes(80)))


@pytest.fixture(autouse=True)
def _no_programs(monkeypatch):
    monkeypatch.setenv("PATH", "")


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A function that installs a program of this name which says these bytes."""

    def install(name: str, said: bytes, code: int = 0) -> None:
        (tmp_path / "said").write_bytes(said)
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n/bin/cat {tmp_path}/said\nexit {code}\n")
        path.chmod(0o700)
        monkeypatch.setenv("PATH", str(tmp_path))

    return install


@pytest.fixture
def file(tmp_path):
    def write(content: bytes) -> Path:
        path = tmp_path / "file"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("version", [0, 1])
def test_an_mpeg_4_file_tells_its_length_itself(file, version):
    assert probing.duration_ms(file(film(2.5, version=version))) == 2500


def test_its_length_is_found_behind_what_is_played(file):
    assert probing.duration_ms(file(film(61, before=box(b"mdat", bytes(5000))))) == 61_000


HOSTILE = {
    "empty": b"",
    "an mp3": b"ID3" + bytes(400),
    "a box of no size": film(1)[:16] + struct.pack(">I4s", 4, b"free") + bytes(40),
    "a box beyond the end": struct.pack(">I4s", 2**31, b"moov") + struct.pack(">I4s", 2**31, b"mvhd"),
    "a long box without its size": struct.pack(">I4s", 1, b"moov"),
    "a hundred thousand boxes": box(b"free", b"") * 100_000,
    "a box beyond all files": struct.pack(">I4sQ", 1, b"free", 2**64 - 1),
    "no time scale": box(b"moov", box(b"mvhd", bytes(100))),
    "a year long": film(3600 * 24 * 365, version=1),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_length_that_makes_no_sense_is_none(file, what):
    """T9"""
    assert probing.duration_ms(file(HOSTILE[what])) is None


def test_ffprobe_is_asked_where_it_is_installed(file, program):
    program("ffprobe", b"7.25\n")
    assert probing.duration_ms(file(b"ID3")) == 7250


@pytest.mark.parametrize(("said", "code"), [(b"N/A\n", 0), (b"", 1), (b"inf", 0)])
def test_an_ffprobe_that_does_not_know_leaves_it_unknown(file, program, said, code):
    program("ffprobe", said, code)
    assert probing.duration_ms(file(b"ID3")) is None


def test_ffprobe_takes_a_file_for_nothing_else_than_it_may_be(file, monkeypatch):
    """T10: a list of other files' names may stand behind an MP3's tag."""
    asked: list[str] = []
    monkeypatch.setattr(probing, "_run", lambda *words: asked.extend(words))
    probing.duration_ms(file(b"ID3" + bytes(400)))
    allowed = asked[asked.index("-format_whitelist") + 1].split(",")
    assert set(allowed) == {"mov", "mp3", "aac", "wav", "ogg", "flac"}


def test_the_neutral_picture_is_a_small_jpeg():
    with Image.open(BytesIO(probing.neutral_picture())) as image:
        assert (image.format, image.size) == ("JPEG", (640, 360))
    assert len(probing.neutral_picture()) < 50_000

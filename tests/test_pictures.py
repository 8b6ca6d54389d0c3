"""Pictures of contacts: made small, kept once, and never anybody's error."""

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import GifImagePlugin, Image

from app import pictures, transaction
from app.extensions import db
from app.models import Channel, Contact, Identity


def drawn(mode: str = "RGB", size: tuple[int, int] = (300, 200), kind: str = "PNG") -> bytes:
    written = BytesIO()
    Image.new(mode, size, 120 if mode in ("L", "P", "1") else None).save(written, kind)
    return written.getvalue()


def scanned(more: int) -> bytes:
    """A progressive JPEG whose last scan comes so many times more."""
    written = BytesIO()
    Image.new("L", (640, 640), 120).save(written, "JPEG", progressive=True)
    head, mark, last = written.getvalue()[:-2].rpartition(b"\xff\xda")
    return head + (mark + last) * (more + 1) + b"\xff\xd9"


def naming_another(jpeg: bytes) -> bytes:
    """The same as camera phones write it: with an index of the pictures behind it (CIPA DC-007)."""
    version = b"\xb0\x00\x07\x00\x04\x00\x00\x000100"
    number = b"\x01\xb0\x04\x00\x01\x00\x00\x00\x02\x00\x00\x00"
    entries = b"\x02\xb0\x07\x00\x20\x00\x00\x00\x32\x00\x00\x00"
    index = b"II*\x00\x08\x00\x00\x00\x03\x00" + version + number + entries + bytes(4)
    part = b"MPF\x00" + index + b"\x00\x00\x03\x00" + bytes(28)
    return jpeg[:2] + b"\xff\xe2" + (len(part) + 2).to_bytes(2) + part + jpeg[2:]


def described(tag: int, kind: int, value: bytes) -> bytes:
    """A JPEG that lies on its side, with a tag of a type that it never has."""
    fields = b"\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"
    fields += tag.to_bytes(2, "little") + kind.to_bytes(2, "little") + b"\x01\x00\x00\x00" + value
    exif = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x02\x00" + fields + bytes(4)
    written = BytesIO()
    Image.new("RGB", (30, 20)).save(written, "JPEG", exif=exif)
    return written.getvalue()


class Host:
    """Where the provider keeps a picture; answers what the test put there."""

    def __init__(self) -> None:
        self.status, self.body, self.content_type = 200, drawn(), "image/png"
        self.calls = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/p?token=CANARY"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(host) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.calls += 1
                self.send_response(host.status)
                self.send_header("Content-Type", host.content_type)
                self.end_headers()
                self.wfile.write(host.body)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        return Handler


@pytest.fixture
def host() -> Iterator[Host]:
    server = Host()
    yield server
    server.stop()


@pytest.fixture
def somchai(app: Flask, tmp_path: Path) -> Iterator[int]:
    """Somchai's identity, in a Mado that may call this machine and keeps pictures in tmp_path."""
    config = app.extensions["mado"]
    app.extensions["mado"] = replace(
        config, allow_private_hosts=frozenset({"127.0.0.1"}), data_dir=tmp_path
    )
    with app.app_context():
        with transaction.writing():
            channel = Channel(kind="line", name="Shop")
            contact = Contact(name="Somchai")
            db.session.add_all([channel, contact])
            db.session.flush()
            identity = Identity(channel_id=channel.id, external_id="U1", contact_id=contact.id)
            db.session.add(identity)
            db.session.flush()
        yield identity.id
        transaction.release()
    app.extensions["mado"] = config


def contact_of(identity_id: int) -> Contact:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(Identity, identity_id).contact


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("RGB", "JPEG"),
        ("CMYK", "JPEG"),
        ("RGBA", "PNG"),
        ("P", "PNG"),
        ("RGB", "WEBP"),
        ("P", "GIF"),
    ],
)
def test_picture_becomes_a_small_square_jpeg(mode: str, kind: str) -> None:
    with Image.open(BytesIO(pictures.small(drawn(mode, kind=kind)))) as made:
        assert (made.format, made.mode, made.size) == ("JPEG", "RGB", (96, 96))


def test_transparency_becomes_white() -> None:
    with Image.open(BytesIO(pictures.small(drawn("RGBA")))) as made:
        assert made.getpixel((48, 48)) == (255, 255, 255)


def test_nothing_but_the_picture_survives() -> None:
    written = BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "CANARY"
    Image.new("RGB", (200, 200)).save(written, "JPEG", exif=exif, comment=b"CANARY")
    assert b"CANARY" in written.getvalue()
    assert b"CANARY" not in pictures.small(written.getvalue() + b"CANARY")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"GIF89a<script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        drawn()[:60],
        drawn(kind="TIFF"),
        drawn("1", (5000, 4000)),
        drawn("1", (12000, 12000)),
        drawn("1", (20000, 20000)),
    ],
    ids=["empty", "script", "svg", "cut", "tiff", "20 MP", "144 MP", "400 MP"],
)
def test_bombs_and_other_files_are_not_decoded(raw: bytes) -> None:
    """T9"""
    with pytest.raises(pictures.NotAPicture):
        pictures.small(raw)


def test_fetched_picture_is_kept_under_a_random_name(somchai: int, host: Host) -> None:
    pictures.fetch_for(somchai, host.url)
    name = contact_of(somchai).picture
    assert name
    assert len(name.removesuffix(".jpg")) >= 32
    assert pictures.named(name) == pictures.small(host.body)


def test_new_picture_replaces_the_old_file(somchai: int, host: Host, tmp_path: Path) -> None:
    pictures.fetch_for(somchai, host.url)
    before = contact_of(somchai).picture
    host.body = drawn("L")
    pictures.fetch_for(somchai, host.url)
    after = contact_of(somchai).picture
    assert after != before
    assert [file.name for file in (tmp_path / "pictures").iterdir()] == [after]


def test_same_picture_changes_nothing(somchai: int, host: Host, tmp_path: Path) -> None:
    """Look-ups come every day; addresses of pages must not change with them."""
    pictures.fetch_for(somchai, host.url)
    before = contact_of(somchai).picture
    pictures.fetch_for(somchai, host.url)
    assert host.calls == 2
    assert contact_of(somchai).picture == before
    assert [file.name for file in (tmp_path / "pictures").iterdir()] == [before]


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (404, "image/png", drawn()),
        (200, "text/html", drawn()),
        (200, "image/png", b"no picture"),
        (200, "image/png", b"x" * 2_000_001),
    ],
    ids=["gone", "html", "damaged", "large"],
)
def test_bad_picture_leaves_the_old_one_and_no_error(
    somchai: int, host: Host, tmp_path: Path, status: int, content_type: str, body: bytes
) -> None:
    pictures.fetch_for(somchai, host.url)
    before = contact_of(somchai).picture
    assert before
    host.status, host.content_type, host.body = status, content_type, body
    pictures.fetch_for(somchai, host.url)
    assert contact_of(somchai).picture == before
    assert [file.name for file in (tmp_path / "pictures").iterdir()] == [before]


def test_private_address_is_not_called(app: Flask, somchai: int, host: Host) -> None:
    """T10"""
    app.extensions["mado"] = replace(app.extensions["mado"], allow_private_hosts=frozenset())
    pictures.fetch_for(somchai, host.url)
    assert host.calls == 0
    assert contact_of(somchai).picture is None


def test_failure_is_logged_without_the_address(
    somchai: int, host: Host, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T26: whatever goes wrong stays here, and the log holds no token."""

    def broken(*_: Any, **__: Any) -> None:
        raise OSError(f"disk full while fetching {host.url}")

    monkeypatch.setattr(pictures, "keep", broken)
    with caplog.at_level(logging.DEBUG):
        pictures.fetch_for(somchai, host.url)
    assert "OSError" in caplog.text
    assert "CANARY" not in caplog.text


def test_contact_who_is_gone_leaves_no_file(somchai: int, host: Host, tmp_path: Path) -> None:
    pictures.fetch_for(somchai + 1000, host.url)
    assert host.calls == 1
    assert list((tmp_path / "pictures").iterdir()) == []


def test_missing_file_is_no_picture(somchai: int) -> None:
    assert pictures.named(None) is None
    assert pictures.named("gone.jpg") is None


# ── Previews of messages' files ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("size", "made"),
    [((2000, 1000), (640, 320)), ((300, 200), (300, 200)), ((400, 4000), (64, 640))],
)
def test_preview_keeps_the_shape_and_tells_the_real_size(
    size: tuple[int, int], made: tuple[int, int], tmp_path: Path
) -> None:
    (tmp_path / "x").write_bytes(drawn(size=size))
    preview = pictures.preview(tmp_path / "x")
    assert (preview.width, preview.height) == size
    with Image.open(BytesIO(preview.jpeg)) as shown:
        assert (shown.format, shown.size) == ("JPEG", made)


def test_preview_stands_upright_and_says_so(tmp_path: Path) -> None:
    """U11: the page keeps room for it before it has come."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (1000, 500)).save(tmp_path / "x", "JPEG", exif=exif)
    preview = pictures.preview(tmp_path / "x")
    assert (preview.width, preview.height) == (500, 1000)
    with Image.open(BytesIO(preview.jpeg)) as shown:
        assert shown.size == (320, 640)


def test_nothing_but_the_picture_survives_in_a_preview() -> None:
    written = BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "CANARY"
    Image.new("RGB", (200, 200)).save(written, "JPEG", exif=exif, comment=b"CANARY")
    written.write(b"CANARY")
    assert b"CANARY" not in pictures.preview(written).jpeg


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"GIF89a<script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        drawn()[:60],
        drawn(kind="TIFF"),
        drawn("L", (10000, 10000), "JPEG"),
        drawn("1", (12000, 12000)),
        drawn("1", (20000, 20000)),
        scanned(more=100),
        naming_another(scanned(more=100)),
    ],
    ids="empty script svg cut tiff 100-MP-JPEG 144-MP 400-MP scans MPO".split(),
)
def test_bombs_and_other_files_get_no_preview(raw: bytes) -> None:
    """T9"""
    with pytest.raises(pictures.NotAPicture):
        pictures.preview(BytesIO(raw))


@pytest.mark.parametrize("jpeg", [scanned(more=10), naming_another(scanned(more=10))])
def test_usual_number_of_scans_is_decoded(jpeg: bytes, tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(jpeg)
    assert pictures.preview(tmp_path / "picture").width == 640


def test_scans_are_counted_in_the_picture_alone() -> None:
    """A camera's metadata holds small pictures, and films may stand behind the large one."""
    scan = b"\xff\xda\x00\x02"
    part = b"\xff\xe1" + (2 + 100 * len(scan)).to_bytes(2) + scan * 100
    jpeg = drawn(kind="JPEG")
    assert pictures.preview(BytesIO(jpeg[:2] + part + jpeg[2:] + scan * 100)).width == 300


@pytest.mark.parametrize(("tag", "kind"), [(0x010E, 11), (0x011A, 2), (0x0100, 7)])
def test_metadata_of_a_wrong_type_makes_no_other_error(tag: int, kind: int) -> None:
    """T6: what was made by hand is kept as a file, and not tried again and again."""
    with pytest.raises(pictures.NotAPicture):
        pictures.preview(BytesIO(described(tag, kind, b"\x01\x00\x00\x00")))


def test_many_pages_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """T9: a preview shows the first one."""
    pages = [Image.new("P", (64, 64), number % 256) for number in range(500)]
    written = BytesIO()
    pages[0].save(written, "GIF", save_all=True, append_images=pages[1:])
    decoded: list[int] = []
    load = GifImagePlugin.GifImageFile.load
    monkeypatch.setattr(
        GifImagePlugin.GifImageFile, "load", lambda self: decoded.append(self.tell()) or load(self)
    )
    assert pictures.preview(written).width == 64
    assert set(decoded) == {0}


def palette_with_a_clear_colour() -> bytes:
    written = BytesIO()
    Image.new("P", (5000, 5000), 3).save(written, "PNG", transparency=0)
    return written.getvalue()


@pytest.mark.parametrize("large", [drawn("RGBA", (5000, 5000)), palette_with_a_clear_colour()])
def test_preview_of_a_large_picture_needs_little_memory(large: bytes, tmp_path: Path) -> None:
    """T9: whatever comes, a process grows by less than 200 MB, and only for a moment."""
    (tmp_path / "large").write_bytes(large)
    (tmp_path / "bomb").write_bytes(drawn("1", (20000, 20000)))
    program = (
        "import sys, resource\n"
        "from contextlib import suppress\n"
        "from pathlib import Path\n"
        "from app import pictures\n"
        "from PIL import Image\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "pictures.preview(Path(sys.argv[1]))\n"
        "with suppress(pictures.NotAPicture):\n"
        "    pictures.preview(Path(sys.argv[2]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "large"), str(tmp_path / "bomb")]
    grown = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert int(grown) < 200_000

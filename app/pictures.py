"""Pictures: decoded within limits, made small and written anew; and those of contacts, kept here.

What came in is never shown: a picture is decoded by Pillow within limits (T9) and written anew,
without whatever else was in the file. `small` is for contacts, `preview` for files of messages. A
contact's picture that can't be had is no error of anybody's: the page shows initials.
"""

import logging
import mmap
import re
import secrets
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from app import outgoing, storage, transaction
from app.domain import events
from app.extensions import db
from app.models import Case, Identity

LARGEST = 2_000_000
MOST_PIXELS = 16_000_000
SIDE = 96  # shown at up to 48 px, so twice that for dense screens
# Telephones take 12 to 24 megapixels; decoded, the largest is 100 MB for a moment.
MOST_PREVIEWED_PIXELS = 25_000_000
PREVIEW_SIDE = 640  # shown at up to 320 px
# What is sent: the largest that every provider takes (LINE.md 2.7), and no larger than screens.
LARGEST_REWRITTEN = 10_000_000
REWRITTEN_SIDE = 2560
CONTENT_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif")
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
JPEGS = ("JPEG", "MPO")  # one that names further pictures behind it opens as the second
# Some bytes more are a scan more, and each is decoded over the whole picture; usual are ten (T9).
MOST_SCANS = 60
# Copied as they are before they are small: four bytes for each pixel, several times.
MOST_PALETTE_PIXELS = 9_000_000
MEDIA_TYPE = "image/jpeg"
ORIENTATION = 0x0112  # Exif's number for which side is up

# Whatever has a length after it; not stuffed bytes, restarts and other marks that stand alone.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
_START_OF_SCAN, _END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"

_one_at_a_time = threading.Lock()
log = logging.getLogger(__name__)


class NotAPicture(Exception):
    """Bytes that are not decoded: damaged, too large, or of another kind."""


def fetch_for(identity_id: int, url: str) -> None:
    """Fetch a profile picture and keep a small one of our own. Outside any transaction.

    It never raises: whoever looked a name up has the name.
    """
    _try(f"identity {identity_id}", url, lambda picture: _keep(identity_id, picture))


def fetch_for_channel(channel_id: int, url: str) -> None:
    """The same for the account that a channel is, whose picture only settings show."""
    _try(f"channel {channel_id}", url, lambda picture: keep(name_for(channel_id), picture))


def keep(name: str, picture: bytes) -> None:
    """Under this name, in the place of an older one."""
    storage.put(name, picture, folder=storage.PICTURES)


def named(name: str | None) -> bytes | None:
    """The picture of this name, of MEDIA_TYPE; None when there is none, or none can be had now."""
    if not name:
        return None
    try:
        with storage.open_(name, folder=storage.PICTURES) as file:
            return file.read()
    except (FileNotFoundError, storage.Unavailable):
        return None


def name_for(channel_id: int) -> str:
    """What the picture of a channel is called; a contact's row tells its own."""
    return f"channel-{channel_id}.jpg"


def has_channel(channel_id: int) -> bool:
    try:
        return storage.size_of(name_for(channel_id), folder=storage.PICTURES) is not None
    except storage.Unavailable:
        return False


def forget_channel(channel_id: int) -> None:
    """Take the picture of a deleted channel away."""
    storage.discard(name_for(channel_id), folder=storage.PICTURES)


@dataclass(frozen=True)
class Preview:
    """A small JPEG of a picture, and how large the picture itself is when it stands upright."""

    jpeg: bytes
    width: int
    height: int


def small(raw: bytes) -> bytes:
    """A square JPEG of SIDE pixels, cut from the middle. Raise NotAPicture."""
    from PIL import ImageOps

    with _decoded(BytesIO(raw), side=SIDE * 8, most_pixels=MOST_PIXELS) as (image, _):
        return _jpeg(ImageOps.fit(_on_white(image), (SIDE, SIDE)))


def preview(file: BinaryIO | Path) -> Preview:
    """A JPEG that fits into a square of PREVIEW_SIDE pixels. Raise NotAPicture.

    One at a time in a process, whoever asks: what decoding needs for a moment is needed once.
    """
    with (
        _one_at_a_time,
        _decoded(file, side=PREVIEW_SIDE * 2, most_pixels=MOST_PREVIEWED_PIXELS) as (image, size),
    ):
        shown = _on_white(image)
        shown.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
        return Preview(_jpeg(shown), *size)


@dataclass(frozen=True)
class Rewritten:
    """A whole picture made anew: JPEG, or PNG where it was one."""

    content: bytes
    content_type: str
    width: int
    height: int


def rewritten(file: BinaryIO | Path, *, may_be_png: bool) -> Rewritten:
    """The picture without whatever else was in its file, at most LARGEST_REWRITTEN bytes.

    Raise NotAPicture.
    """
    side, most = REWRITTEN_SIDE, MOST_PREVIEWED_PIXELS
    with _one_at_a_time, _decoded(file, side=side, most_pixels=most) as (image, _):
        if may_be_png and len(png := _png(image)) <= LARGEST_REWRITTEN:
            return Rewritten(png, "image/png", *image.size)
        shown = _on_white(image)
        while len(jpeg := _jpeg(shown)) > LARGEST_REWRITTEN:
            shown.thumbnail((shown.width * 2 // 3, shown.height * 2 // 3))
        return Rewritten(jpeg, "image/jpeg", *shown.size)


def moves(file: BinaryIO | Path) -> bool:
    """Whether a picture has more than one frame: made anew it would stand still."""
    with _opened(file) as image:
        return bool(getattr(image, "is_animated", False))


@contextmanager
def _decoded(
    file: BinaryIO | Path, *, side: int, most_pixels: int
) -> Iterator[tuple[Any, tuple[int, int]]]:
    """The first picture in a file, upright and no larger than it has to be, and its real size.

    Nothing is decoded before its dimensions are known. Raise NotAPicture, also for what the
    caller's own work on it finds damaged.
    """
    from PIL import ImageOps

    with _opened(file) as image:
        width, height = image.size
        if width * height > most_pixels:
            raise NotAPicture(f"{width} x {height} is too large")
        if image.format in JPEGS and _has_too_many_scans(file):
            raise NotAPicture("it has too many scans")
        if image.getexif().get(ORIENTATION, 1) > 4:  # lies on its side
            width, height = height, width
        # Made small before anything copies it; with a palette that is ugly.
        if image.mode not in ("1", "P") or width * height > MOST_PALETTE_PIXELS:
            image.thumbnail((side, side))
        yield ImageOps.exif_transpose(image), (width, height)


@contextmanager
def _opened(file: BinaryIO | Path) -> Iterator[Any]:
    """A picture of which only the beginning was read. Raise NotAPicture, whatever Pillow raises.

    A file made by hand raises far more than OSError: its metadata alone may be of any type.
    """
    from PIL import Image  # lazily: most processes never decode one

    # Pillow refuses at 179 megapixels and only warns at half of that.
    warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
    try:
        with Image.open(file, formats=FORMATS) as image:
            yield image
    except (NotAPicture, MemoryError):
        raise
    except Exception as problem:
        raise NotAPicture(type(problem).__name__) from problem


def _has_too_many_scans(file: BinaryIO | Path) -> bool:
    if not isinstance(file, Path):
        file.seek(0)
        return _scans(file.read()) > MOST_SCANS
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        return _scans(raw) > MOST_SCANS


def _scans(raw: bytes | mmap.mmap) -> int:
    """How many scans a JPEG has, counted no further than MOST_SCANS; pictures in its metadata don't count."""
    count, place = 0, 0
    while count <= MOST_SCANS and (found := _JPEG_MARKER.search(raw, place)):
        if found[0] == _END_OF_IMAGE:
            break
        count += found[0] == _START_OF_SCAN
        place = found.end() + int.from_bytes(raw[found.end() : found.end() + 2])
    return count


def _jpeg(image: Any) -> bytes:
    image.info.clear()  # comments and the like, which save() would copy
    written = BytesIO()
    image.save(written, "JPEG", quality=85, optimize=True)
    return written.getvalue()


def _png(image: Any) -> bytes:
    wanted = "RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB"
    plain = image.convert(wanted)
    plain.info.clear()
    written = BytesIO()
    plain.save(written, "PNG")
    return written.getvalue()


def _on_white(image: Any) -> Any:
    """Without transparency, which JPEG hasn't."""
    from PIL import Image

    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    layered = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")


def _try(whose: str, url: str, keep: Callable[[bytes], None]) -> None:
    try:
        answer = outgoing.request("GET", url, content_types=CONTENT_TYPES, largest=LARGEST)
        if answer.status != 200:
            raise outgoing.BadAnswer(f"the picture's host answered {answer.status}")
        keep(small(answer.body))
    except (outgoing.OutgoingError, NotAPicture) as problem:
        log.info("no picture for %s: %s", whose, problem)
    except Exception as problem:
        # A full disk, a locked database. The type alone is logged: the text may hold the URL.
        log.warning("no picture for %s: %s", whose, type(problem).__name__)
        transaction.release()


def _keep(identity_id: int, picture: bytes) -> None:
    """Write the file, then the row, then take the old file away: a crash leaves a stray at most."""
    old = _of_identity(identity_id)
    if named(old) == picture:
        return
    name = f"{secrets.token_urlsafe(24)}.jpg"
    keep(name, picture)
    try:
        replaced = _record(identity_id, name)
    except BaseException:
        storage.discard(name, folder=storage.PICTURES)
        raise
    storage.discard(replaced, folder=storage.PICTURES)


def _of_identity(identity_id: int) -> str | None:
    identity = db.session.get(Identity, identity_id)
    name = identity.contact.picture if identity else None
    transaction.release()
    return name


def _record(identity_id: int, name: str) -> str | None:
    """Name the file in the contact's row; the file that was named before."""
    with transaction.writing():
        contact = db.session.get_one(Identity, identity_id).contact
        old, contact.picture = contact.picture, name
        db.session.flush()
        shown = db.session.query(Case.id).filter_by(contact_id=contact.id, chat_state="active")
        for (case_id,) in shown.all():
            events.record("contact.pictured", case_id=case_id, contact=contact.id)
    return old

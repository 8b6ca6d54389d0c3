"""What only a player would know of a film or a sound: its length; and a picture for any film.

ffprobe is asked where it is installed, with a timeout and allowed to open this one file; nothing
depends on it. Without it MPEG-4 files tell their length themselves, and an MP3's stays unknown.
"""

import shutil
import struct
import subprocess
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

SECONDS = 10.0
# A day; whatever claims to be longer is not believed.
LONGEST_MS = 24 * 3600 * 1000
NEUTRAL_SIZE = (640, 360)
# Nor is it taken for a list of other files, which may stand behind a tag like an MP3's.
FORMATS = "mov,mp3,aac,wav,ogg,flac"
ONLY_THIS_FILE = (*"-v error -protocol_whitelist file -format_whitelist".split(), FORMATS)
MOST_BOXES = 1000


def duration_ms(path: Path) -> int | None:
    """The length in milliseconds; None where nobody here knows."""
    found = _asked_duration(path) or _told_duration(path)
    return found if found and 0 < found <= LONGEST_MS else None


@cache
def neutral_picture() -> bytes:
    """A dark field with a triangle that says "play"; JPEG."""
    from PIL import Image, ImageDraw

    width, height = NEUTRAL_SIZE
    image = Image.new("RGB", NEUTRAL_SIZE, (44, 50, 58))
    draw = ImageDraw.Draw(image)
    x, y, side = width // 2, height // 2, 46
    draw.ellipse((x - 84, y - 84, x + 84, y + 84), outline=(255, 255, 255), width=6)
    draw.polygon(((x - 26, y - side), (x - 26, y + side), (x + 52, y)), fill=(255, 255, 255))
    written = BytesIO()
    image.save(written, "JPEG", quality=88)
    return written.getvalue()


def _asked_duration(path: Path) -> int | None:
    wanted = ("-show_entries", "format=duration", "-of", "csv=p=0")
    said = _run("ffprobe", *ONLY_THIS_FILE, *wanted, str(path))
    try:
        return round(float(said or b"") * 1000)
    except (ValueError, OverflowError):
        return None


def _run(program: str, *arguments: str) -> bytes | None:
    where = shutil.which(program)
    if where is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program, and a path that we made
            [where, *arguments], capture_output=True, timeout=SECONDS, stdin=subprocess.DEVNULL
        )
    except (subprocess.TimeoutExpired, OSError):
        return None
    return done.stdout if done.returncode == 0 else None


def _told_duration(path: Path) -> int | None:
    """The length in an MPEG-4 file's movie header (ISO/IEC 14496-12, 8.2.2)."""
    with path.open("rb") as file:
        movie = _enter(file, b"moov", path.stat().st_size)
        header = movie and _enter(file, b"mvhd", movie)
        return _length_in(file.read(32)) if header else None


def _enter(file: BinaryIO, wanted: bytes, end: int) -> int | None:
    """Go into the first box of this type before `end`; where that box ends."""
    for _ in range(MOST_BOXES):
        start, head = file.tell(), file.read(8)
        if start >= end or len(head) < 8:
            return None
        size, type_ = struct.unpack(">I4s", head)
        if size == 1:
            size = int.from_bytes(file.read(8))
        size = size or end - start
        if type_ == wanted:
            return start + size
        if size < 8 or start + size > end:
            return None
        file.seek(start + size)
    return None


def _length_in(header: bytes) -> int | None:
    layout, skipped = (">IQ", 20) if header[:1] == b"\x01" else (">II", 12)
    if len(header) < skipped + struct.calcsize(layout):
        return None
    scale, length = struct.unpack_from(layout, header, skipped)
    return round(length * 1000 / scale) if scale else None

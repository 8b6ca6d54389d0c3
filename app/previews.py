"""What a file is, and a small picture of it that we made: of pictures, and of films.

Pillow decodes pictures within limits (T9). One that it can't decode is no picture, whatever it says:
it is kept as a file to be saved. The first frame of a film needs ffmpeg; without one on this
machine films have no preview.
"""

import logging
import shutil
import subprocess
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from app import content_types, pictures

FRAME_SECONDS = 20.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Examined:
    """What a file is served as; and its preview, with which its own size in pixels is known."""

    content_type: str
    preview: pictures.Preview | None = None


def examine(path: Path, kind: str) -> Examined:
    """Look at a file that is said to be of this kind. Outside any transaction."""
    type_ = content_types.fitting(kind, content_types.of_file(path))
    preview = _preview(path, kind, type_)
    if preview is None and kind == "image":
        return Examined(content_types.OTHER)
    return Examined(type_, preview)


def _preview(path: Path, kind: str, type_: str) -> pictures.Preview | None:
    if type_ == content_types.OTHER:
        return None
    try:
        if kind == "image":
            return pictures.preview(path)
        return _of_film(path) if kind == "video" else None
    except pictures.NotAPicture as problem:
        log.info("no preview: %s", problem)
        return None


def _of_film(path: Path) -> pictures.Preview | None:
    """Its first frame; None without ffmpeg, and for what that can't read."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        return None
    # A stranger's file: one demuxer, no other file or address, one frame, and not for long.
    options = "-nostdin -v error -threads 1 -protocol_whitelist file -f mov -i".split()
    frame = "-frames:v 1 -an -sn -vf scale=640:-2 -f image2pipe -c:v mjpeg -".split()
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the path is of our own making
            [ffmpeg, *options, f"file:{path}", *frame], capture_output=True, timeout=FRAME_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as problem:
        log.info("no preview of a film: %s", type(problem).__name__)
        return None
    return pictures.preview(BytesIO(done.stdout)) if done.stdout else None

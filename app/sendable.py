"""A file that an agent uploaded, made fit to be sent: what it is, what of it is kept, and refusals.

Its first bytes say what it is, never its name (T6). A picture is decoded and written anew, so
that what goes out holds neither a hidden program nor where it was taken; one that can't be
decoded within limits (T9) or that moves is sent as it is, as a file to be saved. Programs are
refused: nobody should get used to being sent one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from flask_babel import gettext as _

from app import content_types, pictures, previews, probing, storage
from app.domain import filenames, settings
from app.domain.agents import Refused
from app.models import Attachment

PROGRAM_ENDINGS = frozenset(
    "apk app bat cmd com cpl dll dmg exe hta jar js jse lnk msi pif ps1 reg scr sh vb vbe vbs wsf".split()
)
PROGRAM_BEGINNINGS = (
    b"MZ",
    b"\x7fELF",
    b"#!",
    b"\xfe\xed\xfa",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
)


class TooLarge(Refused):
    """More bytes than the setting allows."""


@dataclass(frozen=True)
class Upload:
    """What came: the bytes piece by piece, and what the browser calls them."""

    name: str
    chunks: Iterable[bytes]


def keep(upload: Upload, *, largest_mb: int) -> Attachment:
    """Store it and say what it is, as a row without a case yet. Raise Refused; nothing is kept then."""
    try:
        stored = storage.write(upload.chunks, largest=largest_mb * settings.MEGABYTE)
    except storage.TooLarge as problem:
        raise TooLarge(_("Too large: a file may have %(most)s MB.", most=largest_mb)) from problem
    made = Attachment(state="stored", storage_key=stored.key, size=stored.size)
    try:
        _judge(made, filenames.clean(upload.name))
    except BaseException:
        forget(made)
        raise
    return made


def forget(made: Attachment) -> None:
    """Take its stored files away."""
    storage.delete(made.storage_key, made.preview_key)


def _judge(made: Attachment, name: str) -> None:
    path = storage.path_of(made.storage_key or "")
    if not made.size:
        raise Refused(_("This file is empty."))
    if _is_program(path, name):
        raise Refused(_("Programs are not sent. Put it into a ZIP file if you have to."))
    made.content_type = content_types.of_file(path)
    made.kind = content_types.kind_of(made.content_type)
    made.filename = name or f"file{content_types.EXTENSIONS.get(made.content_type, '')}"
    if made.kind == "image":
        _write_anew(made, path)
    elif made.kind == "video":
        _add_picture(made)
    if made.kind in ("video", "audio"):
        made.duration_ms = probing.duration_ms(path)


def _is_program(path: Path, name: str) -> bool:
    with path.open("rb") as file:
        beginning = file.read(4)
    ending = name.rpartition(".")[2].lower()
    return ending in PROGRAM_ENDINGS or beginning.startswith(PROGRAM_BEGINNINGS)


def _write_anew(made: Attachment, path: Path) -> None:
    try:
        if pictures.moves(path):
            made.kind = "file"
            return
        picture = pictures.rewritten(path, may_be_png=_may_be_png(made))
        preview = pictures.preview(_kept(made, picture))
    except pictures.NotAPicture:
        made.kind = "file"
        return
    made.width, made.height = picture.width, picture.height
    made.preview_key = storage.write([preview.jpeg], largest=len(preview.jpeg)).key


def _may_be_png(made: Attachment) -> bool:
    """Drawings and screenshots; a photo of many megabytes is smaller as a JPEG, and sooner made."""
    is_small = (made.size or 0) <= pictures.LARGEST_REWRITTEN
    return made.content_type == "image/png" and is_small


def _kept(made: Attachment, picture: pictures.Rewritten) -> Path:
    """Put the new picture into the old one's place; its name gets the ending that fits."""
    old, made.storage_key = made.storage_key, None
    storage.delete(old)
    stored = storage.write([picture.content], largest=len(picture.content))
    made.storage_key, made.size, made.content_type = stored.key, stored.size, picture.content_type
    made.filename = _with_ending(made.filename, content_types.EXTENSIONS[picture.content_type])
    return storage.path_of(stored.key)


def _with_ending(name: str, ending: str) -> str:
    if name.lower().endswith((ending, ".jpeg" if ending == ".jpg" else ending)):
        return name
    stem, dot, _old = name.rpartition(".")
    return f"{stem if dot else name}{ending}"


def _add_picture(made: Attachment) -> None:
    """A film's first picture where ffmpeg is installed, else one that stands for any film."""
    found = previews.examine(made.storage_key or "", "video")
    made.width, made.height, made.preview_key = found.width, found.height, found.preview_key
    if made.preview_key is None:
        neutral = probing.neutral_picture()
        made.preview_key = storage.write([neutral], largest=len(neutral)).key

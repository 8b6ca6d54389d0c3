"""A file that an agent uploaded, made fit to be sent: what it is, what of it is kept, and refusals.

Its first bytes say what it is, never its name (T6). A picture is decoded and written anew, so
that what goes out holds neither a hidden program nor where it was taken; one that can't be
decoded within limits (T9) or that moves is sent as it is, as a file to be saved. Programs are
refused: nobody should get used to being sent one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from app import content_types, pictures, previews, probing, storage
from app.domain import filenames, settings
from app.domain.agents import Refused
from app.language import gettext as _
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
        received = storage.receive(upload.chunks, largest=largest_mb * settings.MEGABYTE)
    except storage.TooLarge as problem:
        raise TooLarge(_("Too large: a file may have %(most)s MB.", most=largest_mb)) from problem
    made = Attachment(state="stored", size=received.size)
    try:
        with received:
            _judge(made, received.path, filenames.clean(upload.name))
            made.storage_key = made.storage_key or received.keep()
    except storage.Unavailable as problem:
        forget(made)
        raise Refused(_("It can't be stored now. Try again in a minute.")) from problem
    except BaseException:
        forget(made)
        raise
    return made


def forget(made: Attachment) -> None:
    """Take its stored files away."""
    storage.discard(made.storage_key, made.preview_key)


def _judge(made: Attachment, path: Path, name: str) -> None:
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
        _add_picture(made, path)
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
        preview = pictures.preview(BytesIO(picture.content))
    except pictures.NotAPicture:
        made.kind = "file"
        return
    made.storage_key, made.preview_key = storage.keep(picture.content), storage.keep(preview.jpeg)
    made.width, made.height, made.size = picture.width, picture.height, len(picture.content)
    made.content_type = picture.content_type
    made.filename = _with_ending(made.filename, content_types.EXTENSIONS[picture.content_type])


def _may_be_png(made: Attachment) -> bool:
    """Drawings and screenshots; a photo of many megabytes is smaller as a JPEG, and sooner made."""
    is_small = (made.size or 0) <= pictures.LARGEST_REWRITTEN
    return made.content_type == "image/png" and is_small


def _with_ending(name: str, ending: str) -> str:
    if name.lower().endswith((ending, ".jpeg" if ending == ".jpg" else ending)):
        return name
    stem, dot, _old = name.rpartition(".")
    return f"{stem if dot else name}{ending}"


def _add_picture(made: Attachment, path: Path) -> None:
    """A film's first picture where ffmpeg is installed, else one that stands for any film."""
    if preview := previews.examine(path, "video").preview:
        made.width, made.height = preview.width, preview.height
    made.preview_key = storage.keep(preview.jpeg if preview else probing.neutral_picture())

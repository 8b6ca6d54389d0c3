"""What a file is, by its first bytes: never by its name or by what somebody said of it (T6).

An allow-list: whatever is not known here is OTHER, which browsers save and never show. It says
nothing about whether a file is whole or harmless; a picture is one when Pillow has decoded it.
"""

from pathlib import Path

OTHER = "application/octet-stream"
HEAD_BYTES = 64

# What a browser may show or play in a page of ours.
PICTURES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
VIDEOS = frozenset({"video/mp4"})
SOUNDS = frozenset(
    {"audio/mp4", "audio/mpeg", "audio/aac", "audio/wav", "audio/ogg", "audio/flac"}
)
INLINE = PICTURES | VIDEOS | SOUNDS
EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "audio/mp4": ".m4a",
    "audio/mpeg": ".mp3",
    "audio/aac": ".aac",
    "audio/wav": ".wav",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
    "application/pdf": ".pdf",
}

_BEGINNINGS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xf1", "audio/aac"),
    (b"\xff\xf9", "audio/aac"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
# Major brands of ISO media files that are MPEG-4 (https://mp4ra.org/registered-types/brands).
_SOUND_BRANDS = (b"M4A ", b"M4B ")
_VIDEO_BRANDS = (b"isom", b"iso", b"mp41", b"mp42", b"avc1", b"M4V ", b"MSNV", b"dash", b"f4v ")


def sniff(head: bytes) -> str:
    """The type that a file with this beginning has; OTHER when it is none of those we know."""
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], OTHER)
    if head[4:8] == b"ftyp":
        return _of_brand(head[8:12])
    return next((type_ for beginning, type_ in _BEGINNINGS if head.startswith(beginning)), OTHER)


def of_file(path: Path) -> str:
    """The same, of a file that lies on the disk."""
    with path.open("rb") as file:
        return sniff(file.read(HEAD_BYTES))


def kind_of(content_type: str) -> str:
    """How a file of this type is shown: image, video, audio or file."""
    if content_type in PICTURES:
        return "image"
    if content_type in VIDEOS:
        return "video"
    return "audio" if content_type in SOUNDS else "file"


def fitting(kind: str, sniffed: str) -> str:
    """The type a file of this kind is served as; OTHER when it is not what it was said to be.

    A voice message may come in a container that says video; its player is the one for sounds.
    """
    if kind == "audio" and sniffed in VIDEOS:
        return "audio/mp4"
    return sniffed if kind in ("file", kind_of(sniffed)) else OTHER


def _of_brand(brand: bytes) -> str:
    if brand in _SOUND_BRANDS:
        return "audio/mp4"
    return "video/mp4" if brand.startswith(_VIDEO_BRANDS) else OTHER

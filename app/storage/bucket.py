"""Files in an S3-compatible bucket: the same verbs as of a folder.

Nothing in the bucket is public: bytes go through Mado, which knows who may have them. A file is put
with one call, so there are no halves, not even hidden ones that cost money.
"""

import io
from collections.abc import Iterator
from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any, BinaryIO

from app.s3 import Bucket as Settings
from app.storage.calls import Calls
from app.storage.folder import Listed, Through

PIECE_BYTES = 128 * 1024
NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class Bucket:
    """Names are those in STORAGE_URL's prefix. Everything raises Unavailable, too."""

    def __init__(self, settings: Settings) -> None:
        self._prefix = settings.prefix
        self._calls = Calls(settings)

    @property
    def problem(self) -> str | None:
        """What is wrong with it, as far as this process knows."""
        return self._calls.problem

    def check(self) -> None:
        """See whether it is there; `problem` tells it afterwards, too."""
        self._calls.check()

    def take(self, file: Path, name: str, through: Through = iter) -> None:
        """Put a finished file of this machine there, in the place of what has that name."""
        with file.open("rb") as opened:
            checksum = file_digest(opened, "sha256").hexdigest()
            opened.seek(0)
            pieces = iter(lambda: opened.read(PIECE_BYTES), b"")
            size = file.stat().st_size
            self._calls.put(name, through(pieces), size=size, checksum=checksum)
        file.unlink()

    def open(self, name: str) -> BinaryIO:
        """Raise FileNotFoundError."""
        size = self.size_of(name)
        if size is None:
            raise FileNotFoundError
        return io.BufferedReader(_Reader(self._calls, name, size), PIECE_BYTES)

    def size_of(self, name: str) -> int | None:
        return self._calls.size_of(name)

    def delete(self, name: str) -> None:
        self._calls.delete(name)

    def listed(self, folder: str) -> Iterator[Listed]:
        """What lies there, a thousand names a call."""
        from xml.etree import ElementTree  # nosec

        beginning, more = f"{self._prefix}{folder}/", {}
        while True:
            page = ElementTree.fromstring(self._calls.listed(prefix=beginning, **more))  # noqa: S314 - the bucket's host  # nosec
            for one in page.iter(f"{NAMESPACE}Contents"):
                key = (_text(one, "Key") or "").removeprefix(beginning)
                if key and "/" not in key:
                    yield Listed(key, int(_text(one, "Size") or 0), _moment(one))
            token = _text(page, "NextContinuationToken")
            if not token:
                return
            more = {"continuation-token": token}


def _text(element: Any, name: str) -> str | None:
    text: str | None = element.findtext(f"{NAMESPACE}{name}")
    return text


def _moment(element: Any) -> float:
    return datetime.fromisoformat(_text(element, "LastModified") or "").timestamp()


class _Reader(io.RawIOBase):
    """A file as it is read: asked for with its first byte that is wanted, from there on."""

    def __init__(self, calls: Calls, name: str, size: int) -> None:
        self._calls, self._name, self._size = calls, name, size
        self._place = 0
        self._answer: Any = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        if place != self._place:
            self._hang_up()
        self._place = place
        return place

    def readinto(self, buffer: Any) -> int:
        if self._place >= self._size:
            return 0
        if self._answer is None:
            self._answer = self._calls.get(self._name, start=self._place)
        with self._calls.in_words():
            piece = self._answer.read(min(len(buffer), self._size - self._place))
        buffer[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)

    def close(self) -> None:
        self._hang_up()
        super().close()

    def _hang_up(self) -> None:
        if self._answer is not None:
            self._answer.close()
        self._answer = None

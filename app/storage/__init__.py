"""Files of messages and small pictures, kept privately: written whole or not at all.

A few verbs over one place where files lie, in two folders: DATA_DIR, or the bucket that STORAGE_URL
names. What comes in lies on this machine until it is known what it is; then it is kept, and never
changes again. A name says nothing about what is in it, and nothing here is ever served by its path. It
refuses to know messages, and to decide who may read.
"""

import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Self

from flask import current_app

from app.storage.bucket import Bucket
from app.storage.calls import Unavailable
from app.storage.folder import Folder, Through

MEDIA, PICTURES = FOLDERS = ("media", "pictures")
NAME_BYTES = 24
# Written through as it comes, a little at a time and by one file at a time: who commits to the
# database meanwhile waits for what is under way (ext4 writes both before either is safe).
SYNC_BYTES = 256 * 1024
# The disk is left to others for as long as it was taken.
LONGEST_REST_SECONDS = 0.05

_disk = threading.Lock()


class TooLarge(Exception):
    """More bytes came than the caller wants to keep; nothing was kept."""


@dataclass(frozen=True)
class Stored:
    """What was written: its name, and its size in bytes."""

    key: str
    size: int


@dataclass(frozen=True)
class Received:
    """A file that has come, on this machine: to be looked at, and kept or gone when the block ends."""

    path: Path
    size: int

    def keep(self, through: Through = iter) -> str:
        """Its new name in the storage, where it is whole from now on. Raise Unavailable.

        Where it is sent somewhere, its pieces go `through`.
        """
        key = secrets.token_urlsafe(NAME_BYTES)
        place().take(self.path, f"{MEDIA}/{key}", through)
        return key

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.path.unlink(missing_ok=True)


def receive(chunks: Iterable[bytes], *, largest: int) -> Received:
    """Take a stream in, piece by piece. Raise TooLarge, or whatever the stream raises."""
    making = _coming() / secrets.token_hex(8)
    size = synced = 0
    try:
        with os.fdopen(os.open(making, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            for chunk in chunks:
                size += len(chunk)
                if size > largest:
                    raise TooLarge
                file.write(chunk)
                if size - synced >= SYNC_BYTES:
                    time.sleep(min(_write_through(file), LONGEST_REST_SECONDS))
                    synced = size
            _write_through(file)
    except BaseException:
        making.unlink(missing_ok=True)
        raise
    return Received(making, size)


def _write_through(file: BinaryIO) -> float:
    """How long it had the disk, in seconds."""
    file.flush()
    with _disk:
        began = time.monotonic()
        os.fsync(file.fileno())
        return time.monotonic() - began


def write(chunks: Iterable[bytes], *, largest: int) -> Stored:
    """Keep a stream whatever it holds. Raise TooLarge, or whatever the stream raises."""
    with receive(chunks, largest=largest) as received:
        return Stored(received.keep(), received.size)


def keep(content: bytes) -> str:
    """Keep these bytes under a new name, which is returned."""
    return write([content], largest=len(content)).key


def put(name: str, content: bytes, *, folder: str) -> None:
    """Keep these few bytes under a name of the caller's, in the place of what had it."""
    with receive([content], largest=len(content)) as received:
        place().take(received.path, f"{folder}/{name}")


def open_(key: str, *, folder: str = MEDIA) -> BinaryIO:
    """The bytes, to be closed by the caller. Raise FileNotFoundError or Unavailable."""
    return place().open(f"{folder}/{key}")


def size_of(key: str, *, folder: str = MEDIA) -> int | None:
    """In bytes; None when it is not there."""
    return place().size_of(f"{folder}/{key}")


def free_bytes() -> int:
    """How much space is left on this machine, where files come in."""
    return shutil.disk_usage(_data_dir()).free


def keys_before(moment: datetime) -> Iterator[str]:
    """Names of messages' files that were written before then."""
    return (one.key for one in place().listed(MEDIA) if one.written_at < moment.timestamp())


def delete(*keys: str | None, folder: str = MEDIA) -> None:
    """Take them away; None is nothing, and each may be gone already."""
    for key in filter(None, keys):
        place().delete(f"{folder}/{key}")


def discard(*keys: str | None, folder: str = MEDIA) -> None:
    """The same for what nobody names any more: what can't be deleted now is a stray, and no matter."""
    with suppress(Unavailable):
        delete(*keys, folder=folder)


def forget_halves(moment: datetime) -> None:
    """Take away what had begun to come before then, to processes that died."""
    for path in _coming().iterdir():
        with suppress(FileNotFoundError):  # somebody else was quicker
            if path.stat().st_mtime < moment.timestamp():
                path.unlink()


def place() -> Folder | Bucket:
    """Where files lie."""
    settings = current_app.extensions["mado"].bucket
    if settings is None:
        return Folder(_data_dir())
    if "mado.bucket" not in current_app.extensions:
        current_app.extensions["mado.bucket"] = Bucket(settings)
    found: Bucket = current_app.extensions["mado.bucket"]
    return found


def _coming() -> Path:
    folder = _data_dir() / "coming"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _data_dir() -> Path:
    folder: Path = current_app.extensions["mado"].data_dir
    return folder

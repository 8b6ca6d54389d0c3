"""Files of messages, kept privately under random names: written whole or not at all.

One interface of a few verbs over a folder in DATA_DIR, so that the files can lie elsewhere one day.
A name says nothing about what is in it, and nothing here is ever served by its path. It refuses to
know messages, and to decide who may read.
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
from typing import BinaryIO

from flask import current_app

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


def write(chunks: Iterable[bytes], *, largest: int) -> Stored:
    """Keep a stream that is read piece by piece. Raise TooLarge, or whatever the stream raises."""
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    making = folder / f".{secrets.token_hex(8)}"
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
        key = secrets.token_urlsafe(NAME_BYTES)
        making.replace(folder / key)
    except BaseException:
        making.unlink(missing_ok=True)
        raise
    return Stored(key, size)


def _write_through(file: BinaryIO) -> float:
    """How long it had the disk, in seconds."""
    file.flush()
    with _disk:
        began = time.monotonic()
        os.fsync(file.fileno())
        return time.monotonic() - began


def open_(key: str) -> BinaryIO:
    """The bytes, to be closed by the caller. Raise FileNotFoundError."""
    return path_of(key).open("rb")


def path_of(key: str) -> Path:
    """Where the bytes lie while they are here, for programs that want a file."""
    return _folder() / key


def size_of(key: str) -> int | None:
    """In bytes; None when it is not there."""
    path = path_of(key)
    return path.stat().st_size if path.is_file() else None


def free_bytes() -> int:
    """How much space is left where they are."""
    return shutil.disk_usage(current_app.extensions["mado"].data_dir).free


def keys_before(moment: datetime) -> Iterator[str]:
    """Names of what was written before then, half files of processes that died among them."""
    folder = _folder()
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # deleted meanwhile
            if path.stat().st_mtime < moment.timestamp():
                yield path.name


def delete(*keys: str | None) -> None:
    """Take them away; None is nothing, and each may be gone already."""
    for key in filter(None, keys):
        path_of(key).unlink(missing_ok=True)


def _folder() -> Path:
    folder: Path = current_app.extensions["mado"].data_dir
    return folder / "media"

"""All files from this machine into the bucket, or back: any number of times, each of them once."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from app import storage
from app.storage.bucket import PIECE_BYTES, Bucket
from app.storage.folder import Folder, Listed

Place = Folder | Bucket


@dataclass(frozen=True)
class File:
    """One that is to be copied, or is `there` already."""

    name: str
    size: int
    is_there: bool


def between(source: Place, target: Place) -> list[File]:
    """Every file of the source; what has its size at the target is the same file (none ever changes)."""
    return [file for folder in storage.FOLDERS for file in _in(folder, source, target)]


def _in(folder: str, source: Place, target: Place) -> Iterator[File]:
    there = {one.key: one.size for one in target.listed(folder)}

    def told(one: Listed) -> File:
        return File(f"{folder}/{one.key}", one.size, there.get(one.key) == one.size)

    yield from map(told, source.listed(folder))


def bring(file: File, source: Place, target: Place) -> bool:
    """Copy it unless it is there, by way of this machine, whole or not at all. Raise OSError.

    False when that was not needed, because it is there or was deleted meanwhile.
    """
    if file.is_there:
        return False
    with suppress(FileNotFoundError), source.open(file.name) as opened:
        pieces = iter(lambda: opened.read(PIECE_BYTES), b"")
        with storage.receive(pieces, largest=file.size) as received:
            target.take(received.path, file.name)
            return True
    return False

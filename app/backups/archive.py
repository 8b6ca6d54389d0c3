"""One file that holds an installation: a plain tar, whose last entry has a checksum of each other.

Everything goes through in pieces, so memory does not grow with what is stored. It is written whole or
not at all, for our own user alone. It refuses entries that it does not know, and to give anything out
before all of it was found to be what was written.
"""

import json
import os
import re
import secrets
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from app import storage
from app.clock import now

FORMAT = 1
MANIFEST, DATABASE, KEY, SUMS = "manifest.json", "database", "secret-key", "SHA256SUMS"
PIECE = 256 * 1024
LARGEST_MANIFEST = 64 * 1024

_known = re.compile(rf"{MANIFEST}|{DATABASE}|{KEY}|({'|'.join(storage.FOLDERS)})/[\w-][\w.-]*", re.ASCII)


class BadBackup(Exception):
    """It can't be used; the text says why."""


@dataclass(frozen=True)
class Manifest:
    """What a backup says about itself.

    `made_at` is ISO 8601 in UTC, `revision` the newest migration of its database. `proofs` are a word
    that each of the installation's secret keys has encrypted.
    """

    made_at: str
    engine: str
    revision: str
    proofs: list[str]
    has_key: bool
    format: int = FORMAT


class Writer:
    """Takes entries one after another."""

    def __init__(self, tar: tarfile.TarFile, sums: BinaryIO) -> None:
        self._tar, self._sums = tar, sums

    def add(self, name: str, file: BinaryIO, *, written_at: float | None = None) -> None:
        """All that this open file holds now. Raise FileNotFoundError before anything is written."""
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = file.seek(0, os.SEEK_END), 0o600
        entry.mtime = int(written_at or now().timestamp())
        file.seek(0)
        file.read(1)  # a bucket is asked for it now, and may have it no more
        file.seek(0)
        hashed = _Hashed(file)
        self._tar.addfile(entry, hashed)
        self._tar.members.clear()  # it remembers every entry otherwise
        self._sums.write(_line(hashed.digest, name))


class _Hashed:
    """A file that is read once, with the checksum of what was read."""

    def __init__(self, file: Any) -> None:
        self._file, self._hash = file, sha256()

    def read(self, size: int = -1) -> bytes:
        piece: bytes = self._file.read(size)
        self._hash.update(piece)
        return piece

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


def _line(digest: str, name: str) -> bytes:
    """As `sha256sum --check` reads it."""
    return f"{digest}  {name}\n".encode()


@contextmanager
def writing(path: Path, manifest: Manifest) -> Iterator[Writer]:
    """A new backup, there once the block has ended well. Raise FileExistsError."""
    making = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        with (
            os.fdopen(os.open(making, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file,
            TemporaryFile(dir=path.parent) as sums,
        ):
            with tarfile.open(fileobj=file, mode="w|") as tar:
                writer = Writer(tar, sums)
                with _as_file(manifest, path.parent) as told:
                    writer.add(MANIFEST, told)
                yield writer
                sums.flush()
                sums.seek(0)
                writer.add(SUMS, sums)
            file.flush()
            os.fsync(file.fileno())
        os.link(making, path)  # never over another file
    finally:
        making.unlink(missing_ok=True)


@contextmanager
def _as_file(manifest: Manifest, folder: Path) -> Iterator[BinaryIO]:
    with TemporaryFile(dir=folder) as file:
        file.write(json.dumps(asdict(manifest), indent=1).encode())
        file.flush()
        file.seek(0)
        yield file


def manifest_of(path: Path) -> Manifest:
    """Read from its beginning, unchecked. Raise BadBackup."""
    with _opened(path) as tar:
        entry = tar.next()
        if entry is None or entry.name != MANIFEST or entry.size > LARGEST_MANIFEST:
            raise BadBackup("It is no backup of Mado.")
        return _understood(json.loads(_file_of(tar, entry).read()))


def _understood(told: Any) -> Manifest:
    """Raise BadBackup, ValueError or TypeError for what no Mado wrote."""
    if not isinstance(told, dict):
        raise ValueError("its manifest is no object")
    if told.get("format") != FORMAT:
        raise BadBackup("It was made by a newer Mado. Install that version, or a later one.")
    manifest = Manifest(**told)
    datetime.fromisoformat(manifest.made_at)
    if not all(isinstance(one, str) for one in (manifest.engine, manifest.revision, *manifest.proofs)):
        raise ValueError("its manifest holds no text where there is one")
    return manifest


def unpack(path: Path, folder: Path) -> None:
    """All entries into an empty folder, compared with their checksums. Raise BadBackup."""
    with TemporaryFile(dir=folder) as found, _opened(path) as tar:
        while entry := tar.next():
            tar.members.clear()
            if entry.name == SUMS:
                found.seek(0)
                _compare(found, _file_of(tar, entry))
                return
            found.write(_line(_unpack_one(tar, entry, folder), entry.name))
    raise BadBackup("It is incomplete: its end is missing.")


def _unpack_one(tar: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path) -> str:
    # A sparse entry is a few bytes that would become as many as the disk holds.
    if not _known.fullmatch(entry.name) or not entry.isreg() or entry.issparse():
        raise BadBackup(f"It holds {entry.name!r}, which no backup of Mado does.")
    target = folder / entry.name
    target.parent.mkdir(mode=0o700, exist_ok=True)
    hashed = _Hashed(_file_of(tar, entry))
    with os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        while piece := hashed.read(PIECE):
            file.write(piece)
    return hashed.digest


def _compare(found: Any, told: Any) -> None:
    """Line by line, so that the first entry that changed is named."""
    for line in found:
        if told.readline() != line:
            name = line.split()[1].decode()
            raise BadBackup(f"It is damaged: {name} is not what was written.")
    if told.read(1):
        raise BadBackup("It is damaged: something that was written is missing.")


def _file_of(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> Any:
    file = tar.extractfile(entry)
    if file is None:
        raise BadBackup(f"It holds {entry.name!r}, which no backup of Mado does.")
    return file


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, "r|") as tar:
            yield tar
    except (tarfile.TarError, EOFError, ValueError, TypeError, RecursionError, FileExistsError) as problem:
        raise BadBackup(f"It is damaged, or no backup of Mado. ({problem})") from problem

"""Making a backup, beside the running Mado.

The database comes first and the files after it: a file without a row is swept away one day, a row
without its file would stay empty. A file that is deleted in between is wanted by nobody.
"""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import current_app

from app import encryption, storage
from app.backups import archive, databases
from app.clock import now
from app.config import Config
from app.domain.agents import Refused


@dataclass(frozen=True)
class Made:
    """A backup as it was written: bytes, how many files of each folder, where the key is."""

    size: int
    counts: Counter[str]
    engine: str
    key_file: Path | None
    has_key: bool


def make(path: Path, *, with_key: bool, with_files: bool = True) -> Made:
    """Write everything into a new file. Raise Refused or OSError; then there is none."""
    config: Config = current_app.extensions["mado"]
    if path.exists():
        raise Refused(f"{path} exists already. A backup never writes over a file.")
    key = config.used_key_file
    if with_key and key is None:
        raise Refused(
            "There is no key file to include: SECRET_KEY comes from the environment."
            " Keep it where whatever sets it is kept."
        )
    manifest = archive.Manifest(
        made_at=now().isoformat(timespec="seconds"),
        engine=databases.engine_of(config),
        revision=databases.revision(),
        proofs=encryption.proofs(config.secret_keys),
        has_key=with_key,
    )
    counts: Counter[str] = Counter()
    with archive.writing(path, manifest) as writer:
        _add_database(writer, config, path.parent)
        if with_key and key:
            with key.open("rb") as file:
                writer.add(archive.KEY, file)
        for folder in storage.FOLDERS if with_files else ():
            counts[folder] = _add_files(writer, folder)
    return Made(path.stat().st_size, counts, manifest.engine, key, with_key)


def _add_database(writer: archive.Writer, config: Config, beside: Path) -> None:
    with TemporaryDirectory(prefix=".mado-backup-", dir=beside) as folder:
        copy = Path(folder) / archive.DATABASE
        databases.dump(config, copy)
        with copy.open("rb") as file:
            writer.add(archive.DATABASE, file)


def _add_files(writer: archive.Writer, folder: str) -> int:
    """Wherever they are kept."""
    count = 0
    for one in storage.place().listed(folder):
        with suppress(FileNotFoundError), storage.open_(one.key, folder=folder) as file:  # deleted meanwhile
            writer.add(f"{folder}/{one.key}", file, written_at=one.written_at)
            count += 1
    return count

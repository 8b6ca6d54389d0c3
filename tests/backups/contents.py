"""What is in machines and backups: a shop's day, all rows and files, entries written anew."""

import json
import tarfile
from hashlib import sha256
from pathlib import Path

from flask import Flask
from sqlalchemy import inspect, text

from app import storage
from app.backups import archive
from app.extensions import db
from tests.backups.conftest import Machine
from tests.world import ToyAdapter, connected, play, receive, said


def rows(app: Flask) -> dict[str, list[str]]:
    """Everything that is in a database's tables; SQLite's search indexes are those behind them."""
    with app.app_context(), db.engine.connect() as connection:
        names = set(inspect(connection).get_table_names())
        if connection.dialect.name == "sqlite":
            names -= {"message_search", "case_search"}
        quoted = connection.dialect.identifier_preparer.quote
        return {
            name: sorted(map(repr, connection.execute(text("SELECT * FROM " + quoted(name)))))
            for name in names
        }


def files(machine: Machine) -> dict[str, str]:
    """Checksums by place."""
    return {
        str(path.relative_to(machine.data_dir)): sha256(path.read_bytes()).hexdigest()
        for folder in storage.FOLDERS
        for path in (machine.data_dir / folder).glob("*")
        if not path.name.startswith(".")
    }


def talk(machine: Machine, *texts: str) -> None:
    """A shop's day: a channel with a secret token, what a contact said, files, a picture."""
    with machine.app.app_context():
        play(ToyAdapter())
        channel = connected("toy", credentials=json.dumps({"token": "canary-of-the-channel"}))
        for one in texts:
            receive(channel, said(one))
        storage.write([b"a photo" * 1000], largest=10_000)
        (machine.data_dir / "pictures").mkdir(exist_ok=True)
        (machine.data_dir / "pictures" / "1.jpg").write_bytes(b"a face")
        (machine.data_dir / "media" / "-random_name").write_bytes(b"names may begin so")
        (machine.data_dir / "media" / ".half").write_bytes(b"ha")


def is_untouched(machine: Machine) -> bool:
    """Whether nothing was left by what was refused, but an empty database."""
    left = {path.name for path in machine.data_dir.iterdir()}
    with machine.app.app_context(), db.engine.connect() as connection:
        tables = inspect(connection).get_table_names()
    return tables == [] and left <= {"mado.sqlite3", "mado.sqlite3-wal", "mado.sqlite3-shm"}


def rewritten(backup: Path, **changes: bytes | None) -> None:
    """The same backup with other entries, checksums that fit, and others in front of its end."""
    kept = []
    with tarfile.open(backup) as tar:
        for entry in tar:
            content = changes.pop(entry.name, tar.extractfile(entry).read())
            kept += [(entry.name, content)] if entry.name != archive.SUMS else []
    kept += list(changes.items())
    sums = "".join(f"{sha256(content).hexdigest()}  {name}\n" for name, content in kept)
    with tarfile.open(backup, "w") as tar:
        for name, content in [*kept, (archive.SUMS, sums.encode())]:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            path = backup.with_name("entry")
            path.write_bytes(content)
            with path.open("rb") as file:
                tar.addfile(entry, file)
    path.unlink()


def manifest(backup: Path) -> dict:
    with tarfile.open(backup) as tar:
        return json.load(tar.extractfile(archive.MANIFEST))

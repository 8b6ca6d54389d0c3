"""Bringing a backup back: everything is looked at first, and nothing is sent twice after it.

The backup is unpacked beside what is there and compared with its checksums before anything changes.
SQLite's file is migrated and held before it takes its place; PostgreSQL takes its tables in one
transaction, and is migrated and held after it.
"""

import os
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Flask, current_app
from sqlalchemy import func, select

from app import encryption, schema, storage, transaction
from app.backups import archive, databases, holding
from app.backups.archive import Manifest
from app.backups.holding import Held
from app.config import Config, key_file
from app.domain.agents import Refused
from app.extensions import db
from app.models import Case, Message
from app.storage import copying
from app.storage.folder import Folder


@dataclass(frozen=True)
class Restored:
    """What came back, and what is held. `has_new_key`: the backup's key file is in use now."""

    made_at: str
    cases: int
    messages: int
    files: int
    held: Held
    has_new_key: bool


def restore(path: Path, *, replaces: bool, any_key: bool) -> Restored:
    """Bring it back. Raise Refused, BadBackup or OSError; the database is as it was then.

    `replaces`: also over a database that holds something. `any_key`: also where SECRET_KEY can't read
    what the backup's encrypted.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    config: Config = app.extensions["mado"]
    manifest = archive.manifest_of(path)
    _check_fits(manifest, config)
    has_new_key = _needs_its_key(manifest, config, any_key=any_key)
    _check_place(config, replaces=replaces)
    with TemporaryDirectory(prefix=".restoring-", dir=config.data_dir) as folder:
        unpacked = Path(folder)
        archive.unpack(path, unpacked)
        os.sync()
        made_at = f"{datetime.fromisoformat(manifest.made_at):%Y-%m-%d %H:%M} UTC"
        files = _put_files(unpacked)
        if has_new_key:
            config = replace(config, secret_keys=((unpacked / archive.KEY).read_text().strip(),))
        if config.is_sqlite:
            restored = _bring_back_sqlite(unpacked / archive.DATABASE, config, made_at)
        else:
            databases.load(config, unpacked / archive.DATABASE)
            restored = _finish(app, made_at)
        if has_new_key:
            (unpacked / archive.KEY).replace(key_file(config.data_dir))
    cases, messages, held = restored
    return Restored(made_at, cases, messages, files, held, has_new_key)


# ── May it? ─────────────────────────────────────────────────────────────────────────────────


def _check_fits(manifest: Manifest, config: Config) -> None:
    engine = databases.engine_of(config)
    if manifest.engine != engine:
        raise Refused(
            f"It is a backup of {manifest.engine}, and DATABASE_URL says {engine}."
            " A backup comes back into the kind of database that it was made of."
        )
    if manifest.revision > schema.head():
        raise Refused(
            f"It was made by a newer Mado (database {manifest.revision}, this one knows"
            f" {schema.head()}). Install that version, or a later one."
        )
    databases.check_programs(config)


def _needs_its_key(manifest: Manifest, config: Config, *, any_key: bool) -> bool:
    """Whether the key in the backup has to replace our key file."""
    if any_key or all(map(encryption.opens, manifest.proofs)):
        return False
    if not manifest.has_key:
        raise Refused(
            "This SECRET_KEY is not the one that the backup was made with, and can't read its"
            " channels' tokens. Set that key, or put it into DATA_DIR/secret-key. To bring back"
            " everything else without it, say --any-key."
        )
    if config.used_key_file is None:
        raise Refused(
            "SECRET_KEY is set, to another key than the one in this backup. Start this command"
            " and Mado without SECRET_KEY to use the backup's."
        )
    return True


def _check_place(config: Config, *, replaces: bool) -> None:
    if not replaces and not databases.is_empty(config):
        raise Refused(
            "The database is not empty. To throw away what is in it, say --replace; or set"
            " DATA_DIR, and DATABASE_URL with PostgreSQL, to a new place."
        )
    databases.check_nobody_is_there(config)


# ── Do it ───────────────────────────────────────────────────────────────────────────────────


def _put_files(unpacked: Path) -> int:
    """To where files are kept now. What is there in that size is the same: no file ever changes."""
    files = copying.between(Folder(unpacked), storage.place())
    for file in files:
        if not file.is_there:
            storage.place().take(unpacked / file.name, file.name)
    return len(files)


def _bring_back_sqlite(file: Path, config: Config, made_at: str) -> tuple[int, int, Held]:
    from app import create_app

    app = create_app(replace(config, database_url=f"sqlite:///{file}"))
    restored = _finish(app, made_at)
    databases.put_in_place(config, file)
    return restored


def _finish(app: Flask, made_at: str) -> tuple[int, int, Held]:
    """Migrate and hold; how many cases and messages there are."""
    schema.bring_up_to_date(app)
    with app.app_context():
        with transaction.writing():
            held = holding.hold(made_at)
            cases, messages = map(_count, (Case.id, Message.id))
        db.session.remove()
        db.engine.dispose()
    return cases, messages, held


def _count(column: object) -> int:
    return db.session.scalar(select(func.count(column))) or 0  # type: ignore[arg-type]

"""What is no whole backup, or would take something away, is refused, and nothing is half done (F33)."""

import json
import sqlite3
import tarfile
from contextlib import closing

import pytest
from sqlalchemy import create_engine, text

from app import schema, transaction
from app.backups import archive
from app.domain import agents
from app.extensions import db
from tests.backups.contents import is_untouched, manifest, rewritten, rows, talk


def test_database_that_holds_something_is_not_overwritten_unless_told(
    old, new_machine, backup, alice
):
    talk(old, "from the backup")
    old.must("create", str(backup))
    new = new_machine()
    schema.bring_up_to_date(new.app)
    with new.app.app_context():
        with transaction.writing():
            agents.create("bob@example.com", name="Bob")
        talk(new, "one", "two", "three")
        transaction.release()
        db.engine.dispose()
    before = rows(new.app)

    assert "--replace" in new.refuses("restore", str(backup))
    assert rows(new.app) == before

    with new.app.app_context():
        db.engine.dispose()
    new.must("restore", "--replace", str(backup))
    assert rows(new.app) == rows(old.app)


def test_empty_but_migrated_database_is_empty(old, new_machine, backup):
    talk(old, "hello")
    old.must("create", str(backup))
    new = new_machine()
    schema.bring_up_to_date(new.app)
    new.must("restore", str(backup))
    assert rows(new.app) == rows(old.app)


def test_other_tables_in_the_database_are_somebodys(old, new_machine, backup):
    old.must("create", str(backup))
    new = new_machine()
    with new.app.app_context():
        transaction.start_writing()
        db.session.execute(text("CREATE TABLE invoices (id integer)"))
        transaction.commit()
        db.session.remove()
    assert "not empty" in new.refuses("restore", str(backup))


def test_restore_while_mado_runs_is_refused(old, new_machine, backup):
    talk(old, "hello")
    old.must("create", str(backup))
    new = new_machine()
    schema.bring_up_to_date(new.app)
    running = create_engine(new.app.extensions["mado"].database_url)
    with running.connect() as connection:
        connection.execute(text("SELECT count(*) FROM agents"))
        assert "Stop Mado first" in new.refuses("restore", str(backup))
    running.dispose()
    new.must("restore", str(backup))


@pytest.mark.parametrize(
    ("name", "place"), [(archive.MANIFEST, 18), (archive.DATABASE, 9), ("media/-random_name", 0), (archive.SUMS, 70)]
)
def test_one_changed_byte_brings_nothing_back(old, new_machine, backup, name, place):
    talk(old, "hello")
    old.must("create", str(backup))
    with tarfile.open(backup) as tar:
        entry = tar.getmember(name)
    content = bytearray(backup.read_bytes())
    content[entry.offset_data + place] ^= 1
    backup.write_bytes(content)
    new = new_machine()

    assert "Nothing was brought back" in new.refuses("restore", str(backup))
    assert is_untouched(new)


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9])
def test_part_of_a_backup_brings_nothing_back(old, new_machine, backup, part):
    talk(old, "hello")
    old.must("create", str(backup))
    content = backup.read_bytes()
    backup.write_bytes(content[: int(len(content) * part)])
    new = new_machine()

    assert "Nothing was brought back" in new.refuses("restore", str(backup))
    assert is_untouched(new)


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "media/../../evil", "media/.evil", "crontab"])
def test_entry_with_another_place_brings_nothing_back(old, new_machine, backup, name):
    talk(old, "hello")
    old.must("create", str(backup))
    rewritten(backup, **{name: b"evil"})
    new = new_machine()

    assert "which no backup of Mado does" in new.refuses("restore", str(backup))
    assert is_untouched(new)


@pytest.mark.parametrize(
    "told",
    [
        b"[]", b"[" * 60_000, b'{"format": 1}',
        b'{"format": 1, "made_at": "x", "engine": "sqlite", "revision": "1", "proofs": [], "has_key": false}',
        b'{"format": 1, "made_at": "2026-11-26", "engine": "sqlite", "revision": 1, "proofs": [], "has_key": false}',
        b'{"format": 1, "made_at": "2026-11-26", "engine": "sqlite", "revision": "1", "proofs": [1], "has_key": false}',
    ],
)  # fmt: skip
def test_manifest_that_no_mado_wrote_brings_nothing_back(old, new_machine, backup, told):
    talk(old, "hello")
    old.must("create", str(backup))
    rewritten(backup, **{archive.MANIFEST: told})
    new = new_machine()

    assert "Nothing was brought back. It is damaged" in new.refuses("restore", str(backup))
    assert is_untouched(new)


def test_entry_of_a_few_bytes_that_would_fill_the_disk_is_refused(tmp_path):
    bomb = tmp_path / "bomb.tar"
    with tarfile.open(bomb, "w", format=tarfile.PAX_FORMAT) as tar:
        entry = tarfile.TarInfo("media/a")
        entry.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(2**43)}
        tar.addfile(entry)
    assert bomb.stat().st_size < 20_000
    (tmp_path / "out").mkdir()
    with pytest.raises(archive.BadBackup, match="no backup of Mado"):
        archive.unpack(bomb, tmp_path / "out")


def test_any_other_file_is_no_backup(new_machine, backup):
    new = new_machine()
    assert "Nothing was brought back" in new.refuses("restore", str(backup))
    backup.write_bytes(b"SQLite format 3\0" * 1000)
    assert "no backup of Mado" in new.refuses("restore", str(backup))


def test_backup_of_a_newer_mado_is_refused(old, new_machine, backup):
    old.must("create", str(backup))
    rewritten(backup, **{archive.MANIFEST: json.dumps(manifest(backup) | {"revision": "9999"}).encode()})
    new = new_machine()
    assert "newer Mado" in new.refuses("restore", str(backup))
    rewritten(backup, **{archive.MANIFEST: json.dumps(manifest(backup) | {"format": 2}).encode()})
    assert "newer Mado" in new.refuses("restore", str(backup))
    assert is_untouched(new)


def test_backup_of_the_other_engine_is_refused(old, new_machine, backup):
    old.must("create", str(backup))
    told = manifest(backup)
    other = {"sqlite": "postgresql", "postgresql": "sqlite"}[told["engine"]]
    rewritten(backup, **{archive.MANIFEST: json.dumps(told | {"engine": other}).encode()})
    assert "kind of database" in new_machine().refuses("restore", str(backup))


# ── Programs and damage ─────────────────────────────────────────────────────────────────────


def test_missing_programs_of_postgresql_are_named(old, new_machine, backup, monkeypatch):
    old.must("create", str(backup))
    new, needs = new_machine(), not old.app.extensions["mado"].is_sqlite
    monkeypatch.setenv("PATH", "")
    made = old.run("create", f"{backup}-2")
    restored = new.run("restore", str(backup))
    assert made.exit_code == restored.exit_code == int(needs)
    assert [("pg_dump is not installed" in made.stderr), ("pg_restore is not installed" in restored.stderr)] == [needs] * 2
    assert backup.with_name("mado.tar-2").exists() is not needs


def test_backup_that_fails_half_way_leaves_nothing(old, backup, monkeypatch):
    talk(old, "hello")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive.Writer, "add", full)
    assert "No space left" in old.refuses("create", str(backup))
    assert [path for path in backup.parent.iterdir() if path.is_file()] == []


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("part", [0.0, 0.5, 0.95])
def test_dump_that_postgresql_can_not_read_leaves_its_database_as_it_was(
    old, new_machine, backup, part
):
    """As when pg_restore is older than the pg_dump that made it."""
    talk(old, "hello")
    old.must("create", str(backup))
    with tarfile.open(backup) as tar:
        dumped = tar.extractfile(archive.DATABASE).read()
    rewritten(backup, **{archive.DATABASE: dumped[: int(len(dumped) * part)]})
    new = new_machine()
    schema.bring_up_to_date(new.app)
    talk(new, "precious")
    before = rows(new.app)
    with new.app.app_context():
        db.engine.dispose()

    assert "pg_restore" in new.refuses("restore", "--replace", str(backup))
    assert rows(new.app) == before


def test_damaged_sqlite_database_is_replaced_when_told(old, new_machine, backup):
    talk(old, "hello")
    old.must("create", str(backup))
    new = new_machine()
    (new.data_dir / "mado.sqlite3").write_bytes(b"not a database" * 1000)
    is_sqlite = new.app.extensions["mado"].is_sqlite
    assert new.run("restore", str(backup)).exit_code == int(is_sqlite)
    new.must("restore", "--replace", str(backup))
    assert rows(new.app) == rows(old.app)


@pytest.mark.parametrize("table", ["messages", "alembic_version", "sqlite_master"])
def test_damaged_sqlite_database_is_not_backed_up(table, new_machine, backup):
    new = new_machine("sqlite")
    schema.bring_up_to_date(new.app)
    talk(new, *("words " * 50 for _ in range(40)))
    with new.app.app_context():
        db.session.remove()
        db.engine.dispose()
    path = new.data_dir / "mado.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        pages = dict(connection.execute("SELECT name, rootpage FROM sqlite_master WHERE type = 'table'"))
    content, page = bytearray(path.read_bytes()), (pages | {"sqlite_master": 1})[table]
    content[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(content)
    assert "damaged" in new.refuses("create", str(backup))
    assert not backup.exists()

"""A backup made while Mado writes brings all of it to an empty machine (F33)."""

import json
import sqlite3
import tarfile
import threading
import tracemalloc
from hashlib import sha256
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, inspect, text

from app import encryption, schema, storage, transaction
from app.backups import archive
from app.clock import now
from app.domain import agents, sessions, tokens
from app.extensions import db
from app.models import Agent, Channel, Message, Receipt
from app.storage import calls
from tests.backups.conftest import Machine
from tests.conftest import SECRET
from tests.world import ToyAdapter, chat_of, connected, count, play, receive, said

OTHER_SECRET = "another-secret-key-for-tests-long-enough-to-be-taken"


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
        for folder in archive.FOLDERS
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


# ── There and back ──────────────────────────────────────────────────────────────────────────


def test_every_row_and_file_is_the_same_on_a_fresh_machine(old, new_machine, backup, alice):  # F33
    talk(old, "สวัสดี", "hello")
    old.must("create", str(backup))
    new = new_machine()
    said = new.must("restore", str(backup))

    assert rows(new.app) == rows(old.app)
    assert files(new) == files(old) != {}
    assert "Cases: 1, messages: 2," in said


def test_who_was_signed_in_and_who_has_a_token_still_is(old, new_machine, backup, alice):  # F33
    with old.app.app_context(), transaction.writing():
        agent = db.session.get_one(Agent, alice.id)
        session, token = sessions.start(agent), tokens.create(agent)
    old.must("create", str(backup))
    new = new_machine()
    new.must("restore", str(backup))

    with new.app.app_context():
        assert tokens.find(token).agent.email == "alice@example.com"
        assert sessions.find(session).agent.email == "alice@example.com"


def test_channels_credentials_are_readable_after_it_and_in_no_plain_text_before(
    old, new_machine, backup
):  # T26
    talk(old, "hello")
    old.must("create", str(backup))
    new = new_machine()
    new.must("restore", str(backup))

    with new.app.app_context():
        assert "canary" in db.session.query(Channel).one().credentials
    assert b"canary" not in backup.read_bytes()
    assert SECRET.encode() not in backup.read_bytes()


def test_backup_made_while_messages_come_in_holds_one_moment(old, new_machine, backup):  # F33
    talk(old, *(f"before {number}" for number in range(20)))
    is_done = threading.Event()
    came_before = threading.Event()

    def write() -> None:
        with old.app.app_context():
            channel = db.session.query(Channel).one()
            number = 0
            while not is_done.is_set():
                receive(channel, said(f"meanwhile {number}"), said(f"and {number}"))
                came_before.set()
                number += 1
            transaction.release()

    writer = threading.Thread(target=write)
    writer.start()
    came_before.wait(10)
    try:
        old.must("create", str(backup))
    finally:
        is_done.set()
        writer.join()
    new = new_machine()
    new.must("restore", str(backup))

    with new.app.app_context():
        found = count(Message)
        assert 22 <= found == count(Receipt)
        # Both messages of a webhook's call, or neither.
        assert (found - 20) % 2 == 0
        assert rows(new.app)["alembic_version"] == rows(old.app)["alembic_version"]


def test_restored_mado_goes_on(old, new_machine, backup, alice):
    talk(old, "hello")
    old.must("create", str(backup))
    new = new_machine()
    new.must("restore", str(backup))

    with new.app.app_context():
        chat = chat_of(db.session.query(Channel).one(), "and now?", who="Uyuki")
        assert (chat.number, count(Message)) == (2, 2)
        transaction.release()
    assert new.app.test_client().get("/readyz").status_code == 200


def test_backup_is_private_and_leaves_nothing_beside_it(old, backup):  # T39
    talk(old, "hello")
    old.must("create", str(backup))
    assert backup.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in backup.parent.iterdir() if path.is_file()] == [backup.name]


def test_command_says_what_is_in_it_and_that_the_key_is_not(old, backup):
    talk(old, "hello")
    said = old.must("create", str(backup))
    assert "pictures of contacts: 1." in said
    assert "Not in it: the secret key" in said
    assert "SECRET_KEY" in said


def test_backup_never_writes_over_a_file(old, backup):
    backup.write_bytes(b"precious")
    assert "exists already" in old.refuses("create", str(backup))
    assert backup.read_bytes() == b"precious"


def test_backup_into_no_folder_is_a_sentence(old, tmp_path):
    assert "was not written" in old.refuses("create", str(tmp_path / "nowhere" / "mado.tar"))


def test_database_without_tables_is_not_backed_up(new_machine, backup):
    assert "flask --app wsgi db upgrade" in new_machine().refuses("create", str(backup))
    assert not backup.exists()


def test_checksums_are_those_that_sha256sum_reads(old, backup, tmp_path):
    talk(old, "hello")
    old.must("create", str(backup))
    with tarfile.open(backup) as tar:
        tar.extractall(tmp_path / "all", filter="data")
    for line in (tmp_path / "all" / archive.SUMS).read_text().splitlines():
        digest, _, name = line.partition("  ")
        assert sha256((tmp_path / "all" / name).read_bytes()).hexdigest() == digest


def test_size_of_files_does_not_show_in_memory(tmp_path):
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(64_000_000)
    told = archive.Manifest("2026-11-23T09:00:00+00:00", "sqlite", "0001", [], False)
    (tmp_path / "out").mkdir()
    tracemalloc.start()
    with archive.writing(tmp_path / "backup", told) as writer, large.open("rb") as file:
        writer.add("media/large", file)
    archive.unpack(tmp_path / "backup", tmp_path / "out")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "out" / "media" / "large").stat().st_size == 64_000_000
    assert peak < 4_000_000


# ── What is refused ─────────────────────────────────────────────────────────────────────────


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


def test_backup_of_an_older_mado_is_migrated(new_machine, backup):
    old, new = new_machine(), new_machine()
    schema.bring_up_to_date(old.app, revision="0001")
    with old.app.app_context():
        transaction.start_writing()
        db.session.execute(
            text("INSERT INTO contacts (id, name, created_at) VALUES (1, 'Somchai', :at)"),
            {"at": now().replace(tzinfo=None)},
        )
        db.session.execute(text("INSERT INTO groups (name, created_at) VALUES ('Sales', :at)"), {"at": now().replace(tzinfo=None)})
        transaction.commit()
        db.session.remove()
    old.must("create", str(backup))
    new.must("restore", str(backup))

    assert new.app.test_client().get("/readyz").status_code == 200
    assert "Somchai" in rows(new.app)["contacts"][0]


def test_backup_of_the_other_engine_is_refused(old, new_machine, backup):
    old.must("create", str(backup))
    told = manifest(backup)
    other = {"sqlite": "postgresql", "postgresql": "sqlite"}[told["engine"]]
    rewritten(backup, **{archive.MANIFEST: json.dumps(told | {"engine": other}).encode()})
    assert "kind of database" in new_machine().refuses("restore", str(backup))


# ── The secret key ──────────────────────────────────────────────────────────────────────────


@pytest.fixture
def _other_keys():
    """What a process of its own would do at its start."""
    yield
    encryption.use([SECRET])


@pytest.mark.usefixtures("_other_keys")
def test_key_that_can_not_read_the_backup_is_refused_unless_told(old, new_machine, backup):
    talk(old, "hello")
    old.must("create", str(backup))
    new = new_machine(secret_keys=(OTHER_SECRET,))

    assert "can't read" in new.refuses("restore", str(backup))
    assert is_untouched(new)
    new.must("restore", "--any-key", str(backup))
    assert rows(new.app) == rows(old.app)


@pytest.mark.usefixtures("_other_keys")
def test_older_keys_may_be_behind_a_newer_one(old, new_machine, backup):
    talk(old, "hello")
    old.must("create", str(backup))
    new_machine(secret_keys=(OTHER_SECRET, SECRET)).must("restore", str(backup))


def test_key_of_the_environment_is_no_file_to_include(old, backup):
    assert "comes from the environment" in old.refuses("create", "--with-key", str(backup))
    assert not backup.exists()


@pytest.mark.usefixtures("_other_keys")
def test_included_key_file_is_used_where_none_is_set(old, new_machine, backup):
    (old.data_dir / "secret-key").write_text(SECRET)
    talk(old, "hello")
    said = old.must("create", "--with-key", str(backup))
    (old.data_dir / "secret-key").unlink()
    new = new_machine(secret_keys=(OTHER_SECRET,))
    assert "SECRET_KEY is set" in new.refuses("restore", str(backup))
    (new.data_dir / "secret-key").write_text(OTHER_SECRET)
    new.must("restore", str(backup))

    assert "Keep it like a password" in said
    assert (new.data_dir / "secret-key").read_text() == SECRET
    assert (new.data_dir / "secret-key").stat().st_mode & 0o777 == 0o600


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


def test_damaged_sqlite_database_is_not_backed_up(new_machine, backup):
    new = new_machine("sqlite")
    schema.bring_up_to_date(new.app)
    talk(new, *("words " * 50 for _ in range(40)))
    with new.app.app_context():
        db.session.remove()
        db.engine.dispose()
    path = new.data_dir / "mado.sqlite3"
    sqlite3.connect(path).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 8192] = b"\xff" * 8192
    path.write_bytes(content)
    assert "damaged" in new.refuses("create", str(backup))
    assert not backup.exists()


# ── Files in a bucket ───────────────────────────────────────────────────────────────────────


def test_backup_holds_the_files_that_lie_in_a_bucket(old, new_machine, backup, bucket):
    with old.app.app_context():
        key = storage.write([b"a photo" * 100_000], largest=10**6).key
        storage.put("1.jpg", b"a face", folder=storage.PICTURES)
    said = old.must("create", str(backup))
    new = new_machine()
    new.must("restore", str(backup))

    assert "files of messages: 1, pictures of contacts: 1." in said
    assert (new.data_dir / "media" / key).read_bytes() == b"a photo" * 100_000
    assert (new.data_dir / "pictures" / "1.jpg").read_bytes() == b"a face"


def test_backup_comes_back_into_a_bucket_where_there_is_one(old, new_machine, backup, bucket_service):
    [path.unlink() for path in bucket_service.folder.iterdir()]
    talk(old, "hello")
    old.must("create", str(backup))
    new = new_machine(bucket=bucket_service.settings())
    new.must("restore", str(backup))

    assert len(bucket_service.names()) == len(files(old)) == 3
    assert files(new) == {}


def test_file_that_is_deleted_from_the_bucket_meanwhile_harms_no_backup(old, new_machine, backup, bucket, monkeypatch):
    with old.app.app_context():
        for _ in range(2):
            storage.write([b"a photo"], largest=100)
    kept = bucket.names()[1]
    is_there = iter([False, True])
    asked = calls.Calls.get

    def get(self, name, *, start=0):
        if not next(is_there):
            raise FileNotFoundError
        return asked(self, name, start=start)

    monkeypatch.setattr(calls.Calls, "get", get)
    old.must("create", str(backup))
    new = new_machine()
    new.must("restore", str(backup))
    assert list(files(new)) == [kept.removeprefix("of/mado/")]


def test_bucket_that_is_gone_makes_no_backup_instead_of_half_of_one(old, backup, bucket):
    with old.app.app_context():
        storage.write([b"a photo"], largest=100)
    with bucket.sick(400):
        assert "was not written: The storage: it answered 400." in old.refuses("create", str(backup))
    assert not backup.exists()


def test_backup_without_files_says_so_and_leaves_those_that_are_there(old, new_machine, backup):
    talk(old, "hello")
    said = old.must("create", str(backup), "--without-files")
    new = new_machine()
    new.must("restore", str(backup))
    assert "Not in it: files of messages and pictures of contacts." in said
    assert files(new) == {}

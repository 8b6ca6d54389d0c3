"""A backup made while Mado writes brings all of it to an empty machine (F33)."""

import tarfile
import threading
import tracemalloc
from hashlib import sha256

import pytest
from sqlalchemy import text

from app import encryption, schema, transaction
from app.backups import archive
from app.clock import now
from app.domain import sessions, tokens
from app.extensions import db
from app.models import Agent, Channel, Message, Receipt
from tests.backups.contents import files, is_untouched, rows, talk
from tests.conftest import SECRET
from tests.world import chat_of, count, receive, said

OTHER_SECRET = "another-secret-key-for-tests-long-enough-to-be-taken"


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

"""Files that lie in a bucket are in a backup and come back; without files it says so (F33)."""

from app import storage
from app.storage import calls
from tests.backups.contents import files, talk


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

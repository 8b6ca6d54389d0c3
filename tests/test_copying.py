"""`files copy`: between DATA_DIR and the bucket, as often as one likes, losing nothing."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from click.testing import Result
from flask import Flask

from app import storage
from app.storage.folder import Folder
from tests.bucket import Service


@pytest.fixture(autouse=True)
def here(app: Flask, bucket: Service, tmp_path) -> Iterator[Folder]:
    """Three files on this machine and none in the bucket."""
    config = app.extensions["mado"]
    app.extensions["mado"] = replace(config, data_dir=tmp_path)
    folder = Folder(tmp_path)
    with app.app_context():
        for name in ("media/-one", "media/two", "pictures/channel-1.jpg"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(name.encode() * 1000)
    (tmp_path / "media" / ".half").write_bytes(b"ha")
    yield folder
    app.extensions["mado"] = config


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["files", "copy", "--to", *arguments])


def names(here: Folder) -> list[str]:
    return sorted(f"{folder}/{one.key}" for folder in storage.FOLDERS for one in here.listed(folder))


def test_all_files_come_into_the_bucket_and_stay_here(app, here, bucket):
    before = names(here)
    done = run(app, "s3")
    assert (done.exit_code, "Copied: 3, there already: 0." in done.stdout) == (0, True)
    assert bucket.names() == [f"of/mado/{name}" for name in before]
    assert names(here) == before


def test_copied_files_are_those_that_mado_reads(app, here, bucket):
    run(app, "s3")
    with app.app_context(), storage.open_("two") as file:
        assert file.read() == b"media/two" * 1000


def test_copied_a_second_time_nothing_is(app, bucket):
    run(app, "s3")
    bucket.calls.clear()
    assert "Copied: 0, there already: 3." in run(app, "s3").stdout
    assert [call for call in bucket.calls if call.startswith("PUT")] == []


def test_half_a_file_of_earlier_is_copied_anew(app, here, bucket):
    run(app, "s3")
    (bucket.folder / "of%2Fmado%2Fmedia%2Ftwo").write_bytes(b"half")
    assert "Copied: 1, there already: 2." in run(app, "s3").stdout


def test_files_are_deleted_here_once_they_are_there(app, here, bucket):
    assert "Deleted where they were." in run(app, "s3", "--delete").stdout
    assert (names(here), len(bucket.names())) == ([], 3)


def test_there_and_back_is_the_same(app, here, bucket):
    before = {name: here.open(name).read() for name in names(here)}
    run(app, "s3", "--delete")
    assert run(app, "local", "--delete").exit_code == 0
    assert {name: here.open(name).read() for name in names(here)} == before
    assert bucket.names() == []


def test_outage_in_the_middle_loses_nothing_and_the_next_run_goes_on(app, here, bucket, monkeypatch):
    take, taken = storage.place.__globals__["Bucket"].take, []

    def failing(self, file, name, through=iter):
        taken.append(name)
        bucket.sickness = 400 if len(taken) == 2 else None
        take(self, file, name, through)

    with monkeypatch.context() as patch:
        patch.setattr("app.storage.bucket.Bucket.take", failing)
        done = run(app, "s3", "--delete")
    bucket.heal()
    assert done.exit_code == 1
    assert "it answered 400. Copied so far: 1. Run it again to go on." in done.stderr
    assert (len(names(here)), len(bucket.names())) == (2, 1)
    assert run(app, "s3", "--delete").exit_code == 0
    assert (names(here), len(bucket.names())) == ([], 3)


@pytest.mark.parametrize("to", ["s3", "local"])
def test_without_a_bucket_it_says_what_to_set(app, here, to):
    app.extensions["mado"] = replace(app.extensions["mado"], bucket=None)
    done = run(app, to, "--delete")
    assert (done.exit_code, "Set STORAGE_URL" in done.stderr) == (1, True)
    assert len(names(here)) == 3

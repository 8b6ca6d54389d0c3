"""Files of messages: whole or not at all, private, under names that say nothing."""

from collections.abc import Iterator

import pytest
from flask import Flask

from app import storage


@pytest.fixture(autouse=True)
def _in_app(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def left_over() -> list[str]:
    folder = storage.path_of("x").parent
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def test_what_was_written_in_pieces_is_read_whole():
    stored = storage.write(iter([b"one ", b"two"]), largest=7)
    with storage.open_(stored.key) as file:
        assert file.read() == b"one two"
    assert stored.size == storage.size_of(stored.key) == 7


def test_more_than_wanted_is_refused_and_leaves_nothing():
    before = left_over()
    with pytest.raises(storage.TooLarge):
        storage.write(iter([b"1234", b"5678"]), largest=7)
    assert left_over() == before


def test_stream_that_breaks_leaves_nothing():
    def broken() -> Iterator[bytes]:
        yield b"some"
        raise ConnectionError("cut")

    before = left_over()
    with pytest.raises(ConnectionError):
        storage.write(broken(), largest=100)
    assert left_over() == before


def test_files_are_for_our_own_user_alone():  # T7
    path = storage.path_of(storage.write([b"private"], largest=100).key)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0


def test_deleted_file_is_gone_and_may_be_deleted_again():
    key = storage.write([b"x"], largest=1).key
    storage.delete(key)
    storage.delete(key)
    assert storage.size_of(key) is None
    with pytest.raises(FileNotFoundError):
        storage.open_(key)

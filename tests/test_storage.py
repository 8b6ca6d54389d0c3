"""Files of messages: whole or not at all, private, under names that say nothing."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from app import storage
from app.clock import now
from tests.files import kept, read


@pytest.fixture(autouse=True)
def _in_app(app: Flask, either_storage: None) -> Iterator[None]:
    with app.app_context():
        yield


def test_what_was_written_in_pieces_is_read_whole():
    stored = storage.write(iter([b"one ", b"two"]), largest=7)
    assert read(stored.key) == b"one two"
    assert stored.size == storage.size_of(stored.key) == 7


def test_more_than_wanted_is_refused_and_leaves_nothing():
    before = kept()
    with pytest.raises(storage.TooLarge):
        storage.write(iter([b"1234", b"5678"]), largest=7)
    assert kept() == before


def test_stream_that_breaks_leaves_nothing():
    def broken() -> Iterator[bytes]:
        yield b"some"
        raise ConnectionError("cut")

    before = kept()
    with pytest.raises(ConnectionError):
        storage.write(broken(), largest=100)
    assert kept() == before


def test_file_that_has_come_is_in_nobodys_list_until_it_is_kept():
    later = now() + timedelta(hours=1)
    before = list(storage.keys_before(later))
    with storage.receive([b"a film"], largest=100) as received:
        on_its_way = received.path.read_bytes()
        assert list(storage.keys_before(later)) == before
        key = received.keep()
    assert (on_its_way, read(key)) == (b"a film", b"a film")
    assert not received.path.exists()


def test_file_that_has_come_and_is_not_kept_leaves_nothing():
    before = kept()
    with storage.receive([b"a program"], largest=100):
        pass
    assert kept() == before


def test_files_are_for_our_own_user_alone():  # T7
    with storage.receive([b"private"], largest=100) as received:
        assert received.path.stat().st_mode & 0o777 == 0o600
        assert received.path.parent.stat().st_mode & 0o077 == 0


def test_deleted_file_is_gone_and_may_be_deleted_again():
    key = storage.write([b"x"], largest=1).key
    storage.delete(key)
    storage.delete(key)
    assert storage.size_of(key) is None
    with pytest.raises(FileNotFoundError):
        storage.open_(key)


def test_file_under_a_name_of_ones_own_takes_the_place_of_the_older_one():
    for content in (b"an older face", b"a face"):
        storage.put("channel-1.jpg", content, folder=storage.PICTURES)
    with storage.open_("channel-1.jpg", folder=storage.PICTURES) as file:
        assert file.read() == b"a face"


def test_what_a_process_left_that_died_is_forgotten_when_it_is_old():
    received = storage.receive([b"half"], largest=100)
    storage.forget_halves(now() - timedelta(hours=1))
    assert received.path.exists()
    storage.forget_halves(now() + timedelta(hours=1))
    assert not received.path.exists()

"""Files in an S3-compatible bucket: signed calls, bounded memory, and a service that is sick."""

import io
import logging
import os
import threading
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from app import s3, storage
from app.clock import now
from app.storage import calls
from app.storage.bucket import Bucket
from tests.bucket import KEY_ID, NAME, SECRET, Service
from tests.files import read

MEGABYTE = 1_000_000


@pytest.fixture(autouse=True)
def _in_app(app: Flask, bucket: Service) -> Iterator[None]:
    with app.app_context():
        yield


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for a tenth of a second."""
    monkeypatch.setattr(calls, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(calls, "KEPT_SECONDS", 0.1)


def stored(content: bytes = b"a photo") -> str:
    return storage.write([content], largest=200 * MEGABYTE).key


# ── What lies in it ─────────────────────────────────────────────────────────────────────────


def test_file_lies_below_the_prefix_in_the_folder_that_it_would_have_here(bucket: Service):
    key = stored()
    assert bucket.names() == [f"of/mado/media/{key}"]


def test_nothing_of_it_stays_on_this_machine(app: Flask):
    stored()
    assert list((app.extensions["mado"].data_dir / "coming").iterdir()) == []


def test_wrong_secret_opens_nothing_and_the_words_say_what_to_look_at(bucket: Service):
    stranger = Bucket(bucket.settings(secret="another"))
    with pytest.raises(storage.Unavailable, match="S3_ACCESS_KEY_ID"):
        stranger.size_of("media/x")


def test_bucket_that_is_not_there_is_no_missing_file(bucket: Service):
    with pytest.raises(storage.Unavailable, match="no such bucket"):
        Bucket(bucket.settings(name="another")).check()


def test_file_whose_bytes_changed_on_the_way_is_not_kept(bucket: Service):
    def changed(pieces: Iterator[bytes]) -> Iterator[bytes]:
        return (piece.upper() for piece in pieces)

    with storage.receive([b"a photo"], largest=100) as received, pytest.raises(storage.Unavailable):
        received.keep(changed)
    assert bucket.names() == []


def test_half_a_file_is_not_kept(bucket: Service):
    def stopping(pieces: Iterator[bytes]) -> Iterator[bytes]:
        yield next(pieces)
        raise KeyError

    content = iter([bytes(calls.MOST_WAITING * MEGABYTE)])
    with storage.receive(content, largest=10 * MEGABYTE) as received, pytest.raises(KeyError):
        received.keep(stopping)
    assert bucket.names() == []


def test_empty_file_is_a_file():
    assert read(stored(b"")) == b""


def test_list_has_all_pages(bucket: Service):
    bucket.page = 2
    keys = {stored() for _ in range(5)}
    storage.put("channel-1.jpg", b"a face", folder=storage.PICTURES)
    assert set(storage.keys_before(now() + timedelta(hours=1))) == keys
    assert set(storage.keys_before(now() - timedelta(hours=1))) == set()


# ── Reading ─────────────────────────────────────────────────────────────────────────────────


def test_reader_asks_only_for_what_is_wanted(bucket: Service):
    key = stored(bytes(range(256)) * 1000)
    bucket.calls.clear()
    with storage.open_(key) as file:
        assert file.seek(0, os.SEEK_END) == 256_000
        file.seek(255_990)
        assert file.read() == bytes(range(246, 256))
    assert [call.split()[0] for call in bucket.calls] == ["HEAD", "GET"]


def test_reader_goes_back_and_on():
    with storage.open_(stored(b"0123456789")) as file:
        assert (file.read(4), file.seek(2), file.read(3), file.tell()) == (b"0123", 2, b"234", 5)
        assert (file.seek(1, os.SEEK_CUR), file.read()) == (6, b"6789")


def test_film_of_many_megabytes_needs_little_memory_both_ways():
    piece = os.urandom(MEGABYTE)
    read(stored(b"warm"))
    tracemalloc.start()
    key = storage.write((piece for _ in range(40)), largest=50 * MEGABYTE).key
    with storage.open_(key) as file:
        size = sum(map(len, iter(lambda: file.read(storage.SYNC_BYTES), b"")))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == 40 * MEGABYTE
    assert peak < 2 * MEGABYTE


def test_file_that_is_cut_while_it_is_read_is_no_shorter_file(bucket: Service):
    key = stored(bytes(MEGABYTE))
    bucket.sickness = "cuts"
    with storage.open_(key) as file, pytest.raises(storage.Unavailable):
        file.read()


# ── A service that is sick ──────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("sickness", "words"),
    [(503, "it answered 503"), (403, "refuses the key"), (400, "it answered 400"), ("hangs", "in time")],
)
def test_every_verb_says_what_is_wrong(bucket: Service, sickness, words):
    key = stored()
    verbs = (lambda: storage.open_(key), lambda: storage.delete(key), lambda: stored(b"more"))
    for verb in verbs:
        with bucket.sick(sickness), pytest.raises(storage.Unavailable, match=words):
            verb()
    assert words in storage.place().problem


def test_service_that_is_gone_is_told_and_remembered_until_it_answers(bucket: Service):
    place = Bucket(bucket.settings(endpoint="http://127.0.0.1:9"))
    with pytest.raises(storage.Unavailable, match="can't be reached"):
        place.size_of("media/x")
    assert place.problem == "The storage: it can't be reached."


@pytest.mark.usefixtures("impatient")
def test_service_that_does_not_answer_is_left_alone_for_a_moment(bucket: Service):
    with bucket.sick("hangs"), pytest.raises(storage.Unavailable):
        storage.size_of("x")
    bucket.calls.clear()
    with pytest.raises(storage.Unavailable, match="in time"):
        storage.size_of("x")
    assert bucket.calls == []
    storage.place().check()
    assert storage.place().problem is None
    assert storage.size_of("x") is None


def test_busy_service_is_asked_again_before_anybody_is_told(bucket: Service, monkeypatch):
    monkeypatch.setattr("urllib3.Retry.sleep", lambda *_: bucket.heal())
    key = stored()
    bucket.sickness = 503
    assert storage.size_of(key) == 7


def test_some_threads_are_never_waiting_for_it(bucket: Service, monkeypatch):
    """Or a page with fifty pictures would keep webhooks from theirs."""
    monkeypatch.setattr(calls, "PLACE_SECONDS", 0.01)
    place = storage.place()
    with bucket.sick("hangs"):
        waiting = [
            threading.Thread(target=_quietly, args=(place,), daemon=True) for _ in range(calls.MOST_WAITING)
        ]
        [thread.start() for thread in waiting]
        while len(bucket.calls) < calls.MOST_WAITING:
            threading.Event().wait(0.01)
        with pytest.raises(storage.Unavailable, match="too many"):
            place.size_of("media/x")
        monkeypatch.setattr(calls, "PLACE_SECONDS", 60.0)  # but now nobody waits any more
        with pytest.raises(storage.Unavailable, match="too many"):
            place.size_of("media/x")
    [thread.join(10) for thread in waiting]


def _quietly(place: Bucket) -> None:
    with io.StringIO() as said:
        try:
            place.size_of("media/x")
        except storage.Unavailable as problem:
            said.write(str(problem))


def test_nobody_names_it_any_more_so_no_outage_keeps_it_from_being_let_go(bucket: Service):
    key = stored()
    with bucket.sick(400):
        storage.discard(key)
    assert bucket.names() == [f"of/mado/media/{key}"]


def test_log_tells_an_outage_once_and_no_secret(bucket: Service, caplog: pytest.LogCaptureFixture):
    key = stored()
    with caplog.at_level(logging.DEBUG, "app"), bucket.sick(400):
        for _ in range(3):
            storage.discard(key)
    assert caplog.text.count("it answered 400") == 1
    assert [word for word in (SECRET, key) if word in caplog.text] == []


# ── Settings ────────────────────────────────────────────────────────────────────────────────


def test_settings_name_a_bucket_and_hide_its_secret():
    found = s3.from_settings("s3://my-files/of/mado/", None, "eu-west-1", "id", "secret-canary")
    assert (found.name, found.prefix, found.region) == ("my-files", "of/mado/", "eu-west-1")
    assert found.endpoint == "https://s3.eu-west-1.amazonaws.com"
    assert "canary" not in repr(found)


@pytest.mark.parametrize(
    ("url", "endpoint", "key_id", "words"),
    [
        ("https://x/y", None, KEY_ID, "s3://bucket"),
        ("s3://", None, KEY_ID, "s3://bucket"),
        ("s3://a:b@bucket", None, KEY_ID, "s3://bucket"),
        ("s3://bucket/../x", None, KEY_ID, "s3://bucket"),
        ("s3://bucket/ä", None, KEY_ID, "s3://bucket"),
        ("s3://bucket?region=x", None, KEY_ID, "s3://bucket"),
        (f"s3://{NAME}", None, None, "S3_ACCESS_KEY_ID"),
        (f"s3://{NAME}", "s3.example.com", KEY_ID, "S3_ENDPOINT_URL"),
        (f"s3://{NAME}", "https://s3.example.com/files", KEY_ID, "without the bucket"),
        (f"s3://{NAME}", "https://s3.example.com:x", KEY_ID, "S3_ENDPOINT_URL"),
    ],
)
def test_settings_that_cannot_be_right_say_so(url, endpoint, key_id, words):
    with pytest.raises(ValueError, match=words):
        s3.from_settings(url, endpoint, None, key_id, SECRET)


def test_without_a_url_there_is_no_bucket():
    assert s3.from_settings(None, "https://s3.example.com", None, KEY_ID, SECRET) is None

"""Files of contacts' messages: fetched in the background, whole or not at all, once (L2)."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from sqlalchemy import select

from app import downloads, intake, previews, storage, transaction
from app.channels.base import Gone, InboundFile, NotReady, TemporaryError
from app.clock import now
from app.domain import attachments, channels, settings
from app.extensions import db
from app.models import Attachment, Case, Event, Message
from tests.conftest import fresh_id
from tests.files import kept, read
from tests.test_pictures import Host
from tests.world import ToyAdapter, connected, play, receive, said

CUT = TemporaryError("The connection broke.")


def drawn(size: tuple[int, int] = (800, 600), kind: str = "PNG") -> bytes:
    written = BytesIO()
    Image.new("RGB", size, "teal").save(written, kind)
    return written.getvalue()


@pytest.fixture
def toy(app) -> Iterator[ToyAdapter]:
    with app.app_context():
        yield play(ToyAdapter())


@pytest.fixture
def channel(toy):
    found = connected("toy")
    db.session.refresh(found)
    return found


def sent(channel, toy: ToyAdapter, *outcomes, kind: str = "image", **file) -> int:
    """A contact sends a file that the provider gives out like this; the attachment's id."""
    message_id = fresh_id()
    toy.files[message_id] = list(outcomes)
    files = (InboundFile(kind=kind, **file),)
    receive(channel, said("", message_id=message_id, message_kind=kind, files=files))
    return db.session.scalars(select(Attachment.id).order_by(Attachment.id.desc()).limit(1)).one()


def work() -> bool:
    transaction.release()
    return downloads.work_one()


def row(attachment_id: int) -> Attachment:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(Attachment, attachment_id)


def waits_until_settled(attachment_id: int, clock) -> list[float]:
    """Try whenever it is due; the seconds between the tries."""
    waits = []
    while row(attachment_id).state == "waiting":
        work()
        if due_at := row(attachment_id).due_at:
            waits.append((due_at - now()).total_seconds())
            clock.shift(due_at - now())
    return waits


def told(attachment: Attachment) -> list[str]:
    """The events of its message that are about files."""
    query = select(Event.type).where(
        Event.message_id == attachment.message_id, Event.type.like("attachment.%")
    )
    return list(db.session.scalars(query.order_by(Event.id)))


@pytest.mark.parametrize("is_busy", [True, False])
def test_a_file_gives_way_to_texts_that_come(channel, toy, monkeypatch, is_busy):
    waited: list[float] = []
    never = SimpleNamespace(is_set=lambda: False, wait=waited.append)
    monkeypatch.setattr(downloads, "is_stopping", never)
    monkeypatch.setattr(intake, "is_busy", lambda: is_busy)
    found = sent(channel, toy, [b"a", b"b", b"c"], kind="file")
    work()
    assert row(found).state == "stored"
    assert waited == ([downloads.GIVE_WAY_SECONDS] * 3 if is_busy else [])


def test_picture_is_fetched_previewed_and_told_of(channel, toy, either_storage):  # L2
    raw = drawn()
    attachment_id = sent(channel, toy, [raw[:50], raw[50:]])
    assert work()
    file = row(attachment_id)
    assert (file.state, file.content_type, file.size) == ("stored", "image/png", len(raw))
    assert (file.width, file.height, file.due_at) == (800, 600, None)
    assert read(file.storage_key) == raw
    with Image.open(storage.open_(file.preview_key)) as preview:
        assert (preview.format, preview.size) == ("JPEG", (640, 480))
    assert told(file) == ["attachment.stored"]
    assert not work()


def test_file_keeps_its_name_and_is_known_by_its_bytes(channel, toy):  # L2, T6
    first = sent(channel, toy, [b"%PDF-1.7 ..."], kind="file", filename="receipt.pdf")
    second = sent(channel, toy, [b"<script>alert(1)</script>"], kind="file", filename="x.png")
    work()
    work()
    assert (row(first).filename, row(first).content_type) == ("receipt.pdf", "application/pdf")
    assert (row(second).content_type, row(second).preview_key) == ("application/octet-stream", None)


@pytest.mark.parametrize(
    "raw",
    [
        b"GIF89a<script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\x00\x00\x00\x18ftypmp42",
        drawn((6000, 5000)),
    ],
    ids=["polyglot", "svg", "film", "30 MP"],
)
def test_picture_that_is_none_is_a_file_to_be_saved(channel, toy, raw):  # T6, T9
    attachment_id = sent(channel, toy, [raw])
    work()
    file = row(attachment_id)
    assert (file.state, file.content_type) == ("stored", "application/octet-stream")
    assert (file.preview_key, file.width) == (None, None)
    assert file.storage_key in kept()


def test_cut_download_keeps_nothing_and_is_tried_again(channel, toy, clock):  # L2
    raw = drawn()
    before = kept()
    attachment_id = sent(channel, toy, [raw[:50], CUT], [raw])
    work()
    assert kept() == before
    assert (row(attachment_id).state, row(attachment_id).problem) == ("waiting", CUT.reason)
    assert not work()
    clock.shift(timedelta(seconds=5))
    work()
    assert (row(attachment_id).state, row(attachment_id).problem) == ("stored", None)


def test_tries_become_rarer_and_end_after_a_day(channel, toy, clock):  # L2
    attachment_id = sent(channel, toy, CUT)
    waits = waits_until_settled(attachment_id, clock)
    assert waits[:7] == [5, 30, 120, 600, 1800, 3600, 3600]
    assert len(waits) < 35
    assert (row(attachment_id).state, row(attachment_id).problem) == ("gone", CUT.reason)


def test_refused_token_loses_nothing_however_long_it_lasts(channel, toy, clock):  # L2
    refused = TemporaryError("The token was refused.", breaks_channel=True)
    attachment_id = sent(channel, toy, refused, refused, [drawn()])
    work()
    clock.shift(timedelta(days=40))
    work()
    assert row(attachment_id).state == "waiting"
    clock.shift(timedelta(hours=1))
    work()
    assert row(attachment_id).state == "stored"


def test_film_in_preparation_is_asked_for_soon_and_then_less_often(channel, toy, clock):  # L2
    preparing = NotReady("It is being prepared.")
    film = b"\x00\x00\x00\x18ftypmp42" + bytes(100)
    attachment_id = sent(channel, toy, preparing, preparing, [film], kind="video")
    work()
    assert row(attachment_id).due_at - now() == timedelta(seconds=2)
    clock.shift(timedelta(seconds=2))
    work()
    assert row(attachment_id).due_at - now() == timedelta(seconds=3)
    clock.shift(timedelta(seconds=3))
    work()
    assert (row(attachment_id).state, row(attachment_id).content_type) == ("stored", "video/mp4")
    assert told(row(attachment_id)) == ["attachment.delayed", "attachment.stored"]


def test_file_that_the_provider_has_no_more_is_gone(channel, toy):  # L2
    attachment_id = sent(channel, toy, Gone("It is not there."))
    work()
    file = row(attachment_id)
    assert (file.state, file.problem, file.due_at) == ("gone", "It is not there.", None)
    assert told(file) == ["attachment.lost"]


def test_file_that_is_too_large_is_refused_before_or_while_it_comes(channel, toy):  # L2
    with transaction.writing():
        settings.put("media.largest_mb", "1")
    before = kept()
    told_size = sent(channel, toy, [b"x"], kind="file", size=1_000_001)
    longer = sent(channel, toy, [bytes(600_000)] * 2, kind="file", size=5)
    work()
    work()
    assert [row(one).state for one in (told_size, longer)] == ["refused", "refused"]
    assert row(longer).problem == "It is larger than 1 MB."
    assert toy.wanted == [row(longer).message.external_id]
    assert kept() == before


def test_private_address_is_refused(channel, toy):  # T10
    attachment_id = sent(channel, toy, [drawn()], url="http://127.0.0.1:9/photo.jpg")
    work()
    assert row(attachment_id).state == "refused"
    assert toy.wanted == []


@pytest.fixture
def elsewhere(app) -> Iterator[Host]:
    """A host of somebody's that may be called although it is this machine."""
    config, host = app.extensions["mado"], Host()
    app.extensions["mado"] = replace(config, allow_private_hosts=frozenset({"127.0.0.1"}))
    yield host
    app.extensions["mado"] = config
    host.stop()


def test_file_that_lies_elsewhere_is_fetched_from_there(channel, toy, elsewhere):  # L2
    attachment_id = sent(channel, toy, url=elsewhere.url)
    work()
    assert (row(attachment_id).state, row(attachment_id).size) == ("stored", len(elsewhere.body))
    assert toy.wanted == []


@pytest.mark.parametrize(
    ("status", "state", "problem"),
    [
        (404, "gone", "It is not at its address any more."),
        (500, "waiting", "Its host answered 500."),
        (302, "waiting", "127.0.0.1 leads elsewhere; redirects are not followed."),
    ],
)
def test_host_elsewhere_is_judged_too(channel, toy, elsewhere, status, state, problem):  # L2
    elsewhere.status = status
    attachment_id = sent(channel, toy, url=elsewhere.url)
    work()
    assert (row(attachment_id).state, row(attachment_id).problem) == (state, problem)


def test_file_of_a_deleted_channel_is_gone_and_nobody_is_asked(channel, toy, alice):
    attachment_id = sent(channel, toy, [drawn()])
    with transaction.writing():
        channels.delete(channels.find(channel.id), by=db.session.merge(alice, load=False))
    work()
    assert row(attachment_id).state == "gone"
    assert toy.wanted == []


def test_two_workers_fetch_each_file_once(app, channel, toy):  # L2
    ids = [sent(channel, toy, [drawn((50, 50))]) for _ in range(12)]
    transaction.release()

    def worker() -> None:
        with app.app_context():
            while downloads.work_one():
                pass

    threads = [threading.Thread(target=worker) for _ in range(3)]
    [thread.start() for thread in threads]
    [thread.join(60) for thread in threads]
    assert [row(one).state for one in ids] == ["stored"] * 12
    assert len(toy.wanted) == len(set(toy.wanted)) == 12


def test_claim_of_a_killed_process_runs_out(channel, toy, clock):
    attachment_id = sent(channel, toy, [drawn()])
    with transaction.writing():
        assert attachments.claim(attachments.due())
    assert not work()
    clock.shift(attachments.LEASE)
    work()
    assert row(attachment_id).state == "stored"


def test_long_download_keeps_its_claim(channel, toy, clock):
    raw = drawn()
    attachment_id = sent(channel, toy, [])
    dues = []

    def slowly(piece: bytes) -> bytes:
        clock.shift(timedelta(seconds=15))
        transaction.release()
        dues.append(attachments.due())
        return piece

    pieces = (slowly(raw[start : start + 500]) for start in range(0, len(raw), 500))
    toy.files[row(attachment_id).message.external_id] = [pieces]
    work()
    assert len(dues) > 4
    assert set(dues) == {None}
    assert row(attachment_id).state == "stored"


def test_clock_that_stepped_back_makes_no_file_wait(channel, toy, clock):  # F14
    clock.shift(timedelta(hours=5))
    attachment_id = sent(channel, toy, [drawn()])
    clock.shift(timedelta(hours=-5))
    work()
    assert row(attachment_id).state == "stored"


def unsend(attachment_id: int) -> None:
    with transaction.writing():
        attachments.remove(db.session.get_one(Attachment, attachment_id).message_id)


def test_unsent_file_loses_its_bytes_and_its_name(channel, toy, either_storage):  # L3
    before = kept()
    attachment_id = sent(channel, toy, [drawn()], filename="secret.png")
    work()
    assert len(kept()) == len(before) + 2
    unsend(attachment_id)
    assert (row(attachment_id).state, row(attachment_id).filename) == ("removed", "")
    assert work()
    file = row(attachment_id)
    assert kept() == before
    assert (file.state, file.storage_key, file.preview_key, file.due_at) == ("removed", None, None, None)
    assert not work()


def test_file_that_is_unsent_while_it_comes_is_not_kept(channel, toy, either_storage):  # L3
    before = kept()
    raw = drawn()
    attachment_id = sent(channel, toy, [])

    def unsent_in_the_middle():
        yield raw[:100]
        unsend(attachment_id)
        yield raw[100:]

    toy.files[row(attachment_id).message.external_id] = [unsent_in_the_middle()]
    work()
    assert row(attachment_id).state == "removed"
    assert kept() == before
    assert work()
    assert not work()


def test_full_disk_loses_nothing(channel, toy, clock, monkeypatch):  # F15
    attachment_id = sent(channel, toy, [drawn()])

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "receive", full)
        work()
    assert (row(attachment_id).state, row(attachment_id).problem) == (
        "waiting",
        "It could not be stored.",
    )
    clock.shift(timedelta(seconds=5))
    work()
    assert row(attachment_id).state == "stored"


def test_storage_that_is_gone_loses_nothing_and_the_page_says_why(channel, toy, clock, bucket):
    attachment_id = sent(channel, toy, [drawn()], [drawn()])
    with bucket.sick(400):
        work()
    assert row(attachment_id).state == "waiting"
    assert row(attachment_id).problem == "The storage: it answered 400."
    clock.shift(timedelta(seconds=5))
    work()
    assert (row(attachment_id).state, len(bucket.names())) == ("stored", 2)


def test_bytes_that_cannot_be_deleted_now_are_deleted_later(channel, toy, clock, bucket):  # L3
    attachment_id = sent(channel, toy, [drawn()])
    work()
    unsend(attachment_id)
    with bucket.sick(400):
        assert work()
    assert len(bucket.names()) == 2
    clock.shift(attachments.LEASE)
    assert work()
    assert (bucket.names(), row(attachment_id).storage_key) == ([], None)


def test_long_way_to_the_storage_keeps_the_claim(channel, toy, clock, bucket, monkeypatch):
    attachment_id = sent(channel, toy, [bytes(500_000)], kind="file")
    dues, through = [], downloads._Holding.through

    def slowly(self, pieces):
        for piece in through(self, pieces):
            clock.shift(timedelta(seconds=15))
            transaction.release()
            dues.append(attachments.due())
            yield piece

    monkeypatch.setattr(downloads._Holding, "through", slowly)
    work()
    assert (set(dues), len(dues)) == ({None}, 5)
    assert row(attachment_id).state == "stored"


def test_stray_files_are_swept_and_others_are_not(channel, toy, clock, either_storage):
    attachment_id = sent(channel, toy, [drawn()])
    work()
    case_id = row(attachment_id).case_id
    mine = {row(attachment_id).storage_key, row(attachment_id).preview_key}
    downloads.sweep_strays()
    assert mine <= set(kept())
    clock.shift(timedelta(days=3650))
    downloads.sweep_strays()
    assert set(kept()) == mine
    with transaction.writing():
        db.session.query(Message).filter_by(case_id=case_id).delete()
        db.session.query(Case).filter_by(id=case_id).delete()
    assert downloads.sweep_strays() == 2
    assert kept() == []


def ffmpeg(tmp_path: Path, monkeypatch, body: str) -> None:
    """A program of that name, in front of every other."""
    program = tmp_path / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def test_film_has_its_first_frame_as_preview(channel, toy, tmp_path, monkeypatch):
    (tmp_path / "frame.jpg").write_bytes(drawn((640, 360), "JPEG"))
    ffmpeg(tmp_path, monkeypatch, f"cat {tmp_path}/frame.jpg")
    attachment_id = sent(channel, toy, [b"\x00\x00\x00\x18ftypmp42" + bytes(50)], kind="video")
    work()
    file = row(attachment_id)
    assert (file.width, file.height, file.content_type) == (640, 360, "video/mp4")
    assert file.preview_key in kept()


@pytest.mark.parametrize("body", ["exit 1", "echo no picture", "exec sleep 5"])
def test_film_that_ffmpeg_cannot_read_has_none(channel, toy, tmp_path, monkeypatch, body):
    monkeypatch.setattr(previews, "FRAME_SECONDS", 1.0)
    ffmpeg(tmp_path, monkeypatch, body)
    attachment_id = sent(channel, toy, [b"\x00\x00\x00\x18ftypmp42" + bytes(50)], kind="video")
    work()
    assert (row(attachment_id).state, row(attachment_id).preview_key) == ("stored", None)

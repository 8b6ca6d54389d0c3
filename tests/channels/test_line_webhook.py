"""The webhook as LINE and everybody else meets it."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app import background, create_app, transaction
from app.channels.line import webhook
from app.extensions import db
from app.models import Case, Channel, Event, Message, Receipt
from tests.channels.line_posts import (
    KEY,
    batch,
    connected_line,
    post,
    signature,
    text_event,
)
from tests.world import count

HOSTILE = {
    "not JSON": b"{",
    "empty": b"",
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "events missing": b"{}",
    "events null": b'{"events": null}',
    "events an object": b'{"events": {}}',
    "deep": b'{"events": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "more events than LINE sends": b'{"events": [' + b"{}," * 1000 + b"{}]}",
    "bad UTF-8": b'{"events": ["\xff\xfe"]}',
}
ODD_EVENTS = {
    "null": None,
    "a string": "hi",
    "a list": [],
    "empty": {},
    "type a number": {"type": 5},
    "type null": {"type": None, "webhookEventId": "null-type"},
    "message without message": {"type": "message", "source": {"type": "user", "userId": "U1"}},
    "message a string": text_event(message="hello"),
    "message type missing": text_event(message={"id": "1"}),
    "source a list": text_event(source=[]),
    "source without id": text_event(source={"type": "user"}),
    "source of a new kind": text_event(source={"type": "planet", "planetId": "P1"}),
    "timestamp a string": text_event(timestamp="yesterday"),
    "timestamp huge": text_event(timestamp=2**63),
    "timestamp negative": text_event(timestamp=-1),
    "ids numbers": text_event(webhookEventId=12, message={"id": 34, "type": "text", "text": "x"}),
    "text null": text_event(message={"id": "n1", "type": "text", "text": None}),
    "NUL and surrogates": text_event("a\0b\ud800c"),
    "unknown message type": text_event(message={"id": "u1", "type": "hologram", "x": [1]}),
    "unknown event type": text_event(type="teleported"),
    "combining flood": text_event("a" + "\u0301" * 5000),
    "right to left": text_event("\u202egnp.exe \u2028"),
    "long id": text_event(webhookEventId="x" * 5000),
    "new mode": text_event(mode="dormant"),
}


@pytest.fixture
def line(app) -> Channel:
    with app.app_context():
        return connected_line()


def stored(app, column=Message.text) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(column).order_by(Message.id)))


def counted(app, model) -> int:
    with app.app_context():
        return count(model)


def test_signed_message_is_stored_when_200_is_answered(app, client, line):
    answer = post(client, batch(text_event("こんにちは")))

    assert answer.status_code == 200
    assert stored(app) == ["こんにちは"]


def test_official_signature_example_holds(line, client):  # S5
    raw = b'{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}'

    assert signature(raw) == "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs="
    assert post(client, raw).status_code == 200


@pytest.mark.parametrize(
    "value",
    ["", "wrong", "ünïcödé", signature(b"other bytes"), "A" * 10_000],
)
def test_body_without_a_valid_signature_is_401_and_changes_nothing(
    app, client, line, value
):  # S5, T1
    answer = post(client, batch(text_event()), x_line_signature=value)

    assert answer.status_code == 401
    assert counted(app, Message) == counted(app, Receipt) == 0


def test_signature_of_another_channel_does_not_fit(app, client, line):  # T1, T35
    raw = json.dumps(batch(text_event())).encode()

    answer = post(client, raw, x_line_signature=signature(raw, "f" * 32))

    assert answer.status_code == 401


def test_failed_signatures_are_counted_in_memory_and_written_later(app, client, line):  # S5
    for _ in range(3):
        post(client, batch(), x_line_signature="wrong")
    with app.app_context():
        assert db.session.get(Channel, line.id).failed_signature_count == 0
        with transaction.writing():
            webhook.flush_counters()
        assert db.session.get(Channel, line.id).failed_signature_count == 3


def test_flood_of_wrong_signatures_keeps_no_good_call_out(client, line):  # T29
    refused = {post(client, batch(), x_line_signature="wrong").status_code for _ in range(300)}

    assert refused == {401}
    assert post(client, batch(text_event())).status_code == 200


def test_unknown_key_is_404(client, line):  # S3
    assert post(client, batch(), key="f" * 32).status_code == 404


def test_deleted_channel_is_404(app, client):  # S3
    with app.app_context():
        connected_line(state="deleted")

    assert post(client, batch()).status_code == 404


def test_get_is_405(client, line):  # S3
    answer = client.get(f"/line/webhook/{KEY}")

    assert answer.status_code == 405


def test_disabled_channel_answers_200_stores_nothing_and_counts(app, client):  # S3
    with app.app_context():
        channel = connected_line(state="disabled")
    assert post(client, batch(text_event())).status_code == 200

    with app.app_context():
        with transaction.writing():
            webhook.flush_counters()
        assert db.session.get(Channel, channel.id).ignored_count == 1
    assert counted(app, Message) == 0


def test_body_of_a_megabyte_and_a_byte_is_413(client, line):  # T2
    assert post(client, b" " * 1_000_001).status_code == 413


def test_chunked_body_of_more_than_a_megabyte_is_413(client, line):  # T2
    raw = b" " * 1_000_001
    answer = client.post(
        f"/line/webhook/{KEY}",
        input_stream=__import__("io").BytesIO(raw),
        headers={"x-line-signature": signature(raw), "transfer-encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert answer.status_code == 413


def test_compressed_body_is_415_and_never_unpacked(client, line):  # T2
    assert post(client, batch(), content_encoding="gzip").status_code == 415


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_body_is_400_and_never_500(app, client, line, name):  # F23
    answer = post(client, HOSTILE[name])

    assert answer.status_code == 400
    assert counted(app, Receipt) == 0


@pytest.mark.parametrize("name", ODD_EVENTS)
def test_odd_event_is_200_and_its_good_neighbours_are_kept(app, client, line, name):  # F23, S6
    raw = json.dumps(batch(text_event("before"), ODD_EVENTS[name], text_event("after"))).encode()

    answer = post(client, raw)

    assert answer.status_code == 200
    assert {"before", "after"} <= set(stored(app))


def test_number_of_5000_digits_costs_its_neighbours_nothing(app, client, line):  # F23, S6
    odd = text_event("odd") | {"timestamp": "DIGITS"}
    raw = json.dumps(batch(text_event("before"), odd, text_event("after")))

    assert post(client, raw.replace('"DIGITS"', "9" * 5000).encode()).status_code == 200
    assert stored(app) == ["before", "odd", "after"]


def test_bad_event_is_kept_with_its_bytes_for_admins(app, client, line):  # S6
    post(client, batch(text_event(message="hello"), text_event("fine")))

    with app.app_context():
        kept = db.session.scalars(select(Receipt).where(Receipt.error.is_not(None))).one()
        assert json.loads(kept.raw)["message"] == "hello"
        assert kept.due_at is not None


@pytest.mark.parametrize("name", ["source a list", "source without id", "source of a new kind"])
def test_message_from_nowhere_known_is_kept_back_not_dropped(app, client, line, name):  # S6
    assert post(client, batch(ODD_EVENTS[name])).status_code == 200

    with app.app_context():
        kept = db.session.scalars(select(Receipt).where(Receipt.error.is_not(None))).one()
        assert "source" in kept.error


def test_same_bytes_five_times_and_twenty_at_once_are_one_message(app, client, line):  # T3, F12
    raw = json.dumps(batch(text_event("once"))).encode()
    answers = [post(client, raw).status_code for _ in range(5)]

    threads = [
        threading.Thread(
            target=lambda: answers.append(post(app.test_client(), raw).status_code)
        )
        for _ in range(20)
    ]
    [thread.start() for thread in threads]
    [thread.join(30) for thread in threads]

    assert answers == [200] * 25
    assert stored(app) == ["once"]


@pytest.fixture
def restarted(app) -> Iterator[Callable[[], Flask]]:
    """A function that starts Mado once more on the same data."""
    made = []

    def start() -> Flask:
        made.append(create_app(app.extensions["mado"]))
        return made[-1]

    yield start
    for one in made:
        with one.app_context():
            db.engine.dispose()


@pytest.mark.parametrize("days", [8, 45])  # before and after receipts are forgotten
def test_same_bytes_days_later_and_after_a_restart_are_one_message(app, client, line, clock, restarted, days):  # T3
    raw = json.dumps(batch(text_event("once"))).encode()
    post(client, raw)
    happened = counted(app, Event)
    clock.shift(timedelta(days=days))
    with app.app_context():
        background.tidy()
    later = restarted()
    assert counted(later, Receipt) == (1 if days == 8 else 0)

    assert post(later.test_client(), raw).status_code == 200

    assert stored(later) == ["once"]
    assert counted(later, Event) == happened  # so no rule was asked either


def test_twenty_first_messages_at_once_make_one_chat(app, line):  # S26a
    bodies = [batch(text_event(f"{n}")) for n in range(20)]
    answers = []
    threads = [
        threading.Thread(
            target=lambda body=body: answers.append(post(app.test_client(), body).status_code)
        )
        for body in bodies
    ]
    [thread.start() for thread in threads]
    [thread.join(30) for thread in threads]

    assert answers == [200] * 20
    assert counted(app, Case) == 1
    assert counted(app, Message) == 20


def test_non_text_is_kept_with_its_kind_and_raw_message(app, client, line):
    post(client, batch(text_event(message={"id": "i1", "type": "image", "contentProvider": {}})))

    with app.app_context():
        message = db.session.scalars(select(Message)).one()
        assert (message.kind, message.text) == ("image", "")
        assert json.loads(message.payload)["id"] == "i1"


def test_group_message_is_never_filed_under_its_sender(app, client, line):  # S29
    source = {"type": "group", "groupId": "C" + "1" * 32, "userId": "U" + "a" * 32}

    post(client, batch(text_event("to all", source=source), text_event("to you")))

    assert counted(app, Case) == 2


def test_draft_without_a_secret_answers_200_to_verify_and_503_to_events(app, client):  # S3
    with app.app_context(), transaction.writing():
        draft = Channel(kind="line", state="draft", key=KEY, key_hash=webhook.key_hash(KEY))
        db.session.add(draft)

    answers = [post(client, batch()).status_code, post(client, batch(text_event())).status_code]

    assert answers == [200, 503]
    assert counted(app, Receipt) == 0
    with app.app_context():
        assert db.session.scalars(select(Channel)).one().called_at is not None


def test_locked_database_is_503_in_under_two_seconds_and_nothing_is_lost(
    app, client, line
):  # F17
    import time

    with app.app_context():
        raw = db.engine.raw_connection()
    raw.dbapi_connection.begin(writing=True)
    begun = time.monotonic()
    body = batch(text_event("later"))
    refused = post(client, body)
    seconds = time.monotonic() - begun
    raw.rollback()
    raw.close()

    assert (refused.status_code, seconds < 2) == (503, True)
    assert post(client, body).status_code == 200
    assert stored(app) == ["later"]


def test_call_that_finds_no_connection_free_is_503_in_under_two_seconds(app, client, line):  # F8
    import time

    options = app.config["SQLALCHEMY_ENGINE_OPTIONS"]
    with app.app_context(), transaction.writing():  # whoever writes may have the last one, too
        most = options["pool_size"] + options["max_overflow"]
        held = [db.engine.connect() for _ in range(most)]
    begun = time.monotonic()
    refused = post(client, batch(text_event("later")))
    seconds = time.monotonic() - begun
    for connection in held:
        connection.close()

    assert (refused.status_code, seconds < 1.8) == (503, True)


def test_intake_records_one_event_a_message(app, client, line):
    post(client, batch(text_event("one"), text_event("two")))

    with app.app_context():
        kinds = db.session.scalars(select(Event.type).order_by(Event.id)).all()
    assert kinds == ["case.created", "message.received", "message.received"]

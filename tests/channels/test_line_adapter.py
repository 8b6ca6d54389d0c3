"""What the SDK and LINE's errors come to: one decision each (LINE.md's facts, played by the simulator)."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from flask import Flask
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError

from app import create_app as mado
from app.channels.base import (
    Content,
    Outgoing,
    PermanentError,
    Quota,
    Sent,
    TemporaryError,
    TokenRefused,
    UnknownOutcome,
)
from app.channels.line import client
from app.channels.line.adapter import LineAdapter
from app.channels.line.credentials import Credentials
from app.channels.line.options import Options
from app.models import Channel
from linesim import create_app
from linesim.serving import Running
from tests.conftest import config_for

TOKEN = "token-of-the-adapter"
KEY = "123e4567-e89b-12d3-a456-426614174000"


@pytest.fixture(scope="module")
def line() -> Iterator[Running]:
    running = Running(create_app(token=TOKEN, secret="s" * 32))
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _asked(app: Flask, line: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    requests.post(f"{line.url}/_sim/reset", json={}, timeout=5)
    requests.delete(f"{line.url}/_sim/faults", timeout=5)
    config = replace(app.extensions["mado"], line_api_url=line.url)
    monkeypatch.setitem(app.extensions, "mado", config)
    monkeypatch.setattr(client, "TIMEOUT", (1.0, 0.5))
    with app.app_context():
        yield


def channel(token: str = TOKEN) -> Channel:
    made = Channel(kind="line", name="Shop")
    Credentials(token=token, secret="s" * 32).keep(made)
    return made


def ask(line: Running, method: str, path: str, **body: object) -> dict:
    answer = requests.request(method, f"{line.url}/_sim/{path}", json=body, timeout=5)
    assert answer.status_code < 300, answer.text
    return answer.json()


def order(line: Running, call: str, what: str) -> None:
    ask(line, "POST", "faults", call=call, what=what, times=1, seconds=3)


def somchai(line: Running) -> str:
    items = ask(line, "GET", "customers")["items"]
    return next(item["user_id"] for item in items if item["name"] == "Somchai")


def kenji_in(line: Running) -> str:
    items = ask(line, "GET", "customers")["items"]
    return next(item["user_id"] for item in items if item["name"] == "Kenji")


def office(line: Running) -> str:
    return ask(line, "GET", "groups")["items"][0]["group_id"]


def written(line: Running) -> str:
    """The reply token of a fresh message of Somchai's."""
    return ask(line, "POST", f"customers/{somchai(line)}/messages", text="hi")["replyToken"]


def push(line: Running, text: str = "Hello", *, to: str = "", token: str = TOKEN) -> Outgoing:
    body = LineAdapter().compose(Content(text))
    return Outgoing(channel(token), to or somchai(line), body, None, KEY)


def reply(line: Running, text: str = "Hello") -> Outgoing:
    return replace(push(line, text), reply_token=written(line))


def arrived(line: Running) -> list[str]:
    items = ask(line, "GET", f"customers/{somchai(line)}/talk")["items"]
    return [item["text"] for item in items if item["from"] == "account"]


@pytest.mark.parametrize("way", [push, reply])
def test_accepted_message_is_sent_with_its_id(line, way):
    outcome = LineAdapter().send(way(line))

    assert len(outcome.external_ids) == 1
    assert arrived(line) == ["Hello"]


@pytest.mark.parametrize(
    ("what", "decision"),
    [
        ("429", TemporaryError),
        ("429-monthly", TemporaryError),
        ("401", TemporaryError),
        ("500", UnknownOutcome),
        ("500-html", UnknownOutcome),
        ("503", UnknownOutcome),
        ("timeout-before", UnknownOutcome),
        ("timeout-after", UnknownOutcome),
        ("500-after", UnknownOutcome),
        ("reset", UnknownOutcome),
        ("reset-after", UnknownOutcome),
    ],
)
@pytest.mark.parametrize(("way", "call"), [(push, "push"), (reply, "reply")])
def test_fault_becomes_its_decision(line, way, call, what, decision):  # L6, L7
    outgoing = way(line)
    order(line, call, what)

    with pytest.raises(decision) as refusal:
        LineAdapter().send(outgoing)

    assert type(refusal.value) is decision
    assert refusal.value.reason.endswith(".")


@pytest.mark.parametrize("what", ["odd-200", "odd-200-html"])
def test_200_whose_body_cannot_be_read_is_sent_id_unknown(line, what):  # L7
    outgoing = push(line)
    order(line, "push", what)

    assert LineAdapter().send(outgoing) == Sent()


def test_409_counts_as_sent_with_the_first_ids(line):  # L7
    outgoing = push(line)
    order(line, "push", "timeout-after")
    with pytest.raises(UnknownOutcome):
        LineAdapter().send(outgoing)

    outcome = LineAdapter().send(outgoing)

    assert len(outcome.external_ids) == 1
    assert arrived(line) == ["Hello"]


def test_used_reply_token_is_refused_for_a_push_instead(line):  # L6
    outgoing = reply(line)
    LineAdapter().send(outgoing)

    with pytest.raises(TokenRefused):
        LineAdapter().send(outgoing)


def test_old_reply_token_is_refused_too(line):  # L6
    outgoing = reply(line)
    ask(line, "POST", "clock", advance_seconds=90)

    with pytest.raises(TokenRefused):
        LineAdapter().send(outgoing)


def test_wrong_token_breaks_the_channel_and_says_what_to_do(line):
    with pytest.raises(TemporaryError) as refusal:
        LineAdapter().send(push(line, token="another"))

    assert refusal.value.breaks_channel
    assert "issue a new one" in refusal.value.reason


def test_unknown_address_is_permanent(line):
    with pytest.raises(PermanentError):
        LineAdapter().send(push(line, to="U" + "0" * 32))


def test_nobody_there_is_temporary(line, app, monkeypatch):
    outgoing = push(line)
    config = replace(app.extensions["mado"], line_api_url="http://127.0.0.1:9")
    monkeypatch.setitem(app.extensions, "mado", config)

    with pytest.raises(TemporaryError, match="could not be reached"):
        LineAdapter().send(outgoing)


def test_long_text_goes_out_in_parts_of_5000_units(line):  # L5
    text = "あいうえお。" * 1500 + "😀" * 1000

    LineAdapter().send(push(line, text))

    parts = arrived(line)
    assert "".join(parts) == text
    assert len(parts) == 3
    assert max(len(part.encode("utf-16-le")) // 2 for part in parts) <= 5000
    assert parts[0].endswith("。")


def test_friend_has_a_profile_and_a_stranger_none(line):  # S33, S34
    friend = LineAdapter().person(channel(), somchai(line))
    stranger = LineAdapter().person(channel(), "U" + "0" * 32)

    assert (friend.name, friend.language) == ("Somchai", "th")
    assert stranger is None


def test_group_has_a_name_and_a_size(line):  # S32, S33
    found = LineAdapter().group(channel(), "group", office(line))

    assert (found.name, found.member_count) == ("Office move 引越し", 2)
    assert LineAdapter().group(channel(), "group", "C" + "0" * 32) is None


def test_room_has_a_size_and_no_name(line):  # S27, S33
    made = ask(line, "POST", "groups", name="Lunch", kind="room", members=[somchai(line)])

    found = LineAdapter().group(channel(), "room", made["group_id"])

    assert (found.name, found.member_count) == (None, 1)
    assert LineAdapter().group(channel(), "room", "R" + "0" * 32) is None


def test_name_of_a_group_is_kept_although_nobody_counts_it(line):  # S32, S34
    order(line, "group_count", "500")

    found = LineAdapter().group(channel(), "group", office(line))

    assert (found.name, found.member_count) == ("Office move 引越し", None)


@pytest.mark.parametrize("kind", ["group", "room"])
def test_stranger_in_a_group_is_named_where_the_setting_is_on(line, kind):  # S33
    kenji = kenji_in(line)
    made = ask(line, "POST", "groups", name=f"A {kind}", kind=kind, members=[kenji])
    curious = channel()
    Options(ask_member_names=True).keep(curious)

    asked = (kind, made["group_id"], kenji)

    assert LineAdapter().person(curious, kenji) is None
    assert LineAdapter().member(curious, *asked).name == "Kenji"
    assert LineAdapter().member(curious, kind, made["group_id"], "U" + "0" * 32) is None


def test_nobody_in_a_group_is_asked_about_where_the_setting_is_off(line):  # S33
    requests.delete(f"{line.url}/_sim/calls", timeout=5)

    assert LineAdapter().member(channel(), "group", office(line), kenji_in(line)) is None
    assert ask(line, "GET", "calls")["items"] == []


@pytest.mark.parametrize("what", ["429", "500", "timeout-before", "reset"])
def test_look_up_that_may_pass_is_temporary(line, what):  # S34
    order(line, "profile", what)

    with pytest.raises(TemporaryError):
        LineAdapter().person(channel(), somchai(line))


def test_stored_body_is_what_is_sent():
    body = json.loads(LineAdapter().compose(Content("{not a template} $")))

    assert body == [{"type": "text", "text": "{not a template} $"}]


def api_that(**calls) -> Callable[[str], SimpleNamespace]:
    return lambda _token: SimpleNamespace(**calls)


def test_connect_that_took_too_long_is_a_definite_no(line, monkeypatch):  # L6
    outgoing = reply(line)

    def call(*_: object, **__: object) -> None:
        raise MaxRetryError(None, "/", ConnectTimeoutError("too long"))  # type: ignore[arg-type]

    monkeypatch.setattr(client, "messaging", api_that(reply_message=call))

    with pytest.raises(TemporaryError):
        LineAdapter().send(outgoing)


def answers(monkeypatch: pytest.MonkeyPatch, *bodies: object) -> None:
    """LINE's next answers, each a 200 with this JSON or these bytes."""
    raw = [body if isinstance(body, bytes) else json.dumps(body).encode() for body in bodies]
    told = iter(SimpleNamespace(status=200, headers={}, data=body) for body in raw)
    monkeypatch.setattr(client, "call", lambda *_, **__: next(told))


def test_name_is_kept_in_characters_that_every_database_takes(monkeypatch):  # F23
    answers(monkeypatch, {"displayName": "Yu\0ki\ud83d", "language": "ja"})

    assert LineAdapter().person(channel(), "U1").name == "Yu\ufffdki\ufffd"


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"\xff{}", b"[]", {}, {"displayName": 7}, {"displayName": "Yuki", "pictureUrl": []}],
    ids=["empty", "a page", "not UTF-8", "a list", "no name", "a number", "no picture's address"],
)  # fmt: skip
def test_profile_that_cannot_be_read_is_asked_for_again(body, monkeypatch):  # S34, F23
    answers(monkeypatch, body)

    with pytest.raises(TemporaryError, match="could not be asked"):
        LineAdapter().person(channel(), "U1")


def test_quota_of_a_kind_that_nobody_knows_is_no_number(monkeypatch):  # L9
    answers(monkeypatch, {"type": "elastic", "value": 3}, {"totalUsage": 2})

    with pytest.raises(TemporaryError, match="could not be asked"):
        LineAdapter().quota(channel())


def test_quota_without_a_limit_has_only_its_use(monkeypatch):  # L9
    answers(monkeypatch, {"type": "none"}, {"totalUsage": 2})

    assert LineAdapter().quota(channel()) == Quota(None, 2)


def test_an_id_stays_one_part_of_the_address(monkeypatch):  # T10
    asked = []
    monkeypatch.setattr(client, "call", lambda _method, path, **_: asked.append(path) or SimpleNamespace(status=404))

    assert LineAdapter().person(channel(), "../quota?x=") is None
    assert asked == ["/v2/bot/profile/..%2Fquota%3Fx%3D"]


def test_what_is_asked_does_not_load_the_sdk(app, line):
    """It takes 50 MB; a team that reads and a channel whose quota is asked do without."""
    program = """
import sys
from tests.channels.test_line_adapter import ask_everything
ask_everything(sys.argv[1])
print([name for name in sys.modules if name.startswith(("linebot", "pydantic"))])
"""
    done = subprocess.run(
        [sys.executable, "-c", program, line.url], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def ask_everything(url: str) -> None:
    """Whatever a process asks LINE before anything is sent."""
    with tempfile.TemporaryDirectory() as folder:
        config = config_for(f"sqlite:///{folder}/mado.sqlite3", Path(folder), line_api_url=url)
        with mado(config).app_context():
            adapter, asked = LineAdapter(), channel()
            Options(ask_member_names=True).keep(asked)
            assert adapter.person(asked, "U" + "0" * 32) is None
            assert adapter.group(asked, "group", "C" + "0" * 32) is None
            assert adapter.member(asked, "group", "C" + "0" * 32, "U" + "0" * 32) is None
            assert adapter.quota(asked) is not None


@pytest.mark.parametrize("text", ["a" * 25_000, "\n\n".join(["あ" * 4_000] * 5), "😀" * 12_500])
def test_what_fits_in_five_messages_is_not_refused(text):  # L5
    assert LineAdapter().problem_with(Content(text)) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a" * 25_001, "25001 characters long; LINE takes 25000 at once. Shorten it"),
        ("👨‍👩‍👧‍👦" * 2_272, "6 LINE messages; LINE takes 5 at once. Send it in parts"),
    ],
    ids=["too long", "characters too large to fill five messages"],
)
def test_what_would_need_a_sixth_message_is_refused_with_words(text, why):  # L5
    assert why in LineAdapter().problem_with(Content(text))


def test_quote_stands_on_the_first_part_of_a_reply(app):  # L4
    first, second = json.loads(LineAdapter().compose(Content("a" * 6_000, quote_token="token-1")))

    assert first["quoteToken"] == "token-1"
    assert "quoteToken" not in second


def test_token_to_quote_a_sent_reply_by_is_kept(line: Running):  # L4
    sent = LineAdapter().send(push(line))

    assert sent.quote_token

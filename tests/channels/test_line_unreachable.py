"""LINE's name can't be resolved, or its TLS fails (F10): nothing is lost, nothing arrives twice.

LINE stands behind a front that speaks TLS. Whose certificate is refused was sent nothing, so the try is
repeated as it was. Where TLS breaks in another way nobody tells how far the call had come: a push is
repeated with its key, a free reply, which has none, is unconfirmed.
"""

import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from app import transaction
from app.channels import registry
from app.channels.base import TemporaryError, WantedFile
from app.channels.line import client, downloads
from app.delivery import GIVE_UP_AFTER
from app.domain import chats
from app.extensions import db
from app.models import Case, Message
from tests import certificates
from tests.channels import line_sending
from tests.channels.line_sending import PATIENT, PERHAPS, arrived, ask, deliver, keys, waiting
from tests.channels.tls_front import Front
from tests.world import receive, said

pytestmark = pytest.mark.usefixtures("asked")

line = line_sending.line
asked = line_sending.asked
somchai = line_sending.somchai
channel = line_sending.channel

NOT_REACHED = "LINE could not be reached."
NOT_TRUSTED = (
    "LINE's certificate can't be trusted from here. An admin should check the server's clock and what"
    " stands between it and LINE."
)
CUT = "The connection to LINE broke off before it answered."
NO_ANSWER = "LINE did not answer in time."
# What connecting may take where it takes for ever.
SHORT_SECONDS = 0.3


@dataclass(frozen=True)
class Trouble:
    """What is wrong, what is told of it, and how many free replies have arrived all the same."""

    what: str
    words: str
    arrived: int = 0


#: Certainly nothing was sent.
CERTAIN = (
    Trouble("no such name", NOT_REACHED),
    Trouble("no resolver", NOT_REACHED),
    Trouble("nobody vouches", NOT_TRUSTED),
    Trouble("another host", NOT_TRUSTED),
    Trouble("expired", NOT_TRUSTED),
)
UNCERTAIN = (
    Trouble("cut", CUT),
    Trouble("reset", CUT),
    Trouble("plain", CUT),
    Trouble("shut", CUT),
    Trouble("silent", NO_ANSWER),
    Trouble("unanswered", CUT, arrived=1),
)
RESOLVER = {"no such name": socket.EAI_NONAME, "no resolver": socket.EAI_AGAIN}
CERTIFICATES = ("nobody vouches", "another host", "expired")


def each(troubles: tuple[Trouble, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("trouble", troubles, ids=lambda trouble: trouble.what)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Certificates by what is wrong with them."""
    folder = tmp_path_factory.mktemp("certificates")
    good = certificates.made(folder, "localhost")
    old = tmp_path_factory.mktemp("expired")
    return {
        "nobody vouches": good,
        "another host": certificates.made(folder, "api.line.test"),
        "expired": certificates.made(old, "localhost", days=-1),
        "good": good,
    }


@pytest.fixture
def front(app, line, shown, monkeypatch) -> Iterator[Front]:
    """What Mado takes for LINE, and trusts."""
    made = Front(shown["good"], line.url)
    config = replace(app.extensions["mado"], line_api_url=made.url, line_data_api_url=made.url)
    monkeypatch.setitem(app.extensions, "mado", config)
    monkeypatch.setattr(downloads, "_pools", [])
    monkeypatch.setenv("SSL_CERT_FILE", str(shown["good"]))
    yield made
    made.stop()


@pytest.fixture
def spoil(front: Front, shown, monkeypatch) -> Callable[[str], None]:
    """A function that makes this go wrong from now on."""

    def do(what: str) -> None:
        if what in RESOLVER:
            fail_to_resolve(front, RESOLVER[what], monkeypatch)
        elif what in CERTIFICATES:
            front.show(shown[what])
            trusted = os.devnull if what == "nobody vouches" else shown[what]
            monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        else:
            front.way = what
        if what == "silent":
            be_hasty(monkeypatch)

    return do


def be_hasty(monkeypatch) -> None:
    """Whoever never answers is left soon."""
    monkeypatch.setattr(client, "TIMEOUT", (SHORT_SECONDS, client.READ_SECONDS))
    monkeypatch.setattr(downloads, "CONNECT_SECONDS", SHORT_SECONDS)


def fail_to_resolve(front: Front, why: int, monkeypatch) -> None:
    """The front's name has no address any more, for whoever asks for its port."""
    port, real = urlsplit(front.url).port, socket.getaddrinfo

    def resolve(host, asked_port, *more, **options):
        if asked_port == port:
            raise socket.gaierror(why, "as ordered")
        return real(host, asked_port, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.fixture
def mend(front: Front, shown, monkeypatch) -> Callable[[], None]:
    """A function that lets everything go right again."""
    resolve = socket.getaddrinfo

    def do() -> None:
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        monkeypatch.setenv("SSL_CERT_FILE", str(shown["good"]))
        front.show(shown["good"])
        front.way = "good"
        monkeypatch.setattr(client, "TIMEOUT", PATIENT)

    return do


@pytest.fixture
def queue(line, channel, somchai, alice, clock) -> Callable[[str], Message]:
    """A function that queues a message to go out as a free reply or as a push."""

    def do(way: str) -> Message:
        token = ask(line, "POST", f"customers/{somchai}/messages", text="hi")["replyToken"]
        receive(channel, said("hi", who=somchai, reply_token={"reply": token, "push": None}[way]))
        chat = db.session.scalars(select(Case)).one()
        with transaction.writing():
            return chats.reply(chat, "Hello", by=alice)

    return do


@each((*CERTAIN, *UNCERTAIN))
def test_push_is_repeated_with_its_key_until_it_has_arrived_once(
    trouble, queue, spoil, mend, line, somchai, clock
):  # F10
    message = queue("push")
    spoil(trouble.what)
    deliver(1)
    assert (message.state, *waiting(message)) == ("queued", trouble.words, 1.0, "push")

    mend()
    clock.shift(timedelta(seconds=1))
    deliver(5)

    assert message.state == "sent"
    assert arrived(line, somchai) == 1
    assert len(keys(line)) == 1


@each(CERTAIN)
def test_free_reply_that_certainly_did_not_go_is_tried_again_and_stays_free(
    trouble, queue, spoil, mend, line, somchai, clock
):  # F10
    message = queue("reply")
    spoil(trouble.what)
    deliver(1)
    assert (message.state, *waiting(message)) == ("queued", trouble.words, 1.0, "reply")

    mend()
    clock.shift(timedelta(seconds=1))
    deliver(5)

    assert message.state == "sent"
    assert (arrived(line, somchai), keys(line)) == (1, set())


@each(UNCERTAIN)
def test_free_reply_that_may_have_gone_says_so_and_is_not_repeated(
    trouble, queue, spoil, mend, line, somchai, clock
):  # F10
    message = queue("reply")
    spoil(trouble.what)
    deliver(1)

    mend()
    clock.shift(timedelta(minutes=1))
    deliver(5)

    assert (message.state, message.error) == ("unconfirmed", f"{trouble.words} {PERHAPS}")
    assert (arrived(line, somchai), keys(line)) == (trouble.arrived, set())


def try_until_it_is_given_up(clock) -> None:
    for _ in range(20):
        deliver(1)
        clock.shift(GIVE_UP_AFTER / 10)


@each(CERTAIN)
def test_push_that_never_could_go_is_failed_in_words_and_line_was_told_nothing(
    trouble, queue, spoil, line, front, clock
):  # F10
    message = queue("push")
    spoil(trouble.what)
    before = len(ask(line, "GET", "calls")["items"])

    try_until_it_is_given_up(clock)

    assert (message.state, message.error) == ("failed", trouble.words)
    assert len(ask(line, "GET", "calls")["items"]) == before
    assert front.handshakes == 0


@each((*CERTAIN, *UNCERTAIN))
def test_what_line_is_asked_for_can_be_asked_for_again(
    trouble, channel, somchai, spoil, mend
):  # F10
    adapter = registry.adapter("line")
    file = WantedFile(channel, "1", "image", 0)
    spoil(trouble.what)

    with pytest.raises(TemporaryError, match=r"LINE could not be asked\."):
        adapter.person(channel, somchai)
    with (
        pytest.raises(TemporaryError, match="The connection to LINE broke"),
        adapter.download(file),
    ):
        pass

    mend()
    profile = adapter.person(channel, somchai)
    assert profile is not None
    assert profile.name == "Somchai"

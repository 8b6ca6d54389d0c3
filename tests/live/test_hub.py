"""The hub alone: real loopback sockets, no server, no application."""

from __future__ import annotations

import logging
import socket
import struct
import threading
from dataclasses import dataclass

import pytest
from pages import BINARY, CLOSE, DEADLINE, PING, PONG, TEXT, Frame, Page, eventually, masked

from app.live import Client, Hub, frames, stop_all
from app.live.peers import MAX_UNSENT_BYTES

BOB, CHARLIE = 2, 3


@dataclass
class Handshaken:
    sock: socket.socket
    mode: str = "gunicorn"
    connected: bool = True


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def hub():
    hub = Hub(close_seconds=0.3)
    yield hub
    hub.stop(within=0.05)


@pytest.fixture
def enter(listener, hub):
    """enter(agent_id) opens a page of that agent on the hub."""
    pages = []

    def enter(agent_id: int = BOB, *, hub: Hub = hub, small: bool = False) -> Page:
        far = socket.socket()
        if small:
            far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        far.connect(listener.getsockname())
        near, _ = listener.accept()
        hub.adopt(Handshaken(near), client=Client(agent_id, f"session-{agent_id}", "everybody"))
        pages.append(Page(far))
        return pages[-1]

    yield enter
    for page in pages:
        page.sock.close()


def everybody(_: Client) -> bool:
    return True


def of(agent_id: int):
    return lambda client: client.agent_id == agent_id


def test_a_message_reaches_only_those_it_is_for(hub, enter):
    bob, charlie = enter(BOB), enter(CHARLIE)

    assert hub.send("for Bob", to=of(BOB)) == 1
    assert hub.send("สวัสดี for all", to=everybody) == 2

    assert [bob.read_text(), bob.read_text()] == ["for Bob", "สวัสดี for all"]
    assert charlie.read_text() == "สวัสดี for all"


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536, 200_000])
def test_a_message_of_any_size_arrives_whole(hub, enter, size):
    page = enter()

    hub.send("x" * size, to=everybody)

    assert page.read_text() == "x" * size


def test_messages_of_many_threads_arrive_whole(hub, enter):
    page = enter()
    words = [f"{n}-" + "x" * 500 for n in range(8)]

    threads = [
        threading.Thread(target=hub.send, args=(w,), kwargs={"to": everybody}) for w in words
    ]
    for thread in threads:
        thread.start()

    assert sorted(page.read_text() for _ in words) == words


def test_adopting_takes_the_connection_out_of_the_server(hub, listener):
    far = socket.create_connection(listener.getsockname())
    ws = Handshaken(listener.accept()[0])

    hub.adopt(ws, client=Client(BOB, "s", "everybody"))

    assert ws.sock.fileno() == -1
    assert ws.connected is False
    far.close()
    eventually(lambda: hub.clients() == [])


def test_the_hub_starts_no_thread_before_the_first_socket(listener):
    before = threading.active_count()

    hub = Hub()
    hub.send("nobody there", to=everybody)
    hub.stop()

    assert threading.active_count() == before


def test_clients_are_those_who_are_there(hub, enter):
    bob, _ = enter(BOB), enter(CHARLIE)
    assert sorted(client.agent_id for client in hub.clients()) == [BOB, CHARLIE]

    bob.sock.close()

    eventually(lambda: [client.agent_id for client in hub.clients()] == [CHARLIE])


def test_a_reader_that_sleeps_is_dropped_and_the_others_get_everything(hub, enter):  # F19
    awake, asleep = enter(BOB), enter(CHARLIE, small=True)
    word = "x" * 16_000
    count = 3 * MAX_UNSENT_BYTES // len(word)

    received = []
    for n in range(count):
        hub.send(f"{n:03}{word}", to=everybody)
        received.append(awake.read_text()[:3])

    assert received == [f"{n:03}" for n in range(count)]
    eventually(lambda: [client.agent_id for client in hub.clients()] == [BOB])
    with pytest.raises(ConnectionError):
        while asleep.sock.recv(65536):
            pass


def test_a_reader_that_misses_too_many_small_messages_is_dropped(hub, enter):  # F19
    enter(CHARLIE, small=True)

    def is_dropped() -> bool:
        # The system's buffers take some hundreds of them before ours fills.
        return sum(hub.send("x" * 300, to=everybody) for _ in range(50)) == 0

    eventually(is_dropped)


def test_what_a_page_says_is_heard_in_order(hub, enter):
    heard = []
    hub.on_text = lambda client, text: heard.append((client.agent_id, text))
    page = enter(BOB)

    page.say("one")
    page.sock.sendall(masked(TEXT, b"tw", first=0x01) + masked(0, b"o"))

    eventually(lambda: heard == [(BOB, "one"), (BOB, "two")])


def test_an_error_of_the_application_is_logged_and_ends_nothing(hub, enter, caplog):
    def fail(client: Client, text: str) -> None:
        raise KeyError(text)

    hub.on_text = fail
    page = enter()

    with caplog.at_level(logging.ERROR):
        page.say("boom")
        eventually(lambda: "could not be handled" in caplog.text)

    hub.send("still here", to=everybody)
    assert page.read_text() == "still here"


def test_a_page_that_floods_is_closed(hub, enter):  # T15
    gate = threading.Event()
    hub.on_text = lambda client, text: gate.wait(DEADLINE)
    page = enter()

    page.sock.sendall(masked(TEXT, b"again") * 100)

    assert page.read_close() == 1008
    gate.set()


NESTED = b"[" * 4000
GARBAGE = {
    "one big frame": (masked(TEXT, b"x" * 1_000_000), 1009),
    "many small parts": (
        masked(TEXT, b"x" * 2000, first=0x01) + masked(0, b"x" * 2000, first=0) * 2,
        1009,
    ),
    "a length of 2^62": (b"\x81\xff" + struct.pack("!Q", 2**62) + b"keyy" + b"x" * 5000, 1009),
    "binary": (masked(BINARY, b"\x00\x01"), 1003),
    "not UTF-8": (masked(TEXT, b"\xff\xfe"), 1007),
    "without a mask": (b"\x81\x02hi", 1002),
    "a reserved bit, as compressed": (masked(TEXT, b"hi", first=0xC1), 1002),
    "an unknown opcode": (masked(5, b"hi"), 1002),
    "a control frame in parts": (masked(PING, b"hi", first=0x09), 1002),
    "a long ping": (masked(PING, b"x" * 126), 1002),
    "a continuation of nothing": (masked(0, b"hi"), 1002),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1002),
    "a close with a false code": (masked(CLOSE, struct.pack("!H", 1005)), 1002),
    "noise": (bytes(range(255, 0, -1)) * 9, 1002),
}


@pytest.mark.parametrize(("sent", "code"), GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_closes_its_own_page_and_no_other(hub, enter, caplog, sent, code):  # T15
    bad, good = enter(CHARLIE), enter(BOB)

    bad.sock.sendall(sent)
    goodbye = bad.read()

    assert goodbye == Frame(CLOSE, struct.pack("!H", code))  # and not a word of explanation
    hub.send("still here", to=everybody)
    assert good.read_text() == "still here"
    assert bad.read() is None
    assert caplog.records == []


def test_deep_nesting_is_only_text_to_the_hub(hub, enter):  # T15
    heard = []
    hub.on_text = lambda client, text: heard.append(text)

    enter().sock.sendall(masked(TEXT, NESTED))

    eventually(lambda: heard == [NESTED.decode()])


def test_half_a_frame_holds_nobody_up(hub, enter):
    enter(CHARLIE).sock.sendall(b"\x81")
    good = enter(BOB)

    hub.send("hello", to=everybody)

    assert good.read_text() == "hello"


def test_a_ping_is_answered_with_its_payload(hub, enter):
    page = enter()

    page.sock.sendall(masked(PING, b"payload"))

    assert page.read() == Frame(PONG, b"payload")


def test_a_close_is_answered_with_its_code(hub, enter):
    page = enter()

    page.sock.sendall(masked(CLOSE, struct.pack("!H", 1001) + b"tab closed"))

    assert page.read_close() == 1001
    assert page.read() is None
    assert hub.clients() == []


def test_a_page_that_answers_pings_stays_and_a_dead_one_goes(enter):  # F20
    hub = Hub(ping_seconds=0.1)
    alive, dead = enter(BOB, hub=hub), enter(CHARLIE, hub=hub)
    answering = threading.Thread(target=alive.read)
    answering.start()

    eventually(lambda: [client.agent_id for client in hub.clients()] == [BOB])

    dead.answers_pings = False
    with pytest.raises(ConnectionError):
        while dead.sock.recv(100):
            pass
    hub.send("you may go", to=everybody)
    answering.join(DEADLINE)
    assert not answering.is_alive()
    hub.stop(within=0.05)


def test_a_closed_agent_gets_the_code_and_not_one_frame_more(hub, enter):  # T15
    bob, charlie = enter(BOB), enter(CHARLIE)

    assert hub.close(to=of(CHARLIE), code=4401, reason="signed out") == 1
    assert hub.send("secret", to=everybody) == 1

    assert charlie.read() == Frame(CLOSE, struct.pack("!H", 4401) + b"signed out")
    assert charlie.read() is None
    assert bob.read_text() == "secret"


def test_closing_forgets_what_was_not_sent_yet(hub, enter):  # T15
    page = enter(small=True)
    for n in range(5):
        hub.send(f"{n}" + "x" * 60_000, to=everybody)

    hub.close(to=everybody, code=4401)

    read = []
    while (frame := page.read()) is not None and frame.opcode == TEXT:
        read.append(frame.payload[:1])
    assert frame == Frame(CLOSE, struct.pack("!H", 4401))
    assert len(read) < 5


def test_a_page_that_ignores_the_close_is_cut_off(hub, enter):
    page = enter()
    hub.close(to=everybody, code=4401)
    assert page.read_close() == 4401

    def is_cut_off() -> bool:
        try:
            page.sock.sendall(b"still talking")
        except ConnectionError:
            return True
        return False

    eventually(is_cut_off)


def test_a_close_reason_is_cut_at_a_whole_character():
    frame = frames.close(1008, "ที่" * 60)

    assert len(frame) <= 2 + 125
    assert frame[4:].decode()


def test_stop_closes_everybody_with_1012_and_takes_nobody_new(hub, enter):  # F26
    bob, charlie = enter(BOB), enter(CHARLIE)
    stopping = threading.Thread(target=hub.stop)
    stopping.start()

    assert [bob.read_close(), charlie.read_close()] == [1012, 1012]
    bob.sock.close()
    charlie.sock.close()
    stopping.join(DEADLINE)

    assert enter().read_close() == 1012
    assert hub.send("anybody?", to=everybody) == 0


def test_a_page_that_comes_while_the_server_leaves_is_sent_on(hub, enter, monkeypatch):  # F26
    monkeypatch.setattr("app.live.hub._hubs", [hub])
    stop_all()  # before the hub has had a single page

    assert enter().read_close() == 1012


def test_without_a_handoff_the_calling_thread_waits_until_the_page_is_gone(hub, listener):
    far = socket.create_connection(listener.getsockname())
    ws = Handshaken(listener.accept()[0], mode="werkzeug")
    caller = threading.Thread(
        target=hub.adopt, args=(ws,), kwargs={"client": Client(BOB, "s", "everybody")}
    )
    caller.start()
    eventually(lambda: hub.clients())
    hub.send("hello", to=everybody)
    page = Page(far)
    assert page.read_text() == "hello"
    assert caller.is_alive()

    hub.close(to=everybody, code=4401)

    assert page.read_close() == 4401
    far.close()
    caller.join(DEADLINE)
    assert not caller.is_alive()
    ws.sock.close()

"""A Mado that may open few files: what it can't take waits outside, and nobody has to start it again (F32)."""

import socket
from contextlib import ExitStack

from tests.channels.line_posts import text_event
from tests.processes.servers import DEADLINE_SECONDS, Mado, soon
from tests.processes.visits import prepared, send, texts

DESCRIPTORS = 128


def test_mado_outlives_more_connections_than_it_may_open(embedded: Mado):  # F32
    token, hook = prepared(embedded)
    embedded.launcher = ("sh", "-c", f'ulimit -n {DESCRIPTORS} && exec "$@"', "sh")
    server = embedded.start_embedded()

    with ExitStack() as crowd:
        for _ in range(2 * DESCRIPTORS):
            address = ("127.0.0.1", embedded.port)
            crowd.enter_context(socket.create_connection(address, timeout=DEADLINE_SECONDS))
        assert not embedded.is_ready()  # nobody of the crowd says a word, and all are before us

    soon(embedded.is_ready)
    assert send(hook, text_event("hello")) == 200
    assert texts(embedded, token) == ["hello"]
    assert server.poll() is None

"""What is measured must be what was asked for, and be kept in its place: not the figures themselves."""

import os
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bench import cpu, load, push, table
from bench.__main__ import ASKED_FOR, PARTS
from bench.peers import views

SUBJECTS = {1: "Where is my parcel?", 2: "<b>&</b>", 3: "発票を\nください"}


def subject(number: int) -> str:
    return SUBJECTS[number]


def test_a_list_of_the_right_cases_is_accepted() -> None:
    shown = {3: "発票を ください", 2: "&lt;b&gt;&amp;&lt;/b&gt;"}
    views.refuse_other_list(shown, [3, 2], subject)


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {2: "&lt;b&gt;&amp;&lt;/b&gt;", 3: "発票をください"},
        {3: "発票をください"},
        {3: "発票をください", 2: "another"},
    ],
    ids=["empty", "in another order", "too few", "with another subject"],
)
def test_another_list_is_refused(shown: dict[int, str]) -> None:
    with pytest.raises(load.UnexpectedAnswer):
        views.refuse_other_list(shown, [3, 2], subject)


def test_hits_are_accepted_in_any_order() -> None:
    views.refuse_other_hits({1: SUBJECTS[1], 3: SUBJECTS[3]}, {3, 1}, subject)


def test_a_full_page_of_more_hits_is_accepted() -> None:
    shown = dict.fromkeys(range(views.PAGE), "the same")
    views.refuse_other_hits(shown, range(views.PAGE * 2), lambda number: "the same")


@pytest.mark.parametrize("shown", [{}, {1: SUBJECTS[1]}, {1: SUBJECTS[1], 2: SUBJECTS[2]}])
def test_too_few_hits_and_strangers_are_refused(shown: dict[int, str]) -> None:
    with pytest.raises(load.UnexpectedAnswer):
        views.refuse_other_hits(shown, {1, 3}, subject)


def test_a_case_must_show_every_message() -> None:
    page = "<p>Hello,<br>\n it&#x27;s  late</p><p>Sorry!</p>"
    views.refuse_other_texts(page, ["Hello, it's late", "Sorry!"])
    with pytest.raises(load.UnexpectedAnswer, match="Goodbye"):
        views.refuse_other_texts(page, ["Sorry!", "Goodbye"])


def test_a_process_s_time_is_what_it_says_itself() -> None:
    before = time.process_time()
    told = cpu.milliseconds([os.getpid()])
    assert before <= told / 1000 <= time.process_time()


def test_a_process_that_is_gone_has_used_nothing() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert cpu.milliseconds([gone.pid]) == 0


@pytest.fixture
def asked() -> Iterator[tuple[int, list[str]]]:
    """A server's port, and the paths that it was asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.send_header("Connection", self.headers.get("Connection", "keep-alive"))
            self.end_headers()

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, paths
        server.shutdown()


@pytest.mark.parametrize("connections", [1, 2, 8])
def test_every_request_is_sent(asked: tuple[int, list[str]], connections: int) -> None:
    port, paths = asked
    wanted = [f"/{number}" for number in range(4)]
    run = load.run(port, [load.get(port, path) for path in wanted], connections=connections)
    assert sorted(paths) == wanted
    assert run.count == 4


def test_a_connection_is_kept_until_the_server_calls_an_answer_the_last(
    asked: tuple[int, list[str]],
) -> None:
    port, _ = asked
    line = load.Line(port)
    line.ask(load.get(port, "/kept"))
    assert line.hear() is not None
    assert line.is_fresh
    line.ask(load.get(port, "/last", Connection="close"))
    assert line.hear() is not None
    assert not line.is_fresh
    line.sock.close()


def test_the_bare_hub_sends_as_many_bytes_as_pages_were_sent_on_average() -> None:
    text = push.of_mean_size([b"a" * 10, b"b" * 40, b"c" * 10])
    assert text == b"b" * 20


ORDER = ("intake", "pages", "crowds", "soak")


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """Two parts' figures, each in its section, and words around them."""
    path = tmp_path / "performance.md"
    path.write_text(
        "# Figures\n<!-- measured intake -->\nMonday\n<!-- /measured intake -->\nWhat it says.\n"
        "## Live\n<!-- measured crowds -->\nTuesday\n<!-- /measured crowds -->\nThe end.\n"
    )
    return path


def test_a_part_that_is_measured_again_replaces_its_own_figures_alone(document: Path) -> None:
    table.keep(document, "Friday\n", part="crowds", order=ORDER)
    assert document.read_text() == (
        "# Figures\n<!-- measured intake -->\nMonday\n<!-- /measured intake -->\nWhat it says.\n"
        "## Live\n<!-- measured crowds -->\nFriday\n<!-- /measured crowds -->\nThe end.\n"
    )


def test_a_part_that_was_not_there_comes_behind_the_one_before_it(document: Path) -> None:
    table.keep(document, "Friday", part="pages", order=ORDER)
    assert document.read_text() == (
        "# Figures\n<!-- measured intake -->\nMonday\n<!-- /measured intake -->\n\n"
        "<!-- measured pages -->\nFriday\n<!-- /measured pages -->\nWhat it says.\n"
        "## Live\n<!-- measured crowds -->\nTuesday\n<!-- /measured crowds -->\nThe end.\n"
    )


def test_a_first_part_that_was_not_there_comes_before_the_next_one(document: Path) -> None:
    table.keep(document, "Friday", part="starts", order=("starts", *ORDER))
    assert document.read_text().startswith(
        "# Figures\n<!-- measured starts -->\nFriday\n<!-- /measured starts -->\n\n"
        "<!-- measured intake -->\nMonday\n"
    )


def test_a_part_of_a_document_without_any_is_refused_and_the_document_kept(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text("# Nothing measured\n")
    with pytest.raises(SystemExit, match="no place"):
        table.keep(path, "Friday", part="pages", order=ORDER)
    assert path.read_text() == "# Nothing measured\n"


def test_a_part_whose_end_is_missing_is_refused_and_the_document_kept(document: Path) -> None:
    document.write_text(document.read_text().replace("<!-- /measured intake -->", ""))
    before = document.read_text()
    with pytest.raises(SystemExit, match="/measured intake"):
        table.keep(document, "Friday", part="intake", order=ORDER)
    assert document.read_text() == before


def test_figures_that_are_in_no_parts_are_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "reliability.md"
    path.write_text("Before\n<!-- measured -->\nMonday\n<!-- /measured -->\nAfter\n")
    table.keep(path, "Friday")
    assert path.read_text() == "Before\n<!-- measured -->\nFriday\n<!-- /measured -->\nAfter\n"


def test_the_document_has_a_place_for_every_part() -> None:
    document = Path(__file__).parent.parent.joinpath("docs", "performance.md").read_text("utf-8")
    marks = [table.marks(part) for part in (*PARTS, *ASKED_FOR)]
    assert marks
    assert [mark for pair in marks for mark in pair if document.count(mark) != 1] == []

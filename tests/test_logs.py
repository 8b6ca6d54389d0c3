"""The log: one line a record whatever is in it, a number for every request, and no secrets."""

import io
import json
import logging
import re
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from app import logs, requests

HOSTILE = "Som\r\n[2026] [INFO] mado: signed in: agent 1\x1b[31mchai\u2028\x00\x9b2J\ud800"
ENVIRON = {"mado.request_id": "0123456789abcdef", "REQUEST_METHOD": "GET", "PATH_INFO": "/cases/12"}


@pytest.fixture(params=["json", "plain"])
def form(request) -> str:
    return request.param


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    """A logger of its own, unheard by others."""
    logger = logging.Logger("app.names", logging.DEBUG)
    yield logger
    logger.handlers.clear()


def written(log: logging.Logger, form: str) -> io.StringIO:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.FORMS[form]())
    log.addHandler(handler)
    return stream


def test_a_hostile_name_stays_one_escaped_line(log, form):  # T37
    stream = written(log, form)
    log.warning("named %s", HOSTILE)
    line = stream.getvalue()
    assert line.count("\n") == 1 and len(line.splitlines()) == 1
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\ud800]", line) is None


def test_json_gives_back_what_was_logged(log):  # T37
    stream = written(log, "json")
    log.warning("named %s", HOSTILE)
    told = json.loads(stream.getvalue())
    assert told["message"] == f"named {HOSTILE}"
    assert (told["level"], told["logger"]) == ("WARNING", "app.names")
    assert told["time"].endswith("+00:00")


def test_a_traceback_is_part_of_its_json_line(log):
    stream = written(log, "json")
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        log.exception("it broke")
    told = json.loads(stream.getvalue())
    assert stream.getvalue().count("\n") == 1
    assert "ValueError" in told["traceback"]


def test_nothing_in_a_plain_traceback_looks_like_a_line_of_its_own(log):  # T37
    stream = written(log, "plain")
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        log.exception("it broke")
    first, *others = stream.getvalue().splitlines()
    assert first.endswith("app.names: it broke")
    assert others and all(line.startswith("    ") for line in others)


def test_a_line_of_a_request_tells_its_number_method_and_path(log):
    stream = written(log, "json")
    token = logs.current.set({**ENVIRON, "QUERY_STRING": "q=secret", "mado.agent_id": 7})
    log.info("looked")
    logs.current.reset(token)
    told = json.loads(stream.getvalue())
    assert told["request_id"] == "0123456789abcdef"
    assert (told["method"], told["path"], told["agent_id"]) == ("GET", "/cases/12", 7)
    assert "secret" not in stream.getvalue()


def test_a_plain_line_tells_the_requests_number(log):
    stream = written(log, "plain")
    token = logs.current.set(ENVIRON)
    log.info("looked")
    logs.current.reset(token)
    assert "app.names: looked (request 0123456789abcdef)" in stream.getvalue()


def asked(rule: str | None, path: str, **arguments: object) -> dict:
    rule_ = SimpleNamespace(rule=rule) if rule else None
    return {"werkzeug.request": SimpleNamespace(url_rule=rule_, view_args=arguments, path=path)}


def test_a_path_is_told_with_its_numbers_and_without_what_opens_something():  # T26
    assert logs.path_of(asked("/cases/<int:number>/end", "/cases/12/end", number=12)) == "/cases/12/end"
    media = asked("/media/<token>/<path:filename>", "/media/t/Yuki.pdf", token="t", filename="Yuki.pdf")
    assert logs.path_of(media) == "/media/<token>/<filename>"


def test_a_path_without_a_route_is_told_without_its_long_parts():  # T26
    key = "k" * 32
    assert logs.path_of(asked(None, f"/line/webhook/{key}")) == "/line/webhook/***"
    assert logs.path_of({"PATH_INFO": f"/line/webhook/{key}"}) == "/line/webhook/***"
    assert len(logs.path_of({"PATH_INFO": "/a" * 5000})) == logs.LONGEST_PATH


# ── Numbers of requests ─────────────────────────────────────────────────────────────────────


def numbered(has_proxy: bool) -> requests.Numbered:
    config = SimpleNamespace(trusted_proxies=int(has_proxy))
    return requests.Numbered(SimpleNamespace(wsgi_app=None, extensions={"mado": config}))


def number(given: str, *, has_proxy: bool) -> str:
    return numbered(has_proxy)._number({"HTTP_X_REQUEST_ID": given})


def test_a_proxys_number_is_taken():
    assert number("5f2c-4b1d.req_7", has_proxy=True) == "5f2c-4b1d.req_7"


@pytest.mark.parametrize("given", ["", "short", "a" * 65, "abcdefg\n", "abc def gh", "ab<b>cdefg", "ก" * 9])
def test_an_odd_number_is_not_taken_from_a_proxy_either(given):  # T37
    assert re.fullmatch(r"[0-9a-f]{16}", number(given, has_proxy=True))


def test_nobodys_number_is_taken_without_a_proxy():  # T20
    assert number("5f2c-4b1d.req_7", has_proxy=False) != "5f2c-4b1d.req_7"
    assert number("", has_proxy=False) != number("", has_proxy=False)

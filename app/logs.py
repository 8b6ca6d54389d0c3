"""What the log says, and how: plain lines for people, or one JSON object a line for programs.

Each record is one line, whatever names and texts are in it; in plain logs a traceback's lines
follow it, indented. Of a request a line tells the number, the method and the path: never the query,
and of the path only what opens nothing. Other people's libraries are heard from warnings on, so
that DEBUG tells our steps and not their payloads.
"""

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

# Where the parts of a request's story stand in its WSGI environment.
REQUEST_ID = "mado.request_id"
AGENT_ID = "mado.agent_id"
OURS = ("app", "mado")
REQUESTS = "mado.requests"
LONGEST_PATH = 200
# Every key and token in a path is longer than this, and hardly a word.
LONG_PART = re.compile(r"[^/]{16,}")
ARGUMENT = re.compile(r"<(?:[^:<>]*:)?([^<>]*)>")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

#: The WSGI environment of the request that this thread answers.
current: ContextVar[dict[str, Any] | None] = ContextVar("current", default=None)


def set_up(form: str, level: str) -> None:
    """Write to standard error from now on. Every request has a line of its own in JSON only."""
    handler = logging.StreamHandler()
    handler.setFormatter(FORMS[form]())
    logging.root.addHandler(handler)
    logging.root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    if form != "json":
        logging.getLogger(REQUESTS).setLevel(logging.CRITICAL)
    # Its warnings hold addresses, and those of other programs' webhooks are secrets.
    logging.getLogger("urllib3").setLevel(logging.ERROR)


def path_of(environ: dict[str, Any]) -> str:
    """The path as its route has it, with numbers as they were asked for: no token, no file's name."""
    request = environ.get("werkzeug.request")
    rule = getattr(request, "url_rule", None)
    if rule is None:
        asked = getattr(request, "path", None) or environ.get("PATH_INFO", "")
        return LONG_PART.sub("***", asked)[:LONGEST_PATH]
    arguments = request.view_args or {}  # type: ignore[union-attr]

    def told(place: re.Match[str]) -> str:
        value = arguments.get(place[1])
        return str(value) if isinstance(value, int) else f"<{place[1]}>"

    return ARGUMENT.sub(told, rule.rule)


class Json(logging.Formatter):
    """One object a line, ASCII only: nothing in it can start another line or colour a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": _moment(record).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if environ := current.get():
            told["request_id"] = environ[REQUEST_ID]
            told["method"] = environ["REQUEST_METHOD"]
            told["path"] = path_of(environ)
            told["agent_id"] = environ.get(AGENT_ID)
        told |= getattr(record, "answer", {})
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)


class Plain(logging.Formatter):
    """Time, process, level, logger, message, and the request's number."""

    def format(self, record: logging.LogRecord) -> str:
        time = f"{_moment(record):%Y-%m-%d %H:%M:%S %z}"
        line = f"[{time}] [{record.process}] [{record.levelname}] {record.name}: {record.getMessage()}"
        if environ := current.get():
            line += f" (request {environ[REQUEST_ID]})"
        lines = [line]
        if record.exc_info:
            lines += [f"    {one}" for one in self.formatException(record.exc_info).split("\n")]
        return "\n".join(CONTROL.sub(_escaped, one) for one in lines)


def _moment(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _escaped(character: re.Match[str]) -> str:
    return f"\\u{ord(character[0]):04x}"


FORMS: dict[str, type[logging.Formatter]] = {"plain": Plain, "json": Json}

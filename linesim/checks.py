"""What LINE checks in a request to send messages, with LINE's shape of complaint.

Refuses by raising `Refused`; returns only what may be sent. Facts: LINE's reference, messaging-api.yml.
"""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import request

from linesim.gate import Refused

MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_MESSAGES = 5
MAX_TEXT_UNITS = 5000
MAX_URL_CHARACTERS = 2000
MAX_SENDER_NAME = 20
MAX_QUICK_REPLIES = 13
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
ADDRESS = re.compile(r"[UCR][0-9a-f]{32}")

Problem = dict[str, str]


def json_body() -> dict[str, Any]:
    request.max_content_length = MAX_BODY_BYTES
    if not request.is_json:
        raise Refused(415, "Unsupported media type")
    try:
        body = json.loads(request.get_data())
        json.dumps(body, ensure_ascii=False).encode()
    except ValueError as problem:
        raise Refused(400, "The request body could not be parsed as JSON") from problem
    if not isinstance(body, dict):
        raise Refused(400, "The request body must be a JSON object")
    return body


def text_field(body: dict[str, Any], name: str) -> str:
    if not isinstance(body.get(name), str) or not body[name]:
        complain([{"message": "May not be empty", "property": name}])
    return body[name]


def address(value: str, name: str) -> str:
    if not ADDRESS.fullmatch(value):
        raise Refused(400, f"The property, '{name}', in the request body is invalid (line: -, column: -)")
    return value


def messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The 1 to 5 message objects, each complete."""
    found = body.get("messages")
    if not isinstance(found, list) or not 1 <= len(found) <= MAX_MESSAGES:
        complain([{"message": f"Size must be between 1 and {MAX_MESSAGES}", "property": "messages"}])
    complain([problem for n, message in enumerate(found) for problem in _problems(message, f"messages[{n}]")])
    return found


def complain(problems: list[Problem]) -> None:
    if problems:
        raise Refused(400, f"The request body has {len(problems)} error(s)", details=problems)


def utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_reachable_url(url: object) -> bool:
    """LINE takes https only; a simulator's neighbours on loopback may do without."""
    if not isinstance(url, str) or len(url) > MAX_URL_CHARACTERS:
        return False
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.scheme == "https" or parts.hostname in LOOPBACK)
    except ValueError:
        return False


def _problems(message: Any, where: str) -> list[Problem]:
    if not isinstance(message, dict):
        return [{"message": "Must be an object", "property": where}]
    kind = message.get("type")
    if kind not in FIELDS:
        return [{"message": "Must be one of the following values: [" + ", ".join(FIELDS) + "]", "property": f"{where}/type"}]
    rules = FIELDS[kind].items()
    problems = [_problem(rule(message.get(name)), f"{where}.{name}") for name, rule in rules]
    return [p for p in problems if p] + _common_problems(message, where)


def _common_problems(message: dict[str, Any], where: str) -> list[Problem]:
    sender = message.get("sender") or {}
    items = (message.get("quickReply") or {}).get("items") or []
    found = []
    if utf16_units(str(sender.get("name") or "")) > MAX_SENDER_NAME:
        found.append({"message": f"Length must be between 0 and {MAX_SENDER_NAME}", "property": f"{where}.sender.name"})
    if len(items) > MAX_QUICK_REPLIES:
        found.append({"message": f"Size must be between 1 and {MAX_QUICK_REPLIES}", "property": f"{where}.quickReply.items"})
    return found


def _problem(complaint: str, where: str) -> Problem | None:
    return {"message": complaint, "property": where} if complaint else None


def _is_text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        return "May not be empty"
    return f"Length must be between 0 and {MAX_TEXT_UNITS}" if utf16_units(value) > MAX_TEXT_UNITS else ""


def _is_present(value: Any) -> str:
    return "May not be empty" if value in (None, "") else ""


def _is_url(value: Any) -> str:
    return "" if is_reachable_url(value) else "Must be a valid HTTPS URL"


def _is_number(value: Any) -> str:
    return "" if isinstance(value, int | float) and not isinstance(value, bool) else "Must be a number"


def _is_short(value: Any) -> str:
    return _is_present(value) or ("Length must be between 1 and 100" if len(str(value)) > 100 else "")


FIELDS: dict[str, dict[str, Callable[[Any], str]]] = {
    "text": {"text": _is_text},
    "textV2": {"text": _is_text},
    "sticker": {"packageId": _is_present, "stickerId": _is_present},
    "image": {"originalContentUrl": _is_url, "previewImageUrl": _is_url},
    "video": {"originalContentUrl": _is_url, "previewImageUrl": _is_url},
    "audio": {"originalContentUrl": _is_url, "duration": _is_number},
    "location": {"title": _is_short, "address": _is_short, "latitude": _is_number, "longitude": _is_number},
    "imagemap": {"baseUrl": _is_url, "altText": _is_present},
    "template": {"altText": _is_present, "template": _is_present},
    "flex": {"altText": _is_present, "contents": _is_present},
}

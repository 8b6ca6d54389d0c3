"""What programs send: JSON bodies and query strings, read strictly and refused field by field.

Only the fields that a view names are read; whatever else is sent does not exist (T12). A body that
could mean two things (a key twice) or nothing (NaN) is refused before anybody looks into it.
"""

import json
from typing import Any, NoReturn

from flask import request

from app.blueprints.api.refusals import KEY_HEADER, refuse
from app.domain import characters
from app.domain.search import Cursor
from app.models import LARGEST_ID

MOST_ITEMS = 200
USUAL_ITEMS = 50
LONGEST_KEY = 100


class Input:
    """Values by name, and what is wrong with them."""

    def __init__(self) -> None:
        self.errors: dict[str, str] = {}

    def check(self) -> None:
        """End the request when a value was refused: all refusals at once."""
        if self.errors:
            refuse(422, "Nothing was done: see `errors`.", errors=self.errors)


class Query(Input):
    """The query string of a list."""

    def choice(self, name: str, choices: tuple[str, ...]) -> str | None:
        value = request.args.get(name)
        if value is None or value in choices:
            return value
        self.errors[name] = f"Use one of: {', '.join(choices)}."
        return None

    def words(self, name: str, *, longest: int) -> str:
        value = characters.storable(request.args.get(name, ""))
        if len(value) > longest:
            self.errors[name] = f"Use {longest} characters or fewer."
        return value

    def limit(self) -> int:
        limit = whole_number(request.args.get("limit", str(USUAL_ITEMS)))
        if limit is None or not 1 <= limit <= MOST_ITEMS:
            self.errors["limit"] = f"Use a whole number from 1 to {MOST_ITEMS}."
            return 1
        return limit

    def cursor(self) -> Cursor | None:
        value = request.args.get("cursor")
        if value is None:
            return None
        try:
            return Cursor.parse(value)
        except ValueError:
            self.errors["cursor"] = "Use the `next` of the page before, as it was."
            return None

    def after(self) -> int:
        after = whole_number(request.args.get("after", "0"))
        if after is None:
            self.errors["after"] = "Use the `next` of the page before, or an item's id."
            return 0
        return after


class Body(Input):
    """The request's JSON object. End the request with 415 or 400 when it is none."""

    def __init__(self) -> None:
        super().__init__()
        self.values = _object()

    def text(self, name: str, *, longest: int, is_required: bool = True) -> str:
        """The text of a field; `longest` in UTF-16 units, as chat apps count."""
        return self._text(name, self.values.get(name), longest, is_required=is_required)

    def name_of(self, name: str, *, longest: int) -> str:
        """A name, given as a text or as an object with one."""
        value = self.values.get(name)
        if isinstance(value, dict):
            value = value.get("name")
        return self._text(name, value, longest, is_required=True)

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        value = self.values.get(name)
        if isinstance(value, str) and value in choices:
            return value
        self.errors[name] = f"Use one of: {', '.join(choices)}."
        return ""

    def idempotency_key(self) -> str | None:
        """The header's value; None when there is none."""
        key = request.headers.get(KEY_HEADER)
        if key is None:
            return None
        key = key.strip()
        if not key or len(key) > LONGEST_KEY or not (key.isascii() and key.isprintable()):
            self.errors[KEY_HEADER] = f"Use 1 to {LONGEST_KEY} printable ASCII characters."
        return key

    def _text(self, name: str, value: Any, longest: int, *, is_required: bool) -> str:
        if value is None and not is_required:
            return ""
        if not isinstance(value, str):
            self.errors[name] = "A text is needed here."
            return ""
        text = characters.storable(value)
        if is_required and not text.strip():
            self.errors[name] = "This must not be empty."
        elif (length := characters.units(text)) > longest:
            self.errors[name] = f"This is {length} characters long; use {longest} or fewer."
        return text


def _object() -> dict[str, Any]:
    is_plain = request.headers.get("Content-Encoding", "identity").lower() == "identity"
    if not (request.is_json and is_plain):
        refuse(415, "Send JSON as it is, with `Content-Type: application/json`.", headers={"Accept-Post": "application/json"})
    try:
        value = json.loads(
            request.get_data().decode("utf-8"),
            parse_constant=_no_constant,
            object_pairs_hook=_once_each,
        )
    except (ValueError, RecursionError):
        refuse(400, "The body is not JSON, holds a key twice, or is nested too deeply.")
    if not isinstance(value, dict):
        refuse(400, "The body must be a JSON object.")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key twice")
    return found


def whole_number(text: str) -> int | None:
    """Digits that could be an id, None for everything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID))):
        return None
    number = int(text)
    return number if number <= LARGEST_ID else None

"""Reading a form: each field is checked by its own function, and refusals are kept by field.

What was typed stays as it was typed, so that a page with errors can show it again. It reads only
the fields that a view names; whatever else a client sends does not exist (T12).
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from flask import request

from app.domain.agents import Refused

Value = TypeVar("Value")


class Form:
    """The fields of this request's form and what is wrong with them."""

    def __init__(self) -> None:
        self.typed: dict[str, str] = request.form.to_dict()
        self.errors: dict[str, str] = {}

    def read(self, name: str, parse: Callable[[str], Value]) -> Value | None:
        """The checked value; None, and an error at the field, when it is refused."""
        try:
            return parse(self.typed.get(name, ""))
        except Refused as error:
            self.errors[name] = str(error)
            return None

    def flag(self, name: str) -> bool:
        """Whether a box is ticked; browsers leave out one that isn't."""
        return self.typed.get(name) == "1"

    def ids(self, name: str) -> list[int]:
        """Numbers of ticked things; anything else is left out."""
        return whole_numbers(request.form.getlist(name))


def whole_numbers(texts: Iterable[str]) -> list[int]:
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 10]

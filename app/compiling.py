"""Templates are compiled by one thread at a time, and each once; what never changes is put in then.

Compiling takes memory that Python does not give back. Five threads that meet the first page together
each compiled all of it: 20 MB more for as long as the process lives.
"""

import threading
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import flask.templating
from jinja2 import BaseLoader, Environment, Template
from jinja2.bccache import Bucket, BytecodeCache
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from markupsafe import escape


class WithSharedGlobals(flask.templating.Environment):
    """Templates share the environment's globals. Ask for none with globals of its own: all would have them.

    Every include makes a set of their names, and of a mapping in layers that is done key by key.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return super().make_globals(d) if d else self.globals


class Kept(BytecodeCache):
    """Compiled templates in memory: whoever waited takes what the first one made."""

    def __init__(self) -> None:
        self._made: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if made := self._made.get(bucket.key):
            bucket.bytecode_from_string(made)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._made[bucket.key] = bucket.bytecode_to_string()


class OneAtATime(BaseLoader):
    """Any loader, asked by one thread at a time."""

    def __init__(self, loader: BaseLoader) -> None:
        self._loader, self._lock = loader, threading.Lock()

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        return self._loader.get_source(environment, template)

    def list_templates(self) -> list[str]:
        return self._loader.list_templates()

    def load(
        self, environment: Environment, name: str, globals: MutableMapping[str, Any] | None = None
    ) -> Template:
        with self._lock:
            return super().load(environment, name, globals)


class PutIn(Extension):
    """`{{ icon("x") }}` and its like become text of the template, like all that stands around them.

    Only a call of a name in the environment's `put_in`, whatever a template itself gives that name,
    and only with strings that are written there: it says the same on every page.
    """

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.extend(put_in={})

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        held: list[Token] = []
        for token in stream:
            if not held and token.type != "variable_begin":
                yield token
                continue
            held.append(token)
            if token.type == "variable_end":
                yield from self._put_in(held)
                held = []
        yield from held

    def _put_in(self, tokens: list[Token]) -> list[Token]:
        words = [token.value for token in tokens if token.type == "string"]
        function = self.environment.put_in.get(tokens[1].value)  # type: ignore[attr-defined]
        if function is None or [token.type for token in tokens[1:-1]] != _call_with(len(words)):
            return tokens
        return [Token(tokens[0].lineno, "data", str(escape(function(*words))))]


def _call_with(strings: int) -> list[str]:
    """The types of tokens that call a function with so many strings, and with nothing else."""
    given = ["string", "comma"] * strings
    return ["name", "lparen", *given[:-1], "rparen"]

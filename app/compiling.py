"""Templates are compiled by one thread at a time, and each once.

Compiling takes memory that Python does not give back. Five threads that meet the first page together
each compiled all of it: 20 MB more for as long as the process lives.
"""

import threading
from collections.abc import Callable, MutableMapping
from typing import Any

from jinja2 import BaseLoader, Environment, Template
from jinja2.bccache import Bucket, BytecodeCache


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

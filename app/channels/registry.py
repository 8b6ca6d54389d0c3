"""Which kinds of channel exist: every package under `app/channels` that offers `register()`.

Further packages can be added to `app.channels.__path__`; no core file needs to know them.
"""

import importlib
import pkgutil
from collections.abc import Callable

from flask import Request

from app import channels
from app.channels.base import Adapter, Answer, Kind

_kinds: dict[str, Kind] = {}


def discover() -> dict[str, Kind]:
    """Import every channel package once and return the kinds by name."""
    for found in pkgutil.iter_modules(channels.__path__, prefix="app.channels."):
        if found.ispkg:
            package = importlib.import_module(found.name)
            kind: Kind = package.register()
            _kinds.setdefault(kind.adapter.kind, kind)
    return _kinds


def kinds() -> list[Kind]:
    """All of them."""
    return list(_kinds.values())


def kind(name: str) -> Kind:
    """The registered kind. Raise KeyError for one whose folder is gone."""
    return _kinds[name]


def adapter(name: str) -> Adapter:
    return _kinds[name].adapter


def labels() -> dict[str, str]:
    """Kind to the name that people read."""
    return {name: kind.adapter.label for name, kind in _kinds.items()}


def webhook(name: str) -> Callable[[str, Request], Answer] | None:
    """What answers this kind's webhook calls; None where there is no such kind, or it has none."""
    known = _kinds.get(name)
    return known.webhook if known else None

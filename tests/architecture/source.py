"""What the architecture's tests read: our modules as syntax trees, our templates as text."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Module:
    """One Python file: its dotted name, its path for messages, its tree."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def place(self) -> str:
        return str(self.path.relative_to(ROOT))

    def imports(self) -> Iterator[tuple[str, int]]:
        """Every module it imports, with the line; `from a import b` gives `a.b`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)

    def at(self, node: ast.AST) -> str:
        return f"{self.place}:{getattr(node, 'lineno', 0)}"


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Every module below these folders (or these files), read once."""
    return tuple(_module(path) for folder in folders for path in sorted(_files(folder)))


@cache
def templates() -> tuple[tuple[str, str], ...]:
    """Place and text of every template of Mado and of its simulator."""
    found = [*(ROOT / "app").rglob("*.html"), *(ROOT / "linesim").rglob("*.html")]
    return tuple((str(path.relative_to(ROOT)), path.read_text("utf-8")) for path in sorted(found))


def static_files(*endings: str) -> list[tuple[str, str]]:
    """Place and text of our own scripts and styles, without what is vendored."""
    found = [
        path
        for folder in ("app/static", "app/channels", "linesim/static")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in endings and "vendor" not in path.parts
    ]
    return [(str(path.relative_to(ROOT)), path.read_text("utf-8")) for path in sorted(found)]


def _files(folder: str) -> list[Path]:
    path = ROOT / folder
    return [path] if path.is_file() else list(path.rglob("*.py"))


def _module(path: Path) -> Module:
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, path, ast.parse(path.read_text("utf-8")))

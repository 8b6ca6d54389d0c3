"""Files in a folder of this machine."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar

# Somebody's who wants to be asked between two pieces of a file that is on its way.
Through = Callable[[Iterator[bytes]], Iterator[bytes]]


@dataclass(frozen=True)
class Listed:
    """A file as a list tells of it: its name without the folder, bytes, seconds since 1970."""

    key: str
    size: int
    written_at: float


@dataclass(frozen=True)
class Folder:
    """Names are paths in it, one folder deep."""

    root: Path
    #: What is wrong with it; readiness asks for the disk itself.
    problem: ClassVar[str | None] = None

    def check(self) -> None:
        """Nothing that could be elsewhere."""

    def take(self, file: Path, name: str, through: Through = iter) -> None:
        """Take a finished file of this disk over, in the place of what has that name."""
        path = self.root / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.replace(path)

    def open(self, name: str) -> BinaryIO:
        """Raise FileNotFoundError."""
        return (self.root / name).open("rb")

    def size_of(self, name: str) -> int | None:
        path = self.root / name
        return path.stat().st_size if path.is_file() else None

    def delete(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)

    def listed(self, folder: str) -> Iterator[Listed]:
        """What lies there; a name with a dot in front is no file of ours."""
        with suppress(FileNotFoundError), os.scandir(self.root / folder) as found:
            for one in found:
                with suppress(FileNotFoundError):  # deleted meanwhile
                    if not one.name.startswith("."):
                        status = one.stat()
                        yield Listed(one.name, status.st_size, status.st_mtime)

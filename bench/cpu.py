"""What processes use, read from /proc: processor time, memory shared fairly (PSS), descriptors."""

import os
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def tree(root: int) -> list[int]:
    """A process and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def milliseconds(pids: Iterable[int]) -> float:
    """User and system time of these processes so far."""
    stats = [fields for pid in pids if (fields := _stat(pid))]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) * 1000 / _TICKS


def pss_megabytes(pids: Iterable[int]) -> float:
    """Resident memory, pages that several processes share counted once."""
    return _megabytes(pids, "Pss:")


def anonymous_megabytes(pids: Iterable[int]) -> float:
    """What the processes wrote themselves, so what can leak.

    PSS grows by itself when a neighbour with the same libraries ends, and private pages of files come and go as
    the kernel likes.
    """
    return _megabytes(pids, "Anonymous:")


def _megabytes(pids: Iterable[int], beginning: str) -> float:
    """The sum of the lines of /proc/PID/smaps_rollup that begin like this."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(beginning):
                total += int(line.split()[1])
    return total / 1024


def descriptors(pids: Iterable[int]) -> int:
    """Open file descriptors of these processes."""
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)


def _stat(pid: int) -> list[str] | None:
    """The fields after the name, which may hold spaces; None when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()

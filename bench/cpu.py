"""What processes use: processor time by their own clocks; memory and descriptors as /proc tells them."""

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

#: CPUCLOCK_SCHED of Linux: what the scheduler gave, in all threads.
_SCHEDULED = 2


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
    """User and system time of these processes so far, to the nanosecond: /proc counts in ticks of ten milliseconds."""
    return sum(map(_nanoseconds, pids)) / 1e6


def _nanoseconds(pid: int) -> int:
    """A process that is gone has used nothing any more, as it has no line in /proc.

    The clock's number is what `clock_getcpuclockid` (POSIX, glibc) makes of a process id.
    """
    with suppress(OSError):
        return time.clock_gettime_ns(~pid << 3 | _SCHEDULED)
    return 0


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

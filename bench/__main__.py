"""`python -m bench`: measure, and print the table.

Parts can be named: intake, rules, pages, push, media, rest, and those that are only measured where
asked for: crowds, million, whose seeding alone takes minutes and some 10 GB, reading, which seeds a
million messages, several, which needs PostgreSQL, and soak, which takes `--minutes`. `--quick` takes fewer and smaller rounds, for a look
while working; what is written down (`--keep docs/performance.md`, each part in its own place as soon
as it is measured) comes from a full run on a machine with nothing else to do.
"""

import argparse
import os
import platform
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path

from app.clock import now
from bench import (
    crowds,
    intake,
    media,
    million,
    pages,
    push,
    reading,
    rest,
    rules,
    several,
    soak,
    table,
)
from bench.table import Row

Part = Callable[[argparse.Namespace], Iterable[Row]]

PARTS: dict[str, tuple[str, Part]] = {
    "intake": (
        "Intake of LINE webhooks",
        lambda asked: intake.rows(
            rounds=asked.rounds, requests=asked.requests, cases=asked.cases, large=asked.large
        ),
    ),
    "rules": (
        "Rules",
        lambda asked: rules.rows(
            rounds=asked.rounds, requests=asked.requests, cases=asked.cases, large=asked.large
        ),
    ),
    "pages": (
        "Pages",
        lambda asked: pages.rows(
            rounds=asked.rounds, requests=asked.requests // 20, cases=asked.cases, large=asked.large
        ),
    ),
    "push": (
        "A new chat on open pages",
        lambda asked: push.rows(
            rounds=asked.rounds * 2, sockets=asked.sockets * 2, requests=asked.requests
        ),
    ),
    "media": (
        "Photos that come while texts do",
        lambda asked: media.rows(rounds=asked.rounds, requests=asked.requests, files=50),
    ),
    "rest": (
        "At rest",
        lambda asked: rest.rows(seconds=10, sockets=100, starts=asked.rounds),
    ),
}
ASKED_FOR: dict[str, tuple[str, Part]] = {
    "crowds": (
        "Many open pages",
        lambda asked: crowds.rows(
            seconds=10, windows_=asked.windows, idle=asked.sockets * 4, storm=asked.sockets * 2
        ),
    ),
    "million": (
        "A long history",
        lambda asked: million.rows(
            rounds=asked.rounds,
            requests=asked.requests // 20,
            sizes=(asked.cases, asked.large, asked.large * 10),
            seeded=asked.seeded,
        ),
    ),
    "reading": (
        "Fifty agents who read",
        lambda asked: reading.rows(
            seconds=asked.rounds * 10, cases=asked.large, seeded=asked.seeded
        ),
    ),
    "several": (
        "Several processes on PostgreSQL",
        lambda asked: several.rows(seconds=asked.rounds * 3, windows_=asked.windows),
    ),
    "soak": ("A long time of ordinary work", lambda asked: soak.rows(minutes=asked.minutes, rate=asked.rate)),
}


def main() -> None:
    asked = _options()
    parts = PARTS | ASKED_FOR
    before = surroundings()
    print(before)
    for name in asked.parts or PARTS:
        title, rows = parts[name]
        told = [before, ""]
        print(flush=True)
        for line in table.lines(title, rows(asked)):
            told.append(line)
            print(line, flush=True)
        if asked.keep:
            table.keep(asked.keep, "\n".join(told), part=name, order=list(parts))


def surroundings() -> str:
    """When, on what, and beside how much else."""
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"{now():%Y-%m-%d}: Python {platform.python_version()}, SQLite {sqlite3.sqlite_version},"
        f" {os.cpu_count()} processors; load average before the run {load}."
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Speed and memory of Mado."
    )
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS, *ASKED_FOR], help="all of them by default")
    parser.add_argument("--quick", action="store_true", help="a first look in two minutes")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=1000, help="webhooks of a kind in a round")
    parser.add_argument("--cases", type=int, default=1000, help="in the small database")
    parser.add_argument("--large", type=int, default=100_000, help="in the grown database")
    parser.add_argument("--sockets", type=int, default=500)
    parser.add_argument("--windows", type=int, default=200, help="of crowds and several: pages that fetch")
    parser.add_argument("--minutes", type=float, default=30, help="of soak")
    parser.add_argument("--rate", type=float, default=20, help="texts a second of soak")
    parser.add_argument("--seeded", type=Path, metavar="FOLDER", help="for million and reading: keep their databases there")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write what is measured into a document")
    asked = parser.parse_args()
    if asked.quick:
        asked.rounds, asked.requests, asked.large, asked.sockets = 3, 300, 5000, 100
    return asked


if __name__ == "__main__":
    main()

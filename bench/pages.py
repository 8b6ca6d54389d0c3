"""What the list of all cases and a case's page cost, in a small database and in a grown one."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

from bench import load, servers
from bench.servers import Cost, Server
from bench.table import Row

PAGE = 50
WAITING = 10
LONG = (PAGE, 10_000)
_CASE = re.compile(rb'<tr id="case-(\d+)"')
_MESSAGE = re.compile(rb'id="message-(\d+)"')


def rows(*, rounds: int, requests: int, cases: int, large: int) -> Iterator[Row]:
    """The rows of the table."""
    with ExitStack() as stack:
        small = stack.enter_context(servers.mado(cases=cases, active=WAITING, long=LONG))
        grown = stack.enter_context(servers.mado(cases=large or cases, active=WAITING, long=LONG))
        short, long = (f"/cases/{number}" for number in grown.seeded["long_cases"])
        runs = {
            "list": (small, "/cases", _CASE),
            "grown": (grown, "/cases", _CASE),
            "short": (grown, short, _MESSAGE),
            "long": (grown, long, _MESSAGE),
        }
        costs = _interleaved(runs, rounds, requests)
    ratio = _ratio(costs["grown"], costs["list"])
    yield Row(
        f"All cases, first page of {PAGE}, {cases:,} cases", _cpu(costs["list"]), "CPU-ms", most=40
    )
    yield Row(
        f"All cases, first page of {PAGE}, {large:,} cases",
        _cpu(costs["grown"]),
        "CPU-ms",
        most=40,
        note="aim: 15",
    )
    yield Row(f"{large:,} cases stored / {cases:,}", ratio, "x CPU", most=1.25)
    yield Row(f"a case of {LONG[0]} messages", _cpu(costs["short"]), "CPU-ms", most=40)
    ratio = _ratio(costs["long"], costs["short"])
    yield Row(f"last {PAGE} of {LONG[1]:,} messages / of {LONG[0]}", ratio, "x CPU", most=1.25)


def _interleaved(
    runs: dict[str, tuple[Server, str, re.Pattern[bytes]]], rounds: int, requests: int
) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {name: [] for name in runs}
    for server, path, shown in runs.values():
        _check(server, path, shown)
    for _ in range(rounds):
        for name, (server, path, _shown) in runs.items():
            asked = [_request(server, path)] * requests
            costs[name].append(servers.measure(server, asked, connections=2))
    return costs


def _check(server: Server, path: str, shown: re.Pattern[bytes]) -> None:
    """A page that shows something else is not what is to be measured."""
    body = load.run(server.port, [_request(server, path)] * 3, connections=1).body
    found = {int(number) for number in shown.findall(body)}
    if len(found) != PAGE:
        raise load.UnexpectedAnswer(f"{path} shows {len(found)} rows instead of {PAGE}")


def _request(server: Server, path: str) -> bytes:
    return load.get(server.port, path, cookie=server.seeded["cookies"][0])


def _cpu(costs: list[Cost]) -> float:
    return median(cost.cpu for cost in costs)


def _ratio(ours: list[Cost], theirs: list[Cost]) -> float:
    return median(our.cpu / their.cpu for our, their in zip(ours, theirs, strict=True))

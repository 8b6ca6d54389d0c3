"""What rules cost: intake beside the same without them, and a look of time-based rules at many cases."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median
from typing import Any

from bench import intake, servers, simulator
from bench.servers import ROOT, Server
from bench.table import Row

RULES = 100
CONDITIONS = (
    {"condition": "channel_kind", "operator": "is", "value": "chat"},
    {"condition": "status", "operator": "is", "value": "open"},
    {"condition": "subject", "operator": "contains_not", "value": "nobody writes this"},
    {"condition": "author_is_new", "operator": "is", "value": "yes"},
    {"condition": "latest_text", "operator": "contains", "value": "nobody writes this either"},
)


def rows(*, rounds: int, requests: int, cases: int, large: int) -> Iterator[Row]:
    """The rows of the table."""
    yield from _intake(rounds, requests // 2, cases)
    yield from _looks(cases, large)


def _intake(rounds: int, requests: int, cases: int) -> Iterator[Row]:
    with ExitStack() as stack:
        plain = stack.enter_context(servers.mado(cases=cases))
        ruled = stack.enter_context(servers.mado(cases=cases))
        _add_rules(ruled)
        runs = {
            "plain": (plain, intake.new_chats(plain, requests)),
            "ruled": (ruled, intake.new_chats(ruled, requests)),
        }
        costs = intake.interleaved(runs, rounds)
    cpu = {name: [cost.cpu for cost in of] for name, of in costs.items()}
    yield Row("text that opens a new chat, no rules", median(cpu["plain"]), "CPU-ms")
    name = f"the same with {RULES} rules of {len(CONDITIONS)} conditions"
    yield Row(name, median(cpu["ruled"]), "CPU-ms")
    ratio = median(with_ / without for with_, without in zip(cpu["ruled"], cpu["plain"], strict=True))
    yield Row("with rules / without", ratio, "x CPU", most=1.5)


def _add_rules(server: Server) -> None:
    path = f"http://127.0.0.1:{server.port}/api/v1/rules"
    for number in range(RULES):
        rule = {
            "type": "new_case",
            "name": f"Rule {number}",
            "blocks": [{"match": "all", "conditions": CONDITIONS}],
            "actions": [{"action": "set_priority", "value": "high"}],
        }
        simulator.call(path, rule, token=server.seeded["api_token"])


def _looks(cases: int, large: int) -> Iterator[Row]:
    few, many = 200, 2000
    told = {
        (stored, fitting): _timed(stored, fitting)
        for stored, fitting in ((cases * 10, few), (large, few), (large, many))
    }
    for (stored, fitting), found in told.items():
        first, later = found["first"], found["later"]
        if first["acted"] != fitting or later["acted"]:
            raise SystemExit(f"{first['acted']:.0f} of {fitting} cases were acted on.")
        name = f"20 timed rules, {fitting:,} of {stored:,} cases due at once"
        most = 2.0 if fitting == few else None
        yield Row(name, first["seconds"], "s", most=most, note=f"{first['cpu']:.2f} CPU-s")
        name = f"20 timed rules a minute later, {stored:,} cases"
        yield Row(name, later["seconds"], "s", most=2.0, note=f"{later['cpu']:.2f} CPU-s")


def _timed(cases: int, fitting: int) -> dict[str, Any]:
    with servers.environment({}, None) as env:
        servers.seed(env, cases, 0, ())
        command = [sys.executable, "-m", "bench.timed", str(fitting)]
        done = subprocess.run(command, env=env, cwd=ROOT, check=True, stdout=subprocess.PIPE)
        return json.loads(done.stdout)

"""What a LINE webhook costs, from the socket to the commit, beside the least it could cost."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from statistics import median

from bench import databases, posts, servers
from bench.servers import Cost, Server
from bench.table import Row

Make = Callable[[], list[bytes]]
# Measured with all threads of the server on one processor.
KEPT = ("kept", "bare kept")


def rows(*, rounds: int, requests: int, cases: int, large: int) -> Iterator[Row]:
    """The rows of the table."""
    with ExitStack() as stack:
        bare = stack.enter_context(servers.tiny("bench.floors:bare"))
        one_row = stack.enter_context(servers.tiny("bench.floors:one_row"))
        small = stack.enter_context(servers.mado(cases=cases))
        grown = stack.enter_context(servers.mado(cases=large))
        runs = {
            "bare": (bare, _known(bare, requests)),
            "row": (one_row, _known(one_row, requests)),
            "one": (small, _known(small, requests)),
            "bare kept": (bare, _known(bare, requests)),
            "kept": (small, _known(small, requests)),
            "five": (small, _known(small, requests // 2, events=5)),
            "grown": (grown, _known(grown, requests)),
        }
        costs = interleaved(runs, rounds)
    yield from _floors(costs)
    yield from _comparisons(costs, cases, large)
    # Beside nothing else: names of new people are looked up long after, which is work of its own.
    with servers.mado(cases=cases) as opened, servers.mado(cases=large) as grown:
        yield from _openings({cases: opened, large: grown}, rounds, requests // 2)
    yield from _beside(rounds, requests // 2, cases, large)


def _openings(
    sized: dict[int, Server], rounds: int, requests: int, *, where: str = ""
) -> Iterator[Row]:
    """Of a server with few cases and of one with many."""
    runs = {f"{size:,}": (server, new_chats(server, requests)) for size, server in sized.items()}
    (small, few), (large, many) = interleaved(runs, rounds).items()
    name = f"{where}text that opens a new chat, and some look-ups of names"
    yield Row(name, _cpu(few), "CPU-ms", rate=_rate(few))
    name = f"{where}the same, {large} cases stored / {small}"
    yield Row(name, _ratio(*([cost.cpu for cost in of] for of in (many, few))), "x CPU", most=1.2)


def _beside(rounds: int, requests: int, cases: int, large: int) -> Iterator[Row]:
    """The other database. Each server has its own, for a backend's work is counted by its database."""
    with ExitStack() as stack:
        urls = [stack.enter_context(databases.postgresql()) for _ in range(3)]
        if None not in urls:
            yield from _postgresql(stack, urls, rounds, requests, cases, large)


def _postgresql(
    stack: ExitStack,
    urls: list[str | None],
    rounds: int,
    requests: int,
    cases: int,
    large: int,
) -> Iterator[Row]:
    sized = {
        size: stack.enter_context(servers.mado(cases=size, database_url=url))
        for size, url in zip((cases, large), urls, strict=False)
    }
    with ExitStack() as floors:
        bare = floors.enter_context(servers.tiny("bench.floors:bare"))
        one_row = floors.enter_context(servers.tiny("bench.floors:one_row", database_url=urls[2]))
        named = {"bare": bare, "row": one_row, "one": sized[cases], "grown": sized[large]}
        runs = {name: (server, _known(server, requests)) for name, server in named.items()}
        costs = interleaved(runs, rounds)
    rate = {name: [cost.rate for cost in of] for name, of in costs.items()}
    yield Row("PostgreSQL, one-row floor", _cpu(costs["row"]), "CPU-ms", rate=median(rate["row"]))
    name = "PostgreSQL, text into an active chat (its processes too)"
    yield Row(name, _cpu(costs["one"]), "CPU-ms", rate=median(rate["one"]), most=1.8)
    for floor, name in (("row", "one-row"), ("bare", "bare")):
        ratio = _ratio(rate["one"], rate[floor])
        yield Row(f"PostgreSQL, throughput / {name} floor", ratio, "x")
    ratio = _ratio(*([cost.cpu for cost in costs[name]] for name in ("grown", "one")))
    yield Row(f"PostgreSQL, {large:,} cases stored / {cases:,}", ratio, "x CPU", most=1.2)
    yield from _openings(sized, rounds, requests, where="PostgreSQL, ")


def _known(server: Server, count: int, *, events: int = 1) -> Make:
    users = posts.known_users(server.seeded.get("active", 200))
    return lambda: posts.webhooks(users, count, port=server.port, events=events)


def new_chats(server: Server, count: int) -> Make:
    return lambda: posts.webhooks(posts.new_users(), count, port=server.port)


def interleaved(runs: dict[str, tuple[Server, Make]], rounds: int) -> dict[str, list[Cost]]:
    """All of them in turn, so that a busy moment of the machine meets all alike."""
    for server, make in runs.values():
        servers.measure(server, make()[:100])
    costs: dict[str, list[Cost]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, (server, make) in runs.items():
            with servers.on_one_processor(server) if name in KEPT else nullcontext():
                costs[name].append(servers.measure(server, make()))
    return costs


def _floors(costs: dict[str, list[Cost]]) -> Iterator[Row]:
    rate = {name: [cost.rate for cost in of] for name, of in costs.items()}
    yield Row(
        "bare floor: signature and JSON", _cpu(costs["bare"]), "CPU-ms", rate=median(rate["bare"])
    )
    yield Row(
        "one-row floor: and one committed row",
        _cpu(costs["row"]),
        "CPU-ms",
        rate=median(rate["row"]),
    )
    yield Row(
        "text into an active chat", _cpu(costs["one"]), "CPU-ms", rate=median(rate["one"]), most=1.2
    )
    for name, of in (("bare floor", "bare kept"), ("text into an active chat", "kept")):
        yield Row(
            f"{name}, kept on one processor", _cpu(costs[of]), "CPU-ms", rate=_rate(costs[of])
        )
    yield Row("throughput / one-row floor", _ratio(rate["one"], rate["row"]), "x", least=0.60)
    yield Row("throughput / bare floor", _ratio(rate["one"], rate["bare"]), "x", least=0.25)


def _comparisons(costs: dict[str, list[Cost]], cases: int, large: int) -> Iterator[Row]:
    one = [cost.cpu for cost in costs["one"]]
    five = [cost.cpu for cost in costs["five"]]
    yield Row("batch of 5 / batch of 1", _ratio(five, one), "x CPU", most=2.0)
    grown = [cost.cpu for cost in costs["grown"]]
    yield Row(f"{large:,} cases stored / {cases:,}", _ratio(grown, one), "x CPU", most=1.2)


def _cpu(costs: list[Cost]) -> float:
    return median(cost.cpu for cost in costs)


def _rate(costs: list[Cost]) -> float:
    return median(cost.rate for cost in costs)


def _ratio(ours: list[float], theirs: list[float]) -> float:
    """The middle of the rounds' ratios: neighbours in time are compared, not averages."""
    return median(our / their for our, their in zip(ours, theirs, strict=True))

"""Two web processes and a scheduler on PostgreSQL: what each takes, and how soon one tells of what came to the other.

As compose.yaml has it, without the proxy: agents' pages are with one web process, LINE calls the other. With
Redis where one answers; else a process looks for the other's events once a second, and the rows say so.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench import cpu, databases, renewal, rest, servers, simulator, windows
from bench.servers import Server
from bench.steady import Steady
from bench.table import Row, share
from bench.windows import Windows

AGENTS = 50
ACTIVE = 200
RATE = 50
WEB = (*servers.GUNICORN, "wsgi:app")
SCHEDULER = ("scheduler.py",)


@dataclass(frozen=True)
class Installation:
    """Pages are with `first`, LINE calls `second`."""

    first: Server
    second: Server
    scheduler: int
    has_redis: bool

    def memory(self) -> dict[str, float]:
        """Megabytes of each process with its children; what they share is divided among them (PSS)."""
        return {
            "web process with the pages": rest.memory(self.first),
            "web process that LINE calls": rest.memory(self.second),
            "scheduler": cpu.pss_megabytes(cpu.tree(self.scheduler)),
        }


def rows(*, seconds: float, windows_: int) -> Iterator[Row]:
    """The rows of the table; none without PostgreSQL."""
    with databases.postgresql() as url:
        if url:
            yield from _on(url, seconds, windows_)


def _on(url: str, seconds: float, windows_: int) -> Iterator[Row]:
    sim_port = servers.free_port()
    line = f"http://127.0.0.1:{sim_port}"
    with ExitStack() as stack:
        mado = stack.enter_context(_installed(url, LINE_API_URL=line, LINE_DATA_API_URL=line))
        stack.enter_context(simulator.running(sim_port, mado.second.port))
        rest.look_around(mado.first)
        rest.look_around(mado.second)
        yield from _memory(mado, "before the first reply", most=110)
        rest.reply(mado.second, line)
        rest.look_around(mado.first)
        yield from _memory(mado, "after it", most=190)
        yield from _texts_to_pages(mado, windows_, seconds)
        yield from renewal.rows([mado.first, mado.second])


@contextmanager
def _installed(url: str, **settings: str) -> Iterator[Installation]:
    redis = databases.redis()
    wake = {"REDIS_URL": redis} if redis else {}
    with ExitStack() as stack:
        env = stack.enter_context(servers.environment(settings | wake, url))
        seeded = servers.seed(env, 1000, ACTIVE, (), colleagues=AGENTS)
        databases.tidy(url)
        other = env | {"PORT": str(servers.free_port())}
        webs = [stack.enter_context(servers.running(WEB, one)) for one in (env, other)]
        for web in webs:
            web.seeded, web.database_url = seeded, url
        scheduler, _ = stack.enter_context(servers.started(SCHEDULER, env))
        ready, token = f"http://127.0.0.1:{webs[0].port}/readyz", seeded["api_token"]
        simulator.wait_until(lambda: simulator.call(ready, token=token)["scheduler_last_tick"])
        yield Installation(*webs, scheduler.pid, has_redis=bool(redis))


def _memory(mado: Installation, when: str, *, most: float) -> Iterator[Row]:
    found = mado.memory()
    for name, megabytes in found.items():
        yield Row(f"{name}, {when}", megabytes, "MB PSS", most=most)
    yield Row(f"all of them, {when}", sum(found.values()), "MB PSS")


def _texts_to_pages(mado: Installation, count: int, seconds: float) -> Iterator[Row]:
    """Each window shows a chat of its own; a text counts from when its call was due."""
    shown = windows.of(mado.first, count)
    with Windows(shown) as open_, Steady(mado.second, rate=RATE) as texts:
        time.sleep(seconds)
    waits = [moment - texts.sent[number] for number, moment in open_.arrived.items()]
    name = f"{RATE} texts/s, {count} pages elsewhere: text to page"
    note = f"{len(waits):,} texts, {'woken by Redis' if mado.has_redis else 'without Redis'}"
    yield Row(f"{name}, p50", share(waits, 0.5) * 1000, "ms", note=note)
    yield Row(f"{name}, p95", share(waits, 0.95) * 1000, "ms", most=500)
    yield Row(f"{name}, p99", share(waits, 0.99) * 1000, "ms", most=1000)
    yield Row(f"intake p99 at {RATE}/s", share(texts.waits, 0.99) * 1000, "ms", most=200)
